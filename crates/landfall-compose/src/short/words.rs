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

/// Splits a line.
pub(crate) fn split(line: &str) -> Result<Words, String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut inside = false;
    let mut quote: Option<char> = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some('\''), c) if c != '\'' => word.push(c),
            (_, '\\') => {
                let Some(escaped) = chars.next() else {
                    return Err("a backslash ends the line".to_owned());
                };
                word.push(match escaped {
                    't' => '\t',
                    'n' => '\n',
                    other => other,
                });
                inside = true;
            }
            (Some(open), c) if c == open => quote = None,
            (Some(_), c) => word.push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                inside = true;
            }
            (None, c) if c.is_whitespace() => {
                if inside {
                    words.push(std::mem::take(&mut word));
                }
                inside = false;
            }
            (None, ';' | '&' | '|' | '<' | '>') => {
                if inside {
                    words.push(word);
                }
                return Ok(Words { words, stopped_at: Some(c) });
            }
            (None, '(' | ')' | '`') => return Err(format!("`{c}` needs quotes")),
            (None, c) => {
                word.push(c);
                inside = true;
            }
        }
    }
    if quote.is_some() {
        return Err("a quote is never closed".to_owned());
    }
    if inside {
        words.push(word);
    }
    Ok(Words { words, stopped_at: None })
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
            ("", &[]),
        ];
        for (line, expected) in cases {
            let words = split(line).expect("a good line");
            assert_eq!((words.words.as_slice(), words.stopped_at), (&*owned(expected), None));
        }
        for line in ["a 'b", "a \"b", "a \\", "a $(b)", "a `b`"] {
            assert!(split(line).is_err(), "{line}");
        }
        let words = split("a b && c").expect("a good line");
        assert_eq!((words.words, words.stopped_at), (owned(&["a", "b"]), Some('&')));
    }

    fn owned(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }
}
