//! The grammar of `.env` files, as compose-go has it (`dotenv/parser.go`).
//!
//! `export`, `=` or `:`, comments, single quotes (literal), double quotes (escapes, several lines),
//! variables in all but single quotes, bare names that take the environment's value.

use std::collections::BTreeMap;

use crate::interpolate::template::{Failed, fill};
use crate::report::{Code, Report};
use crate::source::{FileId, Span, clamp};

type Lookup<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// Reads the text of a file over the variables known so far.
pub(crate) fn parse(
    text: &str,
    file: FileId,
    set: &Lookup<'_>,
    variables: &mut BTreeMap<String, String>,
    report: &mut Report,
) {
    let mut cursor = Cursor { text, at: 0 };
    while cursor.skip_to_statement() {
        let start = cursor.at;
        let problem = match statement(&mut cursor, set, variables) {
            Ok(()) => continue,
            Err(problem) => problem,
        };
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let span = Span { file, start: clamp(start), end: clamp(line_end) };
        report
            .error(Code::EnvSyntax, span, problem)
            .hint("a line is `NAME=value`; quote values with spaces or `#`");
        cursor.at = cursor.at.max(line_end);
    }
}

/// `format: raw`: `NAME=value` lines, nothing is interpreted.
pub(crate) fn parse_raw(text: &str, set: &Lookup<'_>, variables: &mut BTreeMap<String, String>) {
    for line in text.lines() {
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match line.split_once('=') {
            Some((name, value)) => {
                variables.insert(name.to_owned(), value.to_owned());
            }
            None => {
                if let Some(value) = set(line.trim_end()) {
                    variables.insert(line.trim_end().to_owned(), value);
                }
            }
        }
    }
}

struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Skips blank lines and comments; `false` at the end.
    fn skip_to_statement(&mut self) -> bool {
        loop {
            self.at += self.rest().len() - self.rest().trim_start().len();
            if !self.rest().starts_with('#') {
                return !self.rest().is_empty();
            }
            self.take_line();
        }
    }

    /// The rest of the line, without its end.
    fn take_line(&mut self) -> &'a str {
        let rest = self.rest();
        let line = rest.split('\n').next().unwrap_or_default();
        self.at += line.len();
        line.strip_suffix('\r').unwrap_or(line)
    }

    fn skip_blanks(&mut self) {
        let rest = self.rest();
        let blanks = rest.trim_start_matches(|c: char| c.is_whitespace() && c != '\n');
        self.at += rest.len() - blanks.len();
    }
}

fn statement(
    cursor: &mut Cursor<'_>,
    set: &Lookup<'_>,
    variables: &mut BTreeMap<String, String>,
) -> Result<(), String> {
    if let Some(rest) = cursor.rest().strip_prefix("export")
        && rest.starts_with([' ', '\t'])
    {
        cursor.at += "export".len();
        cursor.skip_blanks();
    }
    let (name, bare) = name(cursor)?;
    if bare {
        if let Some(value) = set(name) {
            variables.insert(name.to_owned(), value);
        }
        return Ok(());
    }
    cursor.skip_blanks();
    let value = match cursor.rest().chars().next() {
        Some(quote @ ('"' | '\'')) => {
            let raw = quoted(cursor, quote)?;
            if quote == '"' { expand(&escapes(&raw), set, variables)? } else { raw }
        }
        _ => expand(unquoted(cursor.take_line()), set, variables)?,
    };
    variables.insert(name.to_owned(), value);
    Ok(())
}

/// The name up to `=` or `:`, and whether it stands alone.
fn name<'a>(cursor: &mut Cursor<'a>) -> Result<(&'a str, bool), String> {
    let rest = cursor.rest();
    let end = rest.find(['=', ':', '\n']).unwrap_or(rest.len());
    let name = rest[..end].trim_end();
    let bare = matches!(rest.as_bytes().get(end), None | Some(b'\n'));
    let good = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '[' | ']');
    if let Some(bad) = name.chars().find(|c| !good(*c)) {
        return Err(format!("{bad:?} cannot stand in a variable's name"));
    }
    cursor.at += if bare { end } else { end + 1 };
    Ok((name, bare))
}

/// The text between quotes; it may span lines. A backslash makes a quote a part of the text; what
/// follows the closing quote is the next statement.
fn quoted(cursor: &mut Cursor<'_>, quote: char) -> Result<String, String> {
    let body = &cursor.rest()[1..];
    let mut text = String::new();
    let mut escaped = false;
    for (index, c) in body.char_indices() {
        if c == quote && !escaped {
            cursor.at += index + 2;
            return Ok(text);
        }
        if c == '\\' && !escaped {
            escaped = true;
            continue;
        }
        if escaped && c != quote {
            text.push('\\');
        }
        text.push(c);
        escaped = false;
    }
    cursor.at = cursor.text.len();
    Err("the quote is never closed".to_owned())
}

/// A value without quotes ends at a comment, which a space must precede.
fn unquoted(line: &str) -> &str {
    line.split(" #").next().unwrap_or_default().trim_end()
}

fn expand(
    raw: &str,
    set: &Lookup<'_>,
    variables: &BTreeMap<String, String>,
) -> Result<String, String> {
    let lookup = |name: &str| set(name).or_else(|| variables.get(name).cloned());
    match fill(raw, &lookup) {
        Ok(filled) => Ok(filled.text),
        Err(Failed::Required { name, message, .. }) if message.is_empty() => {
            Err(format!("`{name}` must have a value"))
        }
        Err(Failed::Required { name, message, .. }) => {
            Err(format!("`{name}` must have a value: {message}"))
        }
        Err(Failed::Syntax { .. }) => Err("a `$` expression cannot be understood".to_owned()),
        Err(Failed::TooLong) => Err("its variables make this value too long".to_owned()),
    }
}

/// The escapes of Go's strings, with `\$` kept for the expansion that follows.
fn escapes(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut chars = raw.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('a') => out.push('\u{7}'),
            Some('b') => out.push('\u{8}'),
            Some('f') => out.push('\u{c}'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('v') => out.push('\u{b}'),
            Some('$') => out.push_str("$$"),
            Some(kept @ ('"' | '\\')) => out.push(kept),
            Some(other) => out.extend(['\\', other]),
            None => out.push('\\'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (BTreeMap<String, String>, usize) {
        let mut report = Report::default();
        let file = report.sources.add(".env".into(), text.into());
        let mut variables = BTreeMap::new();
        let set = |name: &str| (name == "SHELL_SET").then(|| "shell".to_owned());
        parse(text, file, &set, &mut variables, &mut report);
        (variables, report.finish().0.len())
    }

    #[test]
    fn values_follow_composes_grammar() {
        let cases = [
            ("A=1", "1"),
            ("A = 5", "5"),
            ("A: x", "x"),
            ("export A=x", "x"),
            ("A=my text # note", "my text"),
            ("A=a#b", "a#b"),
            ("A=", ""),
            ("A=  # no note", "# no note"),
            ("A='it\\'s'", "it's"),
            ("A=\"x\" B=y", "x"),
            ("A='$B \\n' # note", "$B \\n"),
            ("A=\"a\\nb \\$B\"", "a\nb $B"),
            ("A=\"two\nlines\"", "two\nlines"),
            ("A=\"say \\\"hi\\\"\"", "say \"hi\""),
            ("B=2\nA=${B}x", "2x"),
            ("A=${SHELL_SET}", "shell"),
            ("SHELL_SET=file\nA=$SHELL_SET", "shell"),
            ("A=${NO:-d}", "d"),
            ("A=x\r\nB=y\r\n", "x"),
            ("SHELL_SET\nA=1", "1"),
        ];
        for (text, expected) in cases {
            let (variables, problems) = parsed(text);
            assert_eq!((variables["A"].as_str(), problems), (expected, 0), "{text}");
        }
        assert_eq!(parsed("SHELL_SET").0["SHELL_SET"], "shell");
        assert!(parsed("UNKNOWN").0.is_empty());
    }

    #[test]
    fn broken_lines_are_told_and_the_rest_is_read() {
        for text in ["A B=1\nC=2", "A=${\nC=2", "é!=1\nC=2"] {
            let (variables, problems) = parsed(text);
            assert_eq!(
                (variables.get("C").map(String::as_str), problems),
                (Some("2"), 1),
                "{text}"
            );
        }
        assert_eq!(parsed("A='never\nC=2").1, 1);
    }
}
