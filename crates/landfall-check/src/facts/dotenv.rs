//! Names in files like `.env`, with their lines. Values stay inside.

use std::path::{Path, PathBuf};

/// One `.env`, `.env.example` or the like.
#[derive(Debug)]
pub(crate) struct DotEnv {
    pub(crate) path: PathBuf,
    pub(crate) entries: Vec<Entry>,
}

/// One line of it.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) has_value: bool,
    pub(crate) line: u32,
    pub(crate) column: u32,
    /// Never shown.
    value: String,
}

impl Entry {
    pub(crate) fn value(&self) -> &str {
        &self.value
    }
}

impl DotEnv {
    pub(crate) fn parse(path: &Path, text: &str) -> Self {
        let mut entries = Vec::new();
        let mut open: Option<char> = None;
        for (line, number) in text.trim_start_matches('\u{feff}').lines().zip(1_u32..) {
            // The inside of a value of several lines.
            if let Some(quote) = open {
                if line.contains(quote) {
                    open = None;
                }
                continue;
            }
            let bare = line.trim_start();
            let start = line.len() - bare.len();
            let name_at =
                bare.strip_prefix("export ").map_or(start, |rest| line.len() - rest.len());
            let Some((name, value)) = line[name_at..].split_once(['=', ':']) else { continue };
            let name = name.trim();
            let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
            if name.is_empty() || !name.chars().all(good) {
                continue;
            }
            let value = value.trim();
            let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
            open = quote.filter(|quote| !value[1..].contains(*quote));
            let bare = value.split(" #").next().unwrap_or_default().trim();
            let plain = bare.trim_matches(['"', '\'']).to_owned();
            let has_value = !plain.is_empty() && !plain.starts_with('#');
            let column = u32::try_from(name_at + 1).unwrap_or(u32::MAX);
            let name = name.to_owned();
            entries.push(Entry { name, has_value, line: number, column, value: plain });
        }
        Self { path: path.to_owned(), entries }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().rev().find(|entry| entry.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_with_their_lines() {
        let text = "# c\nA=1\nexport B='x\nC=inside\ny'\n  D=\nE=  # none\nno line\nF: 2\n";
        let parsed = DotEnv::parse(Path::new("/.env"), text);
        let shown = parsed.entries.iter().map(|e| format!("{}{}{}", e.name, e.line, e.has_value));
        assert_eq!(shown.collect::<Vec<_>>(), ["A2true", "B3true", "D6false", "E7false", "F9true"]);
    }
}
