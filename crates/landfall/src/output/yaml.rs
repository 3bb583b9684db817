//! A tree as YAML, in the manner of `docker compose config`: two spaces a level, plain scalars where
//! every reader takes them for the same text, quotes elsewhere, blocks for texts of several lines.
//!
//! What is written reads back as the same tree, under YAML 1.1, YAML 1.2 and Compose's own rules.

use std::fmt::Write as _;

use serde_json::{Map, Value};

/// Keys that come first in a mapping of a list (ports, mounts) or at the top of the file.
const FIRST: [&str; 8] =
    ["name", "services", "networks", "volumes", "secrets", "configs", "type", "source"];

/// Longer keys are written with `?`, which YAML demands above 1024.
const KEY_MAX: usize = 120;

/// The whole tree, with a line break at its end.
pub(crate) fn document(tree: &Value) -> String {
    let mut out = String::new();
    match tree {
        Value::Object(map) if !map.is_empty() => mapping(map, 0, true, &mut out),
        Value::Array(items) if !items.is_empty() => sequence(items, 0, &mut out),
        leaf => {
            out.push_str(&inline(leaf));
            out.push('\n');
        }
    }
    out
}

/// A text as a scalar on one line, in quotes where it needs them.
pub(crate) fn scalar(text: &str) -> String {
    if is_plain(text) {
        text.to_owned()
    } else if text.contains('\n') || text.chars().any(needs_escape) || reads_as_something_else(text)
    {
        double_quoted(text)
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}

/// A mapping whose first key stands where the text is now.
fn mapping(map: &Map<String, Value>, depth: usize, sorted_first: bool, out: &mut String) {
    let rank = |key: &str| match FIRST.iter().position(|first| *first == key) {
        Some(at) if sorted_first => at,
        // Extensions stand last.
        _ if depth == 0 && key.starts_with("x-") => FIRST.len() + 1,
        _ => FIRST.len(),
    };
    let mut entries: Vec<(&String, &Value)> = map.iter().collect();
    entries.sort_by_key(|(key, _)| rank(key));
    for (index, (key, value)) in entries.into_iter().enumerate() {
        if index > 0 {
            indent(depth, out);
        }
        let name = scalar(key);
        if name.len() > KEY_MAX {
            let _ = writeln!(out, "? {name}");
            indent(depth, out);
        } else {
            out.push_str(&name);
        }
        out.push(':');
        below(value, depth, out);
    }
}

fn sequence(items: &[Value], depth: usize, out: &mut String) {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            indent(depth, out);
        }
        out.push('-');
        match item {
            Value::Object(map) if !map.is_empty() => {
                out.push(' ');
                mapping(map, depth + 1, true, out);
            }
            Value::Array(items) if !items.is_empty() => {
                out.push(' ');
                sequence(items, depth + 1, out);
            }
            leaf => leaf_at(leaf, depth, out),
        }
    }
}

/// What stands behind a key.
fn below(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            out.push('\n');
            indent(depth + 1, out);
            mapping(map, depth + 1, false, out);
        }
        Value::Array(items) if !items.is_empty() => {
            out.push('\n');
            indent(depth + 1, out);
            sequence(items, depth + 1, out);
        }
        leaf => leaf_at(leaf, depth, out),
    }
}

fn leaf_at(leaf: &Value, depth: usize, out: &mut String) {
    match leaf {
        Value::String(text) if is_block(text) => block(text, depth, out),
        leaf => {
            out.push(' ');
            out.push_str(&inline(leaf));
            out.push('\n');
        }
    }
}

fn inline(leaf: &Value) -> String {
    match leaf {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => scalar(text),
        Value::Array(_) => "[]".to_owned(),
        Value::Object(_) => "{}".to_owned(),
    }
}

fn indent(depth: usize, out: &mut String) {
    out.extend(std::iter::repeat_n("  ", depth));
}

/// Texts of several lines that a block shows exactly: at most one break at the end, a first line
/// that is neither empty nor indented, no blanks at the end of a line.
fn is_block(text: &str) -> bool {
    let body = text.strip_suffix('\n').unwrap_or(text);
    let is_clean = |line: &str| !line.ends_with([' ', '\t']) && !line.chars().any(needs_escape);
    text.contains('\n')
        && !body.is_empty()
        && !body.ends_with('\n')
        && !body.starts_with([' ', '\t', '\n'])
        && body.split('\n').all(is_clean)
}

fn block(text: &str, depth: usize, out: &mut String) {
    let body = text.strip_suffix('\n');
    out.push_str(if body.is_some() { " |\n" } else { " |-\n" });
    for line in body.unwrap_or(text).split('\n') {
        if !line.is_empty() {
            indent(depth + 1, out);
            out.push_str(line);
        }
        out.push('\n');
    }
}

fn is_plain(text: &str) -> bool {
    let indicators = "-?:,[]{}#&*!|>'\"%@`=<~";
    let Some(first) = text.chars().next() else { return false };
    // `-x`, `--flag` and `:8080` are texts, but `-`, `- x`, `---` and `:` are not.
    let starts_well = match first {
        '-' => {
            text.chars().nth(1).is_some_and(|c| c.is_alphanumeric() || c == '-')
                && !text.starts_with("---")
        }
        c => !indicators.contains(c),
    };
    starts_well
        && !text.starts_with("...")
        && !text.ends_with([' ', ':'])
        && !text.starts_with(' ')
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.chars().any(|c| needs_escape(c) || c == '\n')
        && !reads_as_something_else(text)
}

/// Words and numbers of any YAML version.
fn reads_as_something_else(text: &str) -> bool {
    let word = text.to_ascii_lowercase();
    let words = ["", "null", "~", "true", "false", "yes", "no", "on", "off", "y", "n", "<<", "="];
    if words.contains(&word.as_str())
        || matches!(word.trim_start_matches(['-', '+']), ".inf" | ".nan")
    {
        return true;
    }
    // Numbers, dates and times in all bases: too many to tell apart, so all that looks like one.
    let digits = word.trim_start_matches(['-', '+', '.']);
    digits.starts_with(|c: char| c.is_ascii_digit())
        && word.chars().all(|c| c.is_ascii_hexdigit() || "xobe_.:+-tz ".contains(c))
}

/// Characters that only double quotes can show.
fn needs_escape(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{200e}' | '\u{200f}')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}')
}

fn double_quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if needs_escape(c) => {
                let _ = write!(out, "\\u{:04X}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_are_quoted_only_where_they_must_be() {
        let plain = ["web", "nginx:1.27-alpine", "/var/lib", "a b", "--flag", "it's", "a#b", "$$x"];
        for text in plain {
            assert_eq!(scalar(text), text);
        }
        let quoted = [
            ("", "\"\""),
            ("yes", "\"yes\""),
            ("N", "\"N\""),
            ("1.10", "\"1.10\""),
            ("0o17", "\"0o17\""),
            ("22:22", "\"22:22\""),
            ("2024-01-01", "\"2024-01-01\""),
            ("1e3", "\"1e3\""),
            (".5", "\".5\""),
            ("*", "'*'"),
            ("- a", "'- a'"),
            ("---", "'---'"),
            ("a: b", "'a: b'"),
            ("a #b", "'a #b'"),
            ("x:", "'x:'"),
            (" lead", "' lead'"),
            ("{it's}", "'{it''s}'"),
            ("a\tb", "\"a\\tb\""),
            ("bell\u{7}", "\"bell\\u0007\""),
        ];
        for (text, expected) in quoted {
            assert_eq!(scalar(text), expected);
        }
    }

    #[test]
    fn a_tree_is_laid_out_as_compose_does() {
        let tree = json!({
            "x-more": [[1, 2], []],
            "name": "shop",
            "services": {"web": {
                "command": ["run", "a: b"],
                "environment": {"A": "line\n  two\n", "B": "x\ny", "C": "trail \n", "D": null},
                "ports": [{"target": 80, "published": "80", "mode": "ingress"}],
                "init": true,
                "labels": {},
            }},
        });
        let expected = "\
name: shop
services:
  web:
    command:
      - run
      - 'a: b'
    environment:
      A: |
        line
          two
      B: |-
        x
        y
      C: \"trail \\n\"
      D: null
    init: true
    labels: {}
    ports:
      - mode: ingress
        published: \"80\"
        target: 80
x-more:
  - - 1
    - 2
  - []
";
        assert_eq!(document(&tree), expected);
    }
}
