//! Colour: a handful of meanings, one escape sequence each, none when colour is off.

use std::fmt;

/// Whether to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Paint(pub(crate) bool);

/// What a piece of text means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Worked.
    Good,
    /// Failed, or needs care.
    Bad,
    /// Goes on, or goes back.
    Busy,
    /// Stands out.
    Strong,
    /// Beside the point.
    Faint,
    /// Names and hints.
    Accent,
}

impl Tone {
    fn code(self) -> &'static str {
        match self {
            Self::Good => "32",
            Self::Bad => "1;31",
            Self::Busy => "33",
            Self::Strong => "1",
            Self::Faint => "2",
            Self::Accent => "36",
        }
    }
}

impl Paint {
    /// Text in a tone.
    pub(crate) fn text(self, tone: Tone, text: impl fmt::Display) -> String {
        if self.0 { format!("\u{1b}[{}m{text}\u{1b}[0m", tone.code()) } else { text.to_string() }
    }
}

/// Columns a text takes: escape sequences take none, everything else one each.
pub(crate) fn width(text: &str) -> usize {
    let mut columns = 0;
    let mut in_escape = false;
    for c in text.chars() {
        match c {
            '\u{1b}' => in_escape = true,
            'm' if in_escape => in_escape = false,
            _ if in_escape => {}
            _ => columns += 1,
        }
    }
    columns
}

/// Cuts a text to so many columns, escape sequences kept whole and ended.
pub(crate) fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut left = columns.saturating_sub(1);
    let mut in_escape = false;
    let mut coloured = false;
    for c in text.chars() {
        if c == '\u{1b}' {
            in_escape = true;
            coloured = true;
        } else if in_escape {
            in_escape = c != 'm';
        } else if left == 0 {
            break;
        } else {
            left -= 1;
        }
        out.push(c);
    }
    out.push('…');
    if coloured {
        out.push_str("\u{1b}[0m");
    }
    out
}

/// Foreign text (log lines, names) without control characters, so that it cannot drive a terminal.
pub(crate) fn harmless(text: &str) -> String {
    text.chars().map(|c| if c == '\t' { ' ' } else { c }).filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_takes_no_room() {
        let red = Paint(true).text(Tone::Bad, "error");
        assert_eq!(red, "\u{1b}[1;31merror\u{1b}[0m");
        assert_eq!(width(&red), 5);
        assert_eq!(Paint(false).text(Tone::Bad, "error"), "error");
    }

    #[test]
    fn long_lines_are_cut_with_their_colour_ended() {
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(cut("abcdefg", 6), "abcde…");
        let red = Paint(true).text(Tone::Bad, "abcdefg");
        assert_eq!(cut(&red, 4), "\u{1b}[1;31mabc…\u{1b}[0m");
    }

    #[test]
    fn foreign_text_cannot_drive_the_terminal() {
        assert_eq!(harmless("a\u{1b}[2Jb\tc\r"), "a[2Jb c");
    }
}
