//! A command line to words, as Compose splits a `command` that is one text.
//!
//! The rules are those of the splitter that compose-go uses: quotes, backslashes, no variables. It
//! is no shell: an operator such as `&&` or `|` ends the command there, and the caller warns.

/// Words, and the operator at which reading stopped.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Words {
    pub(crate) words: Vec<String>,
    pub(crate) stopped_at: Option<char>,
}

/// What the reading of a line is inside of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    Nothing,
    Single,
    Double,
    /// Backquotes: what they hold is kept as it stands, for nothing runs it.
    Backquotes,
    /// `$(…)`, kept in the same way.
    Dollar,
}

/// Splits a line.
pub(crate) fn split(line: &str) -> Result<Words, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut inside = Inside::Nothing;
    let mut stopped_at = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c == '\\' && inside != Inside::Single {
            let escaped = chars.next().ok_or("a backslash ends the line")?;
            word.get_or_insert_default().push(escaped);
            continue;
        }
        if matches!(c, ' ' | '\t' | '\r' | '\n') && inside == Inside::Nothing {
            words.extend(word.take());
            continue;
        }
        let text = word.as_deref().unwrap_or_default();
        match (inside, c) {
            (Inside::Nothing, ';' | '&' | '|' | '<' | '>') => {
                // The number of a stream belongs to the operator.
                if c == '>' && text.starts_with(|c: char| c.is_ascii_digit()) {
                    word = None;
                }
                stopped_at = Some(c);
                break;
            }
            (Inside::Nothing, '(') if !text.ends_with('$') => {
                return Err("`(` needs quotes".to_owned());
            }
            _ => {}
        }
        let next = turn(inside, c);
        let is_quote = matches!((inside, next), (Inside::Single | Inside::Double, Inside::Nothing))
            || matches!((inside, next), (Inside::Nothing, Inside::Single | Inside::Double));
        let word = word.get_or_insert_default();
        if !is_quote {
            word.push(c);
        }
        inside = next;
    }
    match inside {
        Inside::Nothing => {}
        Inside::Single | Inside::Double => return Err("a quote is never closed".to_owned()),
        Inside::Backquotes => return Err("a backquote is never closed".to_owned()),
        Inside::Dollar => return Err("a parenthesis has no partner".to_owned()),
    }
    words.extend(word);
    Ok(Words { words, stopped_at })
}

/// What reading is inside of after a character.
fn turn(inside: Inside, c: char) -> Inside {
    match (inside, c) {
        (Inside::Nothing, '\'') => Inside::Single,
        (Inside::Nothing, '"') => Inside::Double,
        (Inside::Nothing, '`') => Inside::Backquotes,
        (Inside::Nothing, '(' | ')') => Inside::Dollar,
        (Inside::Single, '\'')
        | (Inside::Double, '"')
        | (Inside::Backquotes, '`')
        | (Inside::Dollar, ')') => Inside::Nothing,
        (inside, _) => inside,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_split_into_words() {
        let cases: &[(&str, &[&str])] = &[
            ("redis-server --appendonly yes", &["redis-server", "--appendonly", "yes"]),
            ("sh -c 'a \"b\" \\n'", &["sh", "-c", "a \"b\" \\n"]),
            ("echo \"a 'b' \\\"c\\\"\"", &["echo", "a 'b' \"c\""]),
            ("a\\ b  c", &["a b", "c"]),
            ("x ''", &["x", ""]),
            ("a=\"b c\"d", &["a=b cd"]),
            ("a\nb", &["a", "b"]),
            ("a $(b c) `d e`f", &["a", "$(b c)", "`d e`f"]),
            ("a \"b\\nc\"", &["a", "bnc"]),
            ("", &[]),
        ];
        for (line, expected) in cases {
            let words = split(line).expect("a good line");
            assert_eq!((words.words.as_slice(), words.stopped_at), (&*owned(expected), None));
        }
        for line in ["a 'b", "a \"b", "a \\", "a (b)", "a `b", "a ) b"] {
            assert!(split(line).is_err(), "{line}");
        }
        let words = split("a b && c").expect("a good line");
        assert_eq!((words.words, words.stopped_at), (owned(&["a", "b"]), Some('&')));
    }

    fn owned(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }
}
