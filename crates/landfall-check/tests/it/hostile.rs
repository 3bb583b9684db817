//! Broken and hostile surroundings: nothing panics, nothing takes long.

use std::fmt::Write as _;
use std::fs;
use std::time::{Duration, Instant};

use crate::support::{Project, cases_folder};

/// A small generator of numbers, the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit.max(1)
    }
}

/// Breaks lines of a project's files, not those that make it.
fn broken(text: &str, numbers: &mut Numbers) -> String {
    const PIECES: &[&str] = &[
        "",
        "é",
        "\u{feff}",
        "${",
        "$$",
        "'",
        "\"",
        "[",
        "]",
        "{",
        "}",
        ":",
        "=",
        "\\",
        "/",
        "..",
        "\0",
        "&&",
        "FROM",
        "ENV A=$A",
        "https://:@:/",
        "sh -c",
        "- ",
        "#",
    ];
    let mut out = String::new();
    for line in text.lines() {
        let fixed =
            line.starts_with(['@', '#']) || line.starts_with("--- ") || line.starts_with("===");
        if fixed || numbers.below(5) > 0 {
            out.push_str(line);
        } else {
            let mut chars: Vec<char> = line.chars().collect();
            let at = numbers.below(chars.len() + 1);
            chars.splice(at..at, PIECES[numbers.below(PIECES.len())].chars());
            chars.truncate(chars.len() - numbers.below(chars.len().min(3)));
            out.extend(chars);
        }
        out.push('\n');
    }
    out
}

#[test]
fn broken_files_are_no_reason_to_panic() {
    let mut numbers = Numbers(20_251_121);
    let mut checked = 0;
    for entry in fs::read_dir(cases_folder()).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        for case in text.split("## ").filter(|case| case.contains("--- ")) {
            let project = case.split_once('\n').map_or("", |(_, project)| project);
            let project: String = project
                .lines()
                .filter(|l| !l.starts_with("=== "))
                .flat_map(|l| [l, "\n"])
                .collect();
            for _ in 0..6 {
                checked +=
                    usize::from(Project::new(&broken(&project, &mut numbers)).check_if_read());
            }
        }
    }
    assert!(checked > 200, "{checked}");
}

#[test]
fn two_thousand_services_are_checked_in_a_moment() {
    let mut text = "--- compose.yaml\nservices:\n".to_owned();
    for number in 0..2000 {
        write!(
            text,
            "  s{number}:\n    image: redis:7\n    command: celery -A x worker\n    ports:              [\"{}:80\"]\n    volumes: [\"v{number}:/srv/static\"]\n    environment: {{URL:              \"redis://s{}/0\", A: $B}}\n    depends_on: [s0]\n",
            number % 60_000 + 1,
            number / 2,
        )
        .unwrap();
    }
    text = text.replacen("depends_on: [s0]", "x-a: 1", 1);
    text.push_str("volumes:\n");
    for number in 0..2000 {
        writeln!(text, "  v{number}: {{}}").unwrap();
    }
    let project = Project::new(&text);
    let started = Instant::now();
    assert!(project.check_if_read());
    let took = started.elapsed();
    // Without optimisation and on a busy machine; it is far less otherwise.
    assert!(took < Duration::from_secs(20), "{took:?}");
}
