//! The texts that were read, and places in them.
//!
//! A [`Span`] is a byte range in one file; [`Sources`] turns it into line and column, and remembers
//! which ranges may hold secrets, so that an excerpt never shows them. Knows nothing of YAML.

use std::collections::BTreeSet;
use std::sync::Arc;

use landfall_core::diagnostic::{End, Location};

/// Index of a file in [`Sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct FileId(u32);

/// A byte range in one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Span {
    pub(crate) file: FileId,
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// A value with the place it was written at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spanned<T> {
    pub(crate) value: T,
    pub(crate) span: Span,
}

impl<T> Spanned<T> {
    pub(crate) fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }
}

/// Every file that was read, as text, for excerpts.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    files: Vec<SourceFile>,
    secrets: BTreeSet<Span>,
    values_secret: Vec<FileId>,
}

#[derive(Debug, Clone)]
struct SourceFile {
    name: String,
    text: Arc<str>,
    line_starts: Vec<u32>,
}

impl Sources {
    /// The names of the files in the order in which they were read.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|file| file.name.as_str())
    }

    pub(crate) fn add(&mut self, name: String, text: String) -> FileId {
        let starts = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let line_starts =
            std::iter::once(0).chain(starts.map(|(index, _)| clamp(index + 1))).collect();
        self.files.push(SourceFile { name, text: text.into(), line_starts });
        FileId(clamp(self.files.len() - 1))
    }

    pub(crate) fn find(&self, name: &str) -> Option<FileId> {
        self.files.iter().position(|file| file.name == name).map(|index| FileId(clamp(index)))
    }

    pub(crate) fn text(&self, file: FileId) -> Arc<str> {
        Arc::clone(&self.file(file).text)
    }

    pub(crate) fn span_text(&self, span: Span) -> &str {
        let range = span.start as usize..span.end as usize;
        self.file(span.file).text.get(range).unwrap_or_default()
    }

    pub(crate) fn location(&self, span: Span) -> Location {
        let (line, column) = self.place(span.file, span.start);
        Location { file: self.file(span.file).name.clone(), line, column, end: self.end(span) }
    }

    /// The end of a range; a secret's would tell its length.
    fn end(&self, span: Span) -> Option<End> {
        let last = Span { start: span.end, end: 0, ..span };
        let before = self.secrets.range(..last).next_back();
        let ends_in = before.is_some_and(|s| s.file == span.file && s.end >= span.end);
        let is_secret = ends_in || self.values_are_secret(span.file);
        if span.end <= span.start || is_secret {
            return None;
        }
        let text = self.span_text(span);
        let trimmed = text.trim_end().len();
        let (line, column) = self.place(span.file, span.start + clamp(trimmed));
        Some(End { line, column })
    }

    /// Line and column of an offset.
    fn place(&self, file: FileId, offset: u32) -> (u32, u32) {
        let file = self.file(file);
        let line = file.line_starts.partition_point(|start| *start <= offset).max(1);
        let start = file.line_starts[line - 1] as usize;
        let before = file.text.get(start..offset as usize).unwrap_or_default();
        (clamp(line), clamp(column(before)))
    }

    /// The text of a line without its end, and where it starts; lines count from 1.
    pub(crate) fn line(&self, file: FileId, line: u32) -> Option<(&str, u32)> {
        let source = self.file(file);
        let start = *source.line_starts.get((line as usize).checked_sub(1)?)?;
        let rest = source.text.get(start as usize..)?;
        Some((rest.lines().next().unwrap_or_default(), start))
    }

    /// From now on no excerpt shows this range.
    pub(crate) fn keep_secret(&mut self, span: Span) {
        self.secrets.insert(span);
    }

    /// From now on no excerpt of this file shows what stands after `=` or `:`.
    pub(crate) fn keep_values_secret(&mut self, file: FileId) {
        self.values_secret.push(file);
    }

    pub(crate) fn values_are_secret(&self, file: FileId) -> bool {
        self.values_secret.contains(&file)
    }

    pub(crate) fn secrets_in(&self, file: FileId) -> impl Iterator<Item = Span> {
        self.secrets.iter().copied().filter(move |span| span.file == file)
    }

    fn file(&self, file: FileId) -> &SourceFile {
        &self.files[file.0 as usize]
    }
}

/// The column after a text; in bytes when nobody would count that far.
fn column(before: &str) -> usize {
    const COUNTED_MAX: usize = 64 * 1024;
    let count = if before.len() > COUNTED_MAX { before.len() } else { before.chars().count() };
    count + 1
}

/// Files are at most 10 MB, so every offset fits.
pub(crate) fn clamp(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters() {
        let mut sources = Sources::default();
        let file = sources.add("a.yaml".into(), "é: x\nb: y\n".into());
        let at = |start, end| sources.location(Span { file, start, end }).to_string();
        assert_eq!(at(4, 5), "a.yaml:1:4");
        assert_eq!(at(6, 7), "a.yaml:2:1");
        assert_eq!(at(11, 11), "a.yaml:3:1");
    }

    #[test]
    fn an_end_is_known_unless_it_would_tell_a_secret() {
        let mut sources = Sources::default();
        let file = sources.add("a.yaml".into(), "é: x\nb: yes\n".into());
        let end = |sources: &Sources, start, end| {
            sources.location(Span { file, start, end }).end.map(|end| (end.line, end.column))
        };
        assert_eq!(end(&sources, 0, 2), Some((1, 2)));
        assert_eq!(end(&sources, 4, 13), Some((2, 7)), "line breaks behind it do not count");
        assert_eq!(end(&sources, 4, 4), None);
        sources.keep_secret(Span { file, start: 9, end: 12 });
        assert_eq!(end(&sources, 9, 12), None);
        assert_eq!(end(&sources, 6, 7), Some((2, 2)));
    }
}
