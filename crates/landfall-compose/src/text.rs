//! Reads a text file into [`crate::source::Sources`]: at most 10 MB of UTF-8 without NUL.

use std::borrow::Cow;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use crate::report::{Code, Report};
use crate::source::{FileId, Span, clamp};

/// Nothing that describes an app is larger.
const FILE_BYTES_MAX: u64 = 10 * 1024 * 1024;

/// Reads a file; `name` is what the user calls it, `wanted_by` the place that names it.
pub(crate) fn read_text(
    path: &Path,
    name: &str,
    wanted_by: Option<Span>,
    report: &mut Report,
) -> Option<FileId> {
    if let Some(known) = report.sources.find(name) {
        return Some(known);
    }
    let bytes = match read_bytes(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            report.error(Code::FileMissing, wanted_by, format!("there is no file `{name}`"));
            return None;
        }
        Err(error) => {
            let message = format!("cannot read `{name}`: {}", describe(&error));
            report.error(Code::FileUnreadable, wanted_by, message);
            return None;
        }
    };
    take_text(bytes, name, wanted_by, report)
}

/// The same for what was read already.
pub(crate) fn take_text(
    bytes: Vec<u8>,
    name: &str,
    wanted_by: Option<Span>,
    report: &mut Report,
) -> Option<FileId> {
    if bytes.len() as u64 > FILE_BYTES_MAX {
        let message = format!("`{name}` is larger than {} MB", FILE_BYTES_MAX / 1024 / 1024);
        report.error(Code::FileUnreadable, wanted_by, message);
        return None;
    }
    decode(bytes, name, report)
}

fn read_bytes(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn decode(bytes: Vec<u8>, name: &str, report: &mut Report) -> Option<FileId> {
    let (text, broken_at) = match String::from_utf8(bytes) {
        Ok(text) => (text, None),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            (String::from_utf8_lossy(error.as_bytes()).into_owned(), Some(at))
        }
    };
    let nul_at = text.find('\0');
    // A byte order mark is not content.
    let mark = '\u{feff}';
    let cut = if text.starts_with(mark) { mark.len_utf8() } else { 0 };
    let file = report.sources.add(name.to_owned(), text[cut..].to_owned());
    let problem = match (broken_at, nul_at) {
        (Some(at), _) => Some((at, "the file is not UTF-8 here")),
        (None, Some(at)) => Some((at, "the file holds a NUL byte here")),
        (None, None) => None,
    };
    let Some((at, message)) = problem else { return Some(file) };
    let at = clamp(at.saturating_sub(cut));
    let span = Span { file, start: at, end: at };
    report.error(Code::FileUnreadable, span, message).hint("is this a text file?");
    None
}

/// Letters of a name that a message shows.
const SHOWN_MAX: usize = 80;

/// A name as a message shows it: whoever writes endless keys does not get them back a thousand times.
pub(crate) fn shortened(name: &str) -> Cow<'_, str> {
    match name.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => Cow::Owned(format!("{}…", &name[..end])),
        None => Cow::Borrowed(name),
    }
}

/// An I/O error in words, without the number of the operating system.
pub(crate) fn describe(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |c| c.to_lowercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endless_names_are_shown_in_part() {
        assert_eq!(shortened("web"), "web");
        let shown = shortened(&"ä".repeat(1000)).into_owned();
        assert_eq!(shown.chars().count(), SHOWN_MAX + 1);
        assert!(shown.ends_with('…'));
    }
}
