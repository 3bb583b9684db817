//! Dockerfiles that the app is built from.

use std::path::Path;

use landfall_core::diagnostic::Severity::{Note, Warning};

use crate::facts::{App, Kinded as _};
use crate::finding::Out;
use crate::know;
use crate::rule::Rule;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "build-context-secrets",
        severity: Warning,
        title: "secrets or backups that are copied into an image",
        why: "`COPY . .` copies what lies in the folder: `.env`, keys, database dumps. They are in a layer \
            of the image, for everyone who can pull it, even when a later instruction removes them.",
        fix: "list them in `.dockerignore`",
        before: "# Dockerfile\nFROM python:3.12\nCOPY . .\n# ls -A\n.env  Dockerfile  app.py\n",
        after: "# .dockerignore\n.env*\n",
        run: context,
    },
    Rule {
        id: "download-unverified",
        severity: Note,
        title: "a build that runs what it downloads, unseen",
        why: "A download without a checksum puts into the image whatever the server, or on plain HTTP \
            anybody on the way, sends today. The same Dockerfile builds something else tomorrow.",
        fix: "use HTTPS and a checksum: `ADD --checksum=sha256:… URL` or `sha256sum -c`",
        before: "FROM debian:12\nRUN curl -fsSL https://get.example/install.sh | sh\n",
        after: "FROM debian:12\nADD --checksum=sha256:… https://get.example/tool.tar.gz /tmp/\n",
        run: download,
    },
    Rule {
        id: "env-in-its-own-line",
        severity: Warning,
        title: "a variable used in the instruction that sets it",
        why: "`ENV` fills in what was set by earlier instructions only. `ENV HOME_DIR=/srv \
            PATH=$HOME_DIR/bin:$PATH` therefore puts `/bin` in front: the program that is found is another \
            one than meant.",
        fix: "write two `ENV` instructions",
        before: "FROM python:3.12\nENV VENV=/venv PATH=$VENV/bin:$PATH\n",
        after: "FROM python:3.12\nENV VENV=/venv\nENV PATH=$VENV/bin:$PATH\n",
        run: env_line,
    },
];

fn context(app: &App<'_>, out: &mut Out) {
    for service in app.services() {
        let (Some(file), Some(context)) = (service.dockerfile(app), service.context(app)) else {
            continue;
        };
        let copies_all = file.all().find(|i| {
            let words: Vec<&str> =
                i.rest.split_whitespace().filter(|w| !w.starts_with("--")).collect();
            let from_stage = i.rest.contains("--from");
            let all = words
                .split_last()
                .is_some_and(|(_, from)| from.iter().any(|w| matches!(*w, "." | "./")));
            matches!(&*i.keyword, "COPY" | "ADD") && all && !from_stage
        });
        let Some(copy) = copies_all else { continue };
        let ignored = ignored(app, &context, &file.shown);
        let names = app.names(&context);
        let mut bad = names
            .iter()
            .filter(|name| is_private(app, &context, name) && !is_ignored(&ignored, name));
        let Some(first) = bad.next() else { continue };
        let more = match bad.count() {
            0 => String::new(),
            count => format!(" and {count} more"),
        };
        out.service(service, file.at(copy), format!("the image gets `{first}`{more}"));
    }
}

/// Secrets, keys and dumps, by their names.
fn is_private(app: &App<'_>, context: &Path, name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let harmless =
        ["example", "sample", "template", "dist"].iter().any(|word| lower.contains(word));
    let ends = [".pem", ".key", ".p12", ".pfx", ".sql", ".sql.gz", ".dump"];
    let is_file = lower == ".env"
        || lower.starts_with(".env.")
        || lower.starts_with("id_rsa")
        || lower.starts_with("id_ed25519")
        || ends.iter().any(|end| lower.ends_with(end));
    let is_folder = matches!(&*lower, "backup" | "backups" | "secrets")
        && app.kind(&context.join(name)).is_folder()
        && !app.names(&context.join(name)).is_empty();
    !harmless && (is_file || is_folder)
}

/// Patterns of `.dockerignore`, those of the Dockerfile's own one first.
fn ignored(app: &App<'_>, context: &Path, dockerfile: &str) -> Vec<(bool, String)> {
    let name = dockerfile.rsplit('/').next().unwrap_or(dockerfile);
    let own = app.text(&context.join(format!("{name}.dockerignore")));
    let text = own.or_else(|| app.text(&context.join(".dockerignore"))).unwrap_or_default();
    let lines =
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let pattern = |line: &str| {
        let (keep, line) = line.strip_prefix('!').map_or((false, line), |rest| (true, rest));
        let bare = line.trim_start_matches("./").trim_start_matches('/').trim_start_matches("**/");
        (keep, bare.trim_end_matches("/**").trim_end_matches("/*").trim_end_matches('/').to_owned())
    };
    lines.take(2000).map(pattern).collect()
}

/// The last pattern that fits decides; only names at the top of the context are asked for.
fn is_ignored(patterns: &[(bool, String)], name: &str) -> bool {
    let last = patterns.iter().rev().find(|(_, pattern)| fits(pattern.as_bytes(), name.as_bytes()));
    last.is_some_and(|(keep, _)| !keep)
}

/// `*` and `?`, as in shells; iterative, so that no pattern takes long.
fn fits(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p, n));
            p += 1;
        } else if pattern.get(p).is_some_and(|c| *c == b'?' || *c == name[n]) {
            (p, n) = (p + 1, n + 1);
        } else if let Some((star_p, star_n)) = star {
            star = Some((star_p, star_n + 1));
            (p, n) = (star_p + 1, star_n + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

fn download(app: &App<'_>, out: &mut Out) {
    for service in app.services() {
        let Some(file) = service.dockerfile(app) else { continue };
        for instruction in file.all() {
            let rest = &instruction.rest;
            let checked =
                ["sha256", "sha512", "--checksum", "gpg --verify", "gpgv", "minisign", "cosign"];
            if checked.iter().any(|word| rest.contains(word)) {
                continue;
            }
            let fetches = ["curl ", "wget "].iter().any(|tool| rest.contains(tool));
            let what = match &*instruction.keyword {
                "RUN" if fetches && rest.contains("http://") && !is_local(rest) => {
                    "over plain HTTP"
                }
                "RUN" if fetches && pipes_to_shell(rest) => "and runs it unseen",
                "ADD" if rest.contains("http://") => "over plain HTTP",
                "ADD" if rest.contains("https://") && !rest.contains(".git") => {
                    "without a checksum"
                }
                _ => continue,
            };
            let message = format!("the build of `{}` downloads {what}", service.name);
            out.service(service, file.at(instruction), message);
        }
    }
}

fn is_local(text: &str) -> bool {
    ["http://localhost", "http://127.0.0.1"].iter().any(|url| text.contains(url))
}

fn pipes_to_shell(text: &str) -> bool {
    text.split('|').skip(1).any(|part| {
        let mut words =
            part.split_whitespace().filter(|word| *word != "sudo" && !word.contains('='));
        let program = words.next().unwrap_or_default();
        matches!(program.rsplit('/').next(), Some("sh" | "bash" | "python" | "python3" | "perl"))
    })
}

fn env_line(app: &App<'_>, out: &mut Out) {
    for service in app.services() {
        let Some(file) = service.dockerfile(app) else { continue };
        for instruction in file.all().filter(|i| i.keyword == "ENV") {
            let words = know::words(&instruction.rest);
            let pairs: Vec<(&str, &str)> =
                words.iter().filter_map(|word| word.split_once('=')).collect();
            let own = pairs.iter().enumerate().find_map(|(index, (name, _))| {
                let used = |(_, value): &(&str, &str)| {
                    super::dollar::names(value).any(|used| used == *name)
                };
                let set_before = file.all().any(|i| {
                    i.line < instruction.line
                        && matches!(&*i.keyword, "ENV" | "ARG")
                        && i.rest.contains(name)
                });
                let others = pairs.iter().enumerate().any(|(at, pair)| at != index && used(pair));
                (others && !set_before && *name != "PATH").then_some(*name)
            });
            if let Some(name) = own {
                let message = format!("`${name}` is still empty in the instruction that sets it");
                out.service(service, file.at(instruction), message);
            }
        }
    }
}
