//! `cases/<rule>.txt`: projects in which a rule finds something, each with all that it finds, and near
//! misses in which it finds nothing.
//!
//! `## fires` and `## calm` start a project, `=== ` lines at its end are what is found.

use std::fs;

use landfall_check::rules;

use crate::support::{Project, cases_folder};

/// Set to write what is found instead of comparing it.
const UPDATE: &str = "LANDFALL_UPDATE_TRANSCRIPTS";

struct Case {
    head: String,
    project: String,
    expected: Vec<String>,
}

fn parse(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for line in text.lines() {
        if line.starts_with("## ") {
            let head = line.to_owned();
            cases.push(Case { head, project: String::new(), expected: Vec::new() });
        } else if let Some(case) = cases.last_mut() {
            if let Some(expected) = line.strip_prefix("=== ") {
                case.expected.push(expected.to_owned());
            } else {
                case.project.push_str(line);
                case.project.push('\n');
            }
        }
    }
    cases
}

#[test]
fn every_rule_finds_what_it_should_and_nothing_near_it() {
    let update = std::env::var_os(UPDATE).is_some();
    let mut wrong = Vec::new();
    for rule in rules() {
        let path = cases_folder().join(format!("{}.txt", rule.id));
        let Ok(text) = fs::read_to_string(&path) else {
            wrong.push(format!("`{}` has no cases", rule.id));
            continue;
        };
        let cases = parse(&text);
        for kind in ["## fires", "## calm"] {
            if !cases.iter().any(|case| case.head.starts_with(kind)) {
                wrong.push(format!("`{}` has no case that is `{kind}`", rule.id));
            }
        }
        let mut written = String::new();
        for case in cases {
            let found = Project::new(&case.project).said_by(rule.id);
            let fires = case.head.starts_with("## fires");
            if fires == found.is_empty() {
                wrong.push(format!("`{}`, {}: it found {found:#?}", rule.id, case.head));
            } else if !update && found != case.expected {
                let expected = case.expected;
                wrong.push(format!("`{}`, {}:\n{expected:#?}\n{found:#?}", rule.id, case.head));
            }
            written.extend([&*case.head, "\n", &*case.project]);
            written.extend(found.iter().map(|line| format!("=== {line}\n")));
        }
        if update {
            fs::write(&path, written).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn every_file_of_cases_belongs_to_a_rule() {
    for entry in fs::read_dir(cases_folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let id = name.strip_suffix(".txt").unwrap_or(&name);
        assert!(landfall_check::rule(id).is_some(), "there is no rule `{id}`");
    }
}
