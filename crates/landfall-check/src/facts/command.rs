//! Command lines: of the compose file, or else of the Dockerfile.

use landfall_compose::View;
use landfall_core::diagnostic::Location;

/// What a container runs, as words, with its place.
#[derive(Debug, Clone)]
pub(crate) struct CommandLine {
    pub(crate) words: Vec<String>,
    pub(crate) at: Location,
}

impl CommandLine {
    /// All words in one line, lower-case, spaces made single.
    pub(crate) fn line(&self) -> String {
        let words = self.words.iter().flat_map(|word| word.split_whitespace());
        let mut line = String::new();
        for word in words {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&word.to_ascii_lowercase());
        }
        line
    }

    /// The script of `sh -c script`.
    pub(crate) fn script(&self) -> Option<&str> {
        let at = self.words.iter().position(|word| {
            let flags = word.strip_prefix('-');
            flags.is_some_and(|flags| {
                flags.len() <= 4 && !flags.starts_with('-') && flags.ends_with('c')
            })
        })?;
        let shell = self.words.get(at.checked_sub(1)?)?;
        let shell = shell.rsplit('/').next().unwrap_or(shell);
        let is_shell = matches!(shell, "sh" | "bash" | "ash" | "dash") || shell.starts_with('-');
        self.words.get(at + 1).filter(|_| is_shell).map(String::as_str)
    }
}

/// `command` or `entrypoint` as words.
pub(crate) fn words_of(view: View<'_>) -> Vec<String> {
    match view.text() {
        Some(text) => split(text),
        None => view.items().filter_map(View::printed).collect(),
    }
}

/// Splits as a shell does; good enough to recognise a command.
pub(crate) fn split(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => {
                word.get_or_insert_default().extend(chars.next());
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(words: &[&str]) -> CommandLine {
        let at = Location { file: String::new(), line: 1, column: 1, end: None };
        CommandLine { words: words.iter().map(|word| (*word).to_owned()).collect(), at }
    }

    #[test]
    fn words_are_split_as_a_shell_does() {
        assert_eq!(split(r#"sh -c "a && b"  'c d' e\ f"#), ["sh", "-c", "a && b", "c d", "e f"]);
        assert_eq!(split("  "), [""; 0]);
    }

    #[test]
    fn the_script_of_a_shell_is_found() {
        assert_eq!(line(&["sh", "-c", "a && b"]).script(), Some("a && b"));
        assert_eq!(line(&["/bin/bash", "-lc", "a"]).script(), Some("a"));
        assert_eq!(line(&["redis-server", "-c", "x"]).script(), None);
        assert_eq!(line(&["gunicorn", "-c", "conf.py"]).script(), None);
    }
}
