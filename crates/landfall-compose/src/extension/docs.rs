//! `docs/x-landfall.md`.

use std::fmt::Write as _;

use super::{APP, Kind, Place, SERVICE, Setting, VOLUME};

const HEAD: &str = "\
# `x-landfall`

Generated from the table that files are checked by; `cargo xtask tidy docs` keeps it current.

A plain compose file needs none of this: every key has a default. `docker compose` leaves `x-landfall`
aside, so one file serves both. Unknown keys are errors.

For completion in an editor with the YAML language server, put
[`x-landfall.schema.json`](x-landfall.schema.json) beside the compose file and begin that with

    # yaml-language-server: $schema=x-landfall.schema.json
";

/// The page about every key of `x-landfall`: type, default, meaning.
pub fn x_landfall_markdown() -> String {
    let mut out = HEAD.to_owned();
    for (title, place) in
        [("Of the app", &APP), ("Of a service", &SERVICE), ("Of a volume", &VOLUME)]
    {
        section(&mut out, title, place);
    }
    out
}

fn section(out: &mut String, title: &str, place: &Place) {
    let _ = writeln!(out, "\n## {title}: `{}`\n", place.path);
    out.push_str("| key | value | default | meaning |\n|---|---|---|---|\n");
    rows(out, "", place.settings);
}

fn rows(out: &mut String, outer: &str, settings: &[Setting]) {
    for setting in settings {
        let name = format!("{outer}{}", setting.name);
        let _ = writeln!(
            out,
            "| `{name}` | {} | {} | {} |",
            value(&setting.kind),
            setting.default,
            meaning(setting)
        );
        match &setting.kind {
            Kind::Group(group) => rows(out, &format!("{name}."), group.settings),
            Kind::Groups(group) => rows(out, &format!("{name}[]."), group.settings),
            _ => {}
        }
    }
}

fn meaning(setting: &Setting) -> String {
    let Kind::OneOf(words) = &setting.kind else { return setting.meaning.to_owned() };
    let words: Vec<String> =
        words.iter().map(|(word, meaning)| format!("`{word}`: {meaning}")).collect();
    format!("{}. {}", setting.meaning, words.join("; "))
}

fn value(kind: &Kind) -> String {
    match kind {
        Kind::Duration => "a duration, such as `30s`".to_owned(),
        Kind::Count(min, max) => format!("a number from {min} to {max}"),
        Kind::Port => "a port".to_owned(),
        Kind::Switch => "`true` or `false`".to_owned(),
        Kind::UrlPath => "a path, such as `/healthz`".to_owned(),
        Kind::Host => "a host name, such as `shop.example.com`".to_owned(),
        Kind::Listen => "`80`, `127.0.0.1:80` or `[::1]:80`".to_owned(),
        Kind::OneOf(words) => {
            let words: Vec<String> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
            words.join(" or ")
        }
        Kind::Rules => "a list of names".to_owned(),
        Kind::Group(_) => "keys".to_owned(),
        Kind::Groups(_) => "a list of keys".to_owned(),
    }
}
