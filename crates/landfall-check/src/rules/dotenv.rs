//! Variables of compose files and `.env`: what is missing, and what nobody reads.

use std::collections::BTreeSet;
use std::path::PathBuf;

use landfall_compose::View;
use landfall_core::diagnostic::Location;
use landfall_core::diagnostic::Severity::{Error, Note, Warning};

use crate::facts::{App, DotEnv, Entry, place};
use crate::finding::Out;
use crate::know::{is_compose_file, is_secret};
use crate::rule::Rule;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "unset-variable",
        severity: Warning,
        title: "a variable without a value",
        why: "A `${NAME}` without a value is replaced by nothing: a password becomes empty, a tag \
            becomes `web:`, a path becomes the one above. Compose only warns, in the middle of its \
            other output.",
        fix: "set it in `.env`, or write `${NAME:?}` when it is needed and `${NAME:-}` when not",
        before: "services:\n  web:\n    image: web:1.4.2\n    environment: {SITE: \"$SITE\"}\n",
        after: "services:\n  web:\n    image: web:1.4.2\n    environment: {SITE: \"${SITE:-}\"}\n",
        run: unset,
    },
    Rule {
        id: "env-key-missing",
        severity: Warning,
        title: "a setting that the example lists and `.env` lacks",
        why: "The example says which settings the app knows. One that was added there and not in `.env` \
            is usually found by its absence: the app starts with a default that was not meant for \
            production, or fails later.",
        fix: "copy the missing lines into `.env` and give them values",
        before: "# .env.example\nDATABASE_URL=\nSECRET_KEY=\n# .env\nDATABASE_URL=postgres://db/app\n",
        after: "# .env.example\nDATABASE_URL=\nSECRET_KEY=\n# .env\nDATABASE_URL=postgres://db/app\n\
            SECRET_KEY=…\n",
        run: missing,
    },
    Rule {
        id: "secret-unused",
        severity: Error,
        title: "a secret that was set and reaches no service",
        why: "`.env` fills in `${NAME}` in the compose file and does nothing else: no container sees it \
            by itself. A secret that stands there and is not handed on means that the app runs with \
            another one, often the default from its source code, and nobody notices.",
        fix: "hand it on: `environment: {NAME: ${NAME:?}}` or `env_file: .env`",
        before: "# .env\nSECRET_KEY=…\n# compose.yaml\nservices:\n  web:\n    image: web:1.4.2\n",
        after: "# .env\nSECRET_KEY=…\n# compose.yaml\nservices:\n  web:\n    image: web:1.4.2\n    \
            env_file: .env\n",
        run: secret_unused,
    },
    Rule {
        id: "env-key-unused",
        severity: Note,
        title: "a setting that reaches no service",
        why: "Lines in `.env` that nothing reads look like settings and are none: somebody will change \
            one and wonder. Often the name was changed in one place only.",
        fix: "take the line away, or hand it to the service that wants it",
        before: "# .env\nWEB_WORKERS=4\n# compose.yaml\nservices:\n  web:\n    image: web:1.4.2\n",
        after: "# .env\nWEB_WORKERS=4\n# compose.yaml\nservices:\n  web:\n    image: web:1.4.2\n    \
            environment: [WEB_WORKERS]\n",
        run: key_unused,
    },
    Rule {
        id: "env-file-outside",
        severity: Note,
        title: "an `env_file` outside of the project",
        why: "The app cannot be moved, cloned or restored without a file that nobody sees beside it, \
            and another app that shares the file changes this one.",
        fix: "keep it in the project's folder, outside of git",
        before: "services:\n  web:\n    image: web:1.4.2\n    env_file: [{path: /etc/shared.env, required: \
            false}]\n",
        after: "services:\n  web:\n    image: web:1.4.2\n    env_file: [{path: shared.env, required: \
            false}]\n",
        run: outside,
    },
];

/// Every `env_file` as it is written, resolved.
pub(super) fn env_files<'a>(app: &App<'a>) -> Vec<(PathBuf, View<'a>)> {
    let mut files = Vec::new();
    for (_, _, service) in app.written() {
        let Some(env_file) = service.get("env_file") else { continue };
        let items: Vec<View<'_>> =
            if env_file.is_list() { env_file.items().collect() } else { vec![env_file] };
        for item in items {
            let path = item.get("path").unwrap_or(item);
            let text = path.text().filter(|text| !text.contains('$'));
            if let Some(path_buf) = text.and_then(|text| app.resolve(text)) {
                files.push((path_buf, path));
            }
        }
    }
    files
}

fn unset(app: &App<'_>, out: &mut Out) {
    let taken = super::dollar::meant_for_container(app);
    // What another rule says is not said twice.
    let is_taken = |name: &str, at: &Location| {
        taken.iter().any(|(taken, place)| {
            let last = place.end.map_or(place.line, |end| end.line);
            taken == name && place.file == at.file && (place.line..=last).contains(&at.line)
        })
    };
    let uses = app.model.variables().iter().filter(|used| !used.is_set && !used.has_operator);
    let mut uses: Vec<_> = uses.filter(|used| !is_taken(&used.name, &used.at)).collect();
    uses.sort_by(|a, b| (&a.name, &a.at).cmp(&(&b.name, &b.at)));
    for same in uses.chunk_by(|a, b| a.name == b.name) {
        let [first, rest @ ..] = same else { continue };
        let name = &first.name;
        let message = format!("`{name}` is not set, so it is replaced by nothing");
        let finding = out.app(Some(first.at.clone()), message);
        finding.hint(format!("set it in `.env`, or write `${{{name}:-}}` if that is meant"));
        for used in rest {
            finding.related(used.at.clone(), "it is used here too");
        }
    }
}

fn missing(app: &App<'_>, out: &mut Out) {
    const EXAMPLES: &[&str] = &[
        ".env.example",
        ".env.sample",
        ".env.dist",
        ".env.template",
        ".env.default",
        "env.example",
        "example.env",
        "sample.env",
    ];
    let directory = app.directory();
    let example = EXAMPLES.iter().find_map(|name| {
        let path = directory.join(name);
        Some(DotEnv::parse(&path, &app.text(&path)?))
    });
    let Some(example) = example else { return };
    let whole = is_consumed_whole(app);
    let lacks = |entry: &&Entry| {
        let there = app.dotenv().is_some_and(|dotenv| dotenv.get(&entry.name).is_some());
        !there && app.is_set(&entry.name) != Some(true) && (whole || app.needs(&entry.name))
    };
    let lacking: Vec<&Entry> = example.entries.iter().filter(lacks).collect();
    let [first, ..] = &lacking[..] else { return };
    let names: Vec<String> = lacking.iter().take(8).map(|e| format!("`{}`", e.name)).collect();
    let more = match lacking.len().saturating_sub(8) {
        0 => String::new(),
        count => format!(" and {count} more"),
    };
    let shown = app.shown(&example.path);
    let names = names.join(", ");
    let message = match app.dotenv() {
        Some(_) => format!("`.env` lacks {names}{more}, which `{shown}` lists"),
        None => format!("there is no `.env`; `{shown}` lists {names}{more}"),
    };
    out.app(Some(place(&shown, first.line, first.column)), message);
}

/// Some service gets all of `.env`.
fn is_consumed_whole(app: &App<'_>) -> bool {
    let dotenv = app.directory().join(".env");
    let mounts = app.services().flat_map(|service| &service.mounts);
    let mut mounted = mounts.filter_map(|mount| mount.path.as_ref());
    let root = app.model.root();
    let files = ["secrets", "configs"].into_iter().filter_map(|key| root.get(key));
    let mut files = files.flat_map(View::entries).filter_map(|(_, v)| v.get("file")?.text());
    env_files(app).iter().any(|(path, _)| *path == dotenv)
        || mounted.any(|path| dotenv.starts_with(path))
        || files.any(|file| app.resolve(file).is_some_and(|path| path == dotenv))
}

/// Lines of `.env` that nothing takes over.
fn unused<'s>(app: &'s App<'_>) -> Vec<&'s Entry> {
    let Some(dotenv) = app.dotenv() else { return Vec::new() };
    if is_consumed_whole(app) {
        return Vec::new();
    }
    let mut used = BTreeSet::new();
    for document in app.model.documents() {
        names_in(document, &mut used);
    }
    used.extend(app.model.variables().iter().map(|used| used.name.clone()));
    for service in app.services() {
        let bare = service.environment.iter().filter(|variable| variable.value.is_none());
        used.extend(bare.map(|variable| variable.name.to_owned()));
    }
    let others = app.names(app.directory()).into_iter().filter(|name| is_compose_file(name));
    let others: Vec<String> =
        others.take(16).filter_map(|name| app.text(&app.directory().join(name))).collect();
    if others.iter().any(|text| text.contains("env_file") && text.contains(".env")) {
        // Another file of the folder hands on all of it, or nearly so.
        return Vec::new();
    }
    let in_others = |name: &str| {
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        others.iter().any(|text| text.split(|c| !word(c)).any(|part| part == name))
    };
    let by_tools = |name: &str| {
        ["COMPOSE_", "DOCKER_", "BUILDKIT_", "LANDFALL_"]
            .iter()
            .any(|start| name.starts_with(start))
    };
    let is_unused = |entry: &&Entry| {
        !used.contains(&entry.name) && !by_tools(&entry.name) && !in_others(&entry.name)
    };
    dotenv.entries.iter().filter(|entry| entry.has_value).filter(is_unused).collect()
}

/// Names behind `$`, and bare names of `environment`.
fn names_in(view: View<'_>, names: &mut BTreeSet<String>) {
    if let Some(text) = view.text() {
        names.extend(super::dollar::names(text).map(str::to_owned));
        return;
    }
    for item in view.items() {
        names_in(item, names);
    }
    for (key, value) in view.entries() {
        if value.is_null() {
            names.insert(key.to_owned());
        } else if key == "environment" || key == "args" {
            names.extend(value.items().filter_map(View::text).map(str::to_owned));
        }
        names_in(value, names);
    }
}

fn secret_unused(app: &App<'_>, out: &mut Out) {
    for entry in unused(app).into_iter().filter(|entry| is_secret(&entry.name)) {
        let name = &entry.name;
        let message = format!("`{name}` is set and reaches no service");
        out.app(
            Some(place(&app.shown(&app.directory().join(".env")), entry.line, entry.column)),
            message,
        )
        .hint(format!("hand it on: `environment: {{{name}: ${{{name}:?}}}}` or `env_file: .env`"));
    }
}

fn key_unused(app: &App<'_>, out: &mut Out) {
    let unused: Vec<&Entry> = unused(app).into_iter().filter(|e| !is_secret(&e.name)).collect();
    let [first, rest @ ..] = &unused[..] else { return };
    let shown = app.shown(&app.directory().join(".env"));
    let at = |entry: &Entry| place(&shown, entry.line, entry.column);
    let message = match rest {
        [] => format!("`{}` is set and reaches no service", first.name),
        [other] => format!("`{}` and `{}` are set and reach no service", first.name, other.name),
        _ => format!("`{}` and {} more are set and reach no service", first.name, rest.len()),
    };
    let finding = out.app(Some(at(first)), message);
    for entry in rest {
        finding.related(at(entry), format!("`{}` too", entry.name));
    }
}

fn outside(app: &App<'_>, out: &mut Out) {
    for (path, view) in env_files(app) {
        if !path.starts_with(app.directory()) {
            out.app(Some(view.at()), "this `env_file` lies outside of the project");
        }
    }
}
