//! A page for every code of a finding: what it means, a file that causes it, how to mend it.
//!
//! `landfall explain` and `docs/codes.md` show them. A test loads each example and looks for the
//! code, and no code is without its page.

mod reading;
mod references;
mod support;
mod values;
mod variables;

/// What there is to say about one code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodePage {
    /// The code, for example `LF0301`.
    pub code: &'static str,
    /// What is wrong, in a few words.
    pub title: &'static str,
    /// What it means and why it is said; plain sentences, `code` in backticks.
    pub meaning: &'static str,
    /// A project that causes it.
    pub example: &'static [ExampleFile],
    /// What to do about it.
    pub fix: &'static str,
}

/// A file of an example.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExampleFile {
    /// Path in the project's folder.
    pub path: &'static str,
    /// Its text; `-> TARGET` makes it a symbolic link.
    pub text: &'static str,
}

/// Every page, in the order of the codes.
pub fn codes() -> impl Iterator<Item = &'static CodePage> {
    [reading::PAGES, variables::PAGES, values::PAGES, references::PAGES, support::PAGES]
        .into_iter()
        .flatten()
}

/// A compose file alone.
const fn compose(text: &'static str) -> ExampleFile {
    file("compose.yaml", text)
}

const fn file(path: &'static str, text: &'static str) -> ExampleFile {
    ExampleFile { path, text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Code;

    #[test]
    fn every_code_has_one_page_and_they_stand_in_order() {
        let pages: Vec<&str> = codes().map(|page| page.code).collect();
        let mut all: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
        all.sort_unstable();
        assert_eq!(pages, all, "write a page in src/codes for a new code");
    }

    #[test]
    fn pages_are_written_as_findings_are() {
        for page in codes() {
            let CodePage { code, title, meaning, example, fix } = page;
            assert!(!title.ends_with('.') && title.len() < 70, "{code}: title");
            assert!(title.starts_with(|c: char| !c.is_uppercase() || title.starts_with("YAML")));
            assert!(meaning.ends_with('.') && fix.ends_with('.'), "{code}: whole sentences");
            assert!(!example.is_empty() && example.iter().all(|f| !f.text.is_empty()), "{code}");
        }
    }
}
