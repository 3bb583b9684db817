//! Secrets where they can be read. No value ever goes into a message.

use std::path::{Path, PathBuf};

use landfall_compose::View;
use landfall_core::diagnostic::Severity::{Error, Note, Warning};

use crate::facts::{App, DotEnv, Entry, Variable, place};
use crate::finding::Out;
use crate::folder::Kind;
use crate::know::{is_secret, url_parts};
use crate::rule::Rule;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "secret-in-file",
        severity: Warning,
        title: "a password written into the compose file",
        why: "The compose file is committed, copied, pasted into issues and read by every tool. A \
            secret in it is known to all who ever had the repository, for ever, and is the same in \
            every installation.",
        fix: "write `${NAME:?}` and keep the value in `.env` outside of git, or use `secrets`",
        before: "services:\n  db:\n    image: postgres:16.4\n    environment: {POSTGRES_PASSWORD: hunter2}\n",
        after: "services:\n  db:\n    image: postgres:16.4\n    environment: {POSTGRES_PASSWORD_FILE: \
            /run/secrets/db}\n",
        run: in_file,
    },
    Rule {
        id: "secret-default",
        severity: Warning,
        title: "a secret with a default that everybody knows",
        why: "A default makes the app start without anybody having chosen a secret. Everyone who can \
            read the file then knows the key of every installation that forgot to.",
        fix: "write `${NAME:?set it in .env}`: without a value nothing is started",
        before: "services:\n  web:\n    image: web:1.4.2\n    environment: {SECRET_KEY: \
            \"${SECRET_KEY:-change-me}\"}\n",
        after: "services:\n  web:\n    image: web:1.4.2\n    environment: {SECRET_KEY_FILE: \
            /run/secrets/key}\n",
        run: default,
    },
    Rule {
        id: "secret-in-build-arg",
        severity: Warning,
        title: "a secret given to a build as an argument",
        why: "Build arguments are kept in the image's history: everyone who can pull it reads them with \
            `docker history`.",
        fix: "use `build.secrets` and `RUN --mount=type=secret`",
        before: "services:\n  web:\n    build:\n      context: .\n      args: {NPM_TOKEN: abc}\n",
        after: "services:\n  web:\n    build:\n      context: .\n      args: {NODE_VERSION: \"20\"}\n",
        run: build_arg,
    },
    Rule {
        id: "secret-tracked",
        severity: Error,
        title: "secrets in a file that git tracks",
        why: "What was committed once is in every clone, in every fork and in the history after it was \
            removed. Bots look for it and find it within minutes when a repository becomes public.",
        fix: "run `git rm --cached` on it, add it to `.gitignore`, and make new secrets: these are known",
        before: "# git ls-files\n.env\ncompose.yaml\n",
        after: "# git ls-files\n.env.example\n.gitignore\ncompose.yaml\n",
        run: tracked,
    },
    Rule {
        id: "env-file-readable",
        severity: Note,
        title: "a file of secrets that every user of the host can read",
        why: "Files are made readable for all unless somebody takes care. Every account on the host, \
            those of other apps too, can read the passwords in it.",
        fix: "run `chmod 600` on it",
        before: "$ ls -l .env\n-rw-r--r-- 1 app app 120 .env\n",
        after: "$ ls -l .env\n-rw------- 1 app app 120 .env\n",
        run: readable,
    },
];

/// Whether a value stands in a compose file itself.
fn is_written_here(variable: &Variable<'_>) -> bool {
    let file = Path::new(&variable.at.file);
    file.extension().is_some_and(|e| e == "yaml" || e == "yml") && variable.is_literal()
}

fn in_file(app: &App<'_>, out: &mut Out) {
    for service in app.services() {
        for variable in service.environment.iter().filter(|v| is_written_here(v)) {
            let value = variable.value();
            let is_path = value.starts_with('/') || value.starts_with("./");
            let is_switch =
                matches!(&*value.to_ascii_lowercase(), "true" | "false" | "yes" | "no" | "none");
            let is_small_number = value.len() <= 4 && value.parse::<u32>().is_ok();
            let name = variable.name;
            if is_secret(name) && !is_path && !is_switch && !is_small_number {
                let message = format!("the value of `{name}` stands in the file");
                out.service(service, variable.at.clone(), message);
            } else if url_parts(value).is_some_and(|url| url.password.is_some()) {
                let message = format!("the address in `{name}` holds a password");
                out.service(service, variable.at.clone(), message);
            }
        }
    }
}

fn default(app: &App<'_>, out: &mut Out) {
    for service in app.services() {
        for variable in &service.environment {
            let Some(default) = variable.default().filter(|_| is_secret(variable.name)) else {
                continue;
            };
            let is_number = default.len() <= 6 && default.parse::<u32>().is_ok();
            let is_plain = !default.starts_with(['/', '$'])
                && !matches!(default, "true" | "false")
                && !is_number;
            if is_plain {
                let message = format!("`{}` has a default that everybody can read", variable.name);
                out.service(service, variable.at.clone(), message);
            }
        }
    }
}

fn build_arg(app: &App<'_>, out: &mut Out) {
    for service in app.services() {
        let args = service.view.at_path("build.args").into_iter().flat_map(View::entries);
        for (name, value) in args.filter(|(name, _)| is_secret(name)) {
            if !value.is_null() && value.printed().is_some_and(|value| !value.is_empty()) {
                let message =
                    format!("`{name}` is kept in the history of the image of `{}`", service.name);
                out.service(service, value.key_at(), message);
            }
        }
    }
}

/// `.env` and every `env_file` that exists, and which of them landfall's user sees.
fn env_files(app: &App<'_>) -> Vec<PathBuf> {
    let mut paths = vec![app.directory().join(".env")];
    paths.extend(super::dotenv::env_files(app).into_iter().map(|(path, _)| path));
    paths.sort();
    paths.dedup();
    paths.retain(|path| !is_example(path));
    paths
}

/// Files that show which names are needed; their values are meant to be known.
fn is_example(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase());
    let words = ["example", "sample", "template", "dist"];
    name.is_some_and(|name| name.split(['.', '-', '_']).any(|part| words.contains(&part)))
}

fn tracked(app: &App<'_>, out: &mut Out) {
    for path in env_files(app) {
        if app.tracked(&path).is_empty() {
            continue;
        }
        let Some(text) = app.text(&path) else { continue };
        let file = DotEnv::parse(&path, &text);
        let secrets: Vec<&Entry> = file.entries.iter().filter(|e| holds_secret(e)).collect();
        let [first, rest @ ..] = &secrets[..] else { continue };
        let shown = app.shown(&file.path);
        let more = match rest.len() {
            0 => String::new(),
            count => format!(" and {count} more"),
        };
        let message = format!("git tracks `{shown}`, which holds `{}`{more}", first.name);
        out.app(Some(place(&shown, first.line, first.column)), message);
    }
    let secrets = app.model.root().get("secrets").into_iter().flat_map(View::entries);
    for (name, secret) in secrets {
        let Some(file) = secret.get("file") else { continue };
        let path = app.directory().join(file.text().unwrap_or_default());
        if !is_example(&path) && !app.tracked(&path).is_empty() {
            out.app(Some(file.at()), format!("git tracks the file of the secret `{name}`"));
        }
    }
}

fn holds_secret(entry: &Entry) -> bool {
    let in_url = url_parts(entry.value()).is_some_and(|url| url.password.is_some());
    entry.has_value && (is_secret(&entry.name) || in_url)
}

fn readable(app: &App<'_>, out: &mut Out) {
    if app.is_for_development() {
        return;
    }
    for path in env_files(app) {
        if app.kind(&path) != Some(Kind::File { world_readable: true }) {
            continue;
        }
        let Some(text) = app.text(&path) else { continue };
        let file = DotEnv::parse(&path, &text);
        if let Some(entry) = file.entries.iter().find(|entry| holds_secret(entry)) {
            let shown = app.shown(&path);
            let message = format!("every user of this host can read `{}` in `{shown}`", entry.name);
            out.app(Some(place(&shown, entry.line, entry.column)), message);
        }
    }
}
