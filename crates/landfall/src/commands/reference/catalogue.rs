//! Codes and rules as Markdown documents.

use std::fmt::Write as _;

use landfall_check::rules;
use landfall_compose::codes;

use crate::commands::explain::severity;

/// `docs/codes.md`.
pub(super) fn codes_markdown() -> String {
    let mut out = "\
# Codes

What findings about compose files mean. Generated (`landfall reference codes`); each example is loaded by a test that
looks for its code. `landfall explain LF0301` shows one of these on the terminal.

| code | what is wrong |
|---|---|
"
    .to_owned();
    for page in codes() {
        let anchor = page.code.to_lowercase();
        let _ = writeln!(out, "| [{}](#{anchor}) | {} |", page.code, page.title);
    }
    for page in codes() {
        let _ =
            write!(out, "\n## {}\n\n**{}.** {}\n", page.code, capital(page.title), page.meaning);
        for file in page.example {
            let _ = match file.text.strip_prefix("-> ") {
                Some(target) => writeln!(out, "\n`{}` is a link to `{target}`.", file.path),
                None => fenced(&mut out, &format!("`{}`", file.path), file.path, file.text),
            };
        }
        let _ = write!(out, "\n**To mend it:** {}\n", page.fix);
    }
    out
}

/// `docs/rules.md`.
pub(super) fn rules_markdown() -> String {
    let mut out = "\
# Rules

What `landfall check` looks for. Generated (`landfall reference rules`). A rule is switched off where it is meant, in a
service or at the top of the file: `x-landfall: {allow: [rule]}`.

| rule | severity | what it finds |
|---|---|---|
"
    .to_owned();
    for rule in rules() {
        let title = rule.title.replace('|', "\\|");
        let _ = writeln!(out, "| [{0}](#{0}) | {1} | {title} |", rule.id, severity(rule.severity));
    }
    for rule in rules() {
        let _ = write!(
            out,
            "\n## {}\n\n**{}** ({}). {}\n",
            rule.id,
            capital(rule.title),
            severity(rule.severity),
            rule.why
        );
        let _ = fenced(&mut out, "It finds:", "x.yaml", rule.before);
        let _ = write!(out, "\n**To mend it:** {}\n", sentence(rule.fix));
        let _ = fenced(&mut out, "For example:", "x.yaml", rule.after);
    }
    out
}

fn fenced(out: &mut String, heading: &str, path: &str, text: &str) -> std::fmt::Result {
    let language = if path.contains(".yaml") { "yaml" } else { "" };
    write!(out, "\n{heading}\n\n```{language}\n{}\n```\n", text.trim_end())
}

/// A hint, which has neither a capital letter nor a full stop.
pub(crate) fn sentence(hint: &str) -> String {
    let dot = if hint.ends_with('.') { "" } else { "." };
    format!("{}{dot}", capital(hint))
}

fn capital(title: &str) -> String {
    let mut chars = title.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
