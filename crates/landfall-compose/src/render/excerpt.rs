//! The line a finding points at, with secrets masked and cut to a width that fits.

use landfall_core::diagnostic::Location;

use super::safe;
use crate::secrecy::has_variable_name;
use crate::source::{FileId, Sources, clamp};

/// Characters of a line that are shown.
const WIDTH_MAX: usize = 120;
/// Characters before the caret that are shown when a line is cut.
const LEAD: usize = 40;
const MASK: &str = "****";

/// A line to show.
pub(super) struct Excerpt {
    pub(super) text: String,
    /// Where the caret stands, in characters from 0.
    pub(super) column: usize,
    pub(super) width: usize,
}

pub(super) fn excerpt(at: &Location, sources: &Sources) -> Option<Excerpt> {
    let file = sources.find(&at.file)?;
    let (line, start) = sources.line(file, at.line)?;
    let from = byte_of(line, at.column as usize - 1);
    let length = token_length(&line[from..]);
    let masked = mask(line, start, from, from + length, file, sources);
    Some(cut(&masked))
}

/// A line in three parts: before, at and after the place.
struct Parts {
    before: String,
    token: String,
    after: String,
}

fn byte_of(line: &str, column: usize) -> usize {
    line.char_indices().nth(column).map_or(line.len(), |(index, _)| index)
}

/// How much of the line belongs to the place: an expression, a quoted text, or a word.
fn token_length(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    match bytes.first() {
        Some(b'$') if bytes.get(1) == Some(&b'{') => {
            rest.find('}').map_or(rest.len(), |end| end + 1)
        }
        Some(quote @ (b'"' | b'\'')) => {
            let end = bytes.iter().skip(1).position(|byte| byte == quote);
            end.map_or(rest.len(), |end| end + 2)
        }
        _ => {
            let ends = |(index, c): (usize, char)| {
                let colon = c == ':' && matches!(bytes.get(index + 1), None | Some(b' '));
                c.is_whitespace() || colon || matches!(c, ',' | ']' | '}')
            };
            rest.char_indices().find(|pair| ends(*pair)).map_or(rest.len(), |(index, _)| index)
        }
    }
}

fn mask(line: &str, start: u32, from: usize, to: usize, file: FileId, sources: &Sources) -> Parts {
    let hidden = hidden_ranges(line, start, file, sources);
    // Where it is said that something is wrong with an expression, the expression is no secret.
    let token = if line[from..to].starts_with('$') {
        line[from..to].to_owned()
    } else {
        blank(line, from, to, &hidden)
    };
    Parts {
        before: blank(line, 0, from, &hidden),
        token,
        after: blank(line, to, line.len(), &hidden),
    }
}

/// Byte ranges of the line that must not be shown.
fn hidden_ranges(line: &str, start: u32, file: FileId, sources: &Sources) -> Vec<(usize, usize)> {
    let end = start + clamp(line.len());
    let in_line = |offset: u32| (offset.clamp(start, end) - start) as usize;
    let mut hidden: Vec<(usize, usize)> = sources
        .secrets_in(file)
        .filter(|span| span.start < end && span.end > start)
        .map(|span| (in_line(span.start), in_line(span.end)))
        .collect();
    if sources.values_are_secret(file) {
        // A line without a separator may be the second line of a quoted value.
        let from = line.find(['=', ':']).map_or(0, |at| at + 1);
        hidden.push((from, line.len()));
    }
    hidden.extend(assignment(line));
    hidden
}

/// `NAME: value` or `NAME=value` in a file that could not be read as a whole: the rest of the line.
fn assignment(line: &str) -> Option<(usize, usize)> {
    let separators = line.char_indices().filter(|(_, c)| matches!(c, '=' | ':'));
    let mut after_names = separators.filter(|(at, _)| {
        let before = line[..*at].trim_end_matches([' ', '"', '\'']);
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let name_at = before.trim_end_matches(word).len();
        has_variable_name(&before[name_at..]) && !before[..name_at].ends_with("${")
    });
    after_names.next().map(|(at, _)| (at + 1, line.len()))
}

/// A part of the line with hidden ranges replaced.
fn blank(line: &str, from: usize, to: usize, hidden: &[(usize, usize)]) -> String {
    let mut out = String::new();
    let mut masked = false;
    for (index, c) in line[from..to].char_indices().map(|(index, c)| (index + from, c)) {
        let secret = hidden.iter().any(|(start, end)| (*start..*end).contains(&index));
        let space = c.is_whitespace() && !masked;
        if secret && !space {
            if !masked {
                out.push_str(MASK);
            }
            masked = true;
        } else {
            out.push(c);
            masked = false;
        }
    }
    out
}

fn cut(parts: &Parts) -> Excerpt {
    let mut before: Vec<char> = safe(&parts.before).chars().collect();
    let token: Vec<char> = safe(&parts.token).chars().collect();
    let after = safe(&parts.after);
    let total = before.len() + token.len() + after.chars().count();
    if total > WIDTH_MAX && before.len() > LEAD {
        let dropped = before.len() - LEAD;
        before = "… ".chars().chain(before.into_iter().skip(dropped)).collect();
    }
    let column = before.len();
    let width = token.len().clamp(1, WIDTH_MAX);
    let text: Vec<char> = before.into_iter().chain(token).chain(after.chars()).collect();
    let mut shown: String = text.iter().take(WIDTH_MAX).collect();
    if text.len() > WIDTH_MAX {
        shown.push_str(" …");
    }
    Excerpt { text: shown, column, width: width.min(WIDTH_MAX.saturating_sub(column).max(1)) }
}
