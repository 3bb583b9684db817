//! The block of lines at the end of a terminal that is drawn over and over.
//!
//! Only escape sequences that every terminal has: up, to the line's start, clear below. What is drawn
//! is cut to the window, so that the way back up is always known.

use std::io::{self, Write};

use super::style::cut;

/// A block that can be redrawn.
#[derive(Debug, Default)]
pub(crate) struct Live {
    /// Lines on the screen now.
    drawn: usize,
    /// What they say.
    shown: Vec<String>,
}

/// Size of a terminal's window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) columns: usize,
    pub(crate) rows: usize,
}

impl Live {
    /// Draws the block in the place of the last one.
    pub(crate) fn draw(
        &mut self,
        out: &mut impl Write,
        lines: &[String],
        window: Window,
    ) -> io::Result<()> {
        if self.drawn > 0 && self.shown == lines {
            return Ok(());
        }
        lines.clone_into(&mut self.shown);
        let mut text = self.rewind();
        // The end of a long block matters more than its beginning.
        let surplus = lines.len().saturating_sub(window.rows.saturating_sub(1).max(1));
        let shown = &lines[surplus..];
        for line in shown {
            text.push_str(&cut(line, window.columns));
            text.push('\n');
        }
        self.drawn = shown.len();
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    /// Takes the block away.
    pub(crate) fn clear(&mut self, out: &mut impl Write) -> io::Result<()> {
        let text = self.rewind();
        self.drawn = 0;
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    /// Leaves the block where it is; what comes next stands below it.
    pub(crate) fn leave(&mut self) {
        self.drawn = 0;
    }

    fn rewind(&self) -> String {
        match self.drawn {
            0 => String::new(),
            lines => format!("\u{1b}[{lines}A\r\u{1b}[J"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|t| (*t).to_owned()).collect()
    }

    #[test]
    fn a_block_is_drawn_over_the_last_one() {
        let window = Window { columns: 5, rows: 10 };
        let mut live = Live::default();
        let mut out = Vec::new();
        live.draw(&mut out, &lines(&["one", "a long line"]), window).unwrap();
        live.draw(&mut out, &lines(&["two"]), window).unwrap();
        live.clear(&mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "one\na lo…\n\u{1b}[2A\r\u{1b}[Jtwo\n\u{1b}[1A\r\u{1b}[J");
    }

    #[test]
    fn a_block_never_outgrows_the_window() {
        let window = Window { columns: 80, rows: 3 };
        let mut live = Live::default();
        let mut out = Vec::new();
        live.draw(&mut out, &lines(&["1", "2", "3", "4"]), window).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "3\n4\n");
    }
}
