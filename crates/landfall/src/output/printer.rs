//! Owns the streams: data goes to standard output, talk to standard error.
//!
//! The only place that writes to either. A reader that hung up (`landfall releases | head`) is not
//! an error. On a terminal a live block may stand below the talk.

use std::cell::{Cell, RefCell};
use std::io::{self, Write};

use rustix::termios::tcgetwinsize;
use serde::Serialize;

use super::live::{Live, Window};
use super::style::{Paint, Tone};

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verbosity {
    /// Results and errors only.
    Quiet,
    /// What changes.
    Normal,
    /// Details too.
    Verbose,
}

/// What the streams can do and the user wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Look {
    /// One JSON value a line on standard output, in place of text.
    pub(crate) json: bool,
    pub(crate) verbosity: Verbosity,
    /// Colour on standard output.
    pub(crate) color_out: bool,
    /// Colour on standard error.
    pub(crate) color_err: bool,
    /// Draw live blocks on standard error.
    pub(crate) progress: bool,
}

/// The streams.
#[derive(Debug)]
pub(crate) struct Printer {
    look: Look,
    live: RefCell<Live>,
    hung_up: Cell<bool>,
}

impl Printer {
    pub(crate) fn new(look: Look) -> Self {
        Self { look, live: RefCell::default(), hung_up: Cell::new(false) }
    }

    /// Whether standard output is for programs.
    pub(crate) fn is_json(&self) -> bool {
        self.look.json
    }

    /// Whether a live block may be drawn.
    pub(crate) fn is_live(&self) -> bool {
        self.look.progress
    }

    /// Whether only results and errors are wanted.
    pub(crate) fn is_quiet(&self) -> bool {
        self.look.verbosity == Verbosity::Quiet
    }

    /// Whether details are wanted.
    pub(crate) fn is_verbose(&self) -> bool {
        self.look.verbosity == Verbosity::Verbose
    }

    /// Colours of standard output.
    pub(crate) fn paint_out(&self) -> Paint {
        Paint(self.look.color_out)
    }

    /// Colours of standard error.
    pub(crate) fn paint_err(&self) -> Paint {
        Paint(self.look.color_err)
    }

    /// Whether the reader of standard output is gone, so that more of it is of no use.
    pub(crate) fn hung_up(&self) -> bool {
        self.hung_up.get()
    }

    /// One line of data.
    pub(crate) fn data(&self, line: &str) {
        let mut out = io::stdout().lock();
        if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
            self.hung_up.set(true);
        }
    }

    /// Data as it is, with its own line breaks.
    pub(crate) fn raw(&self, text: &str) {
        let mut out = io::stdout().lock();
        if out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_err() {
            self.hung_up.set(true);
        }
    }

    /// Columns of standard output; 100 where it is no terminal.
    #[expect(clippy::unused_self, reason = "only the printer knows the streams")]
    pub(crate) fn columns(&self) -> usize {
        match tcgetwinsize(io::stdout()) {
            Ok(size) if size.ws_col > 0 => usize::from(size.ws_col).clamp(60, 140),
            Ok(_) | Err(_) => 100,
        }
    }

    /// Lines of data.
    pub(crate) fn data_lines(&self, lines: &[String]) {
        for line in lines {
            self.data(line);
        }
    }

    /// One JSON value as a line of data.
    pub(crate) fn json(&self, value: &impl Serialize) {
        match serde_json::to_string(value) {
            Ok(line) => self.data(&line),
            Err(error) => self.announce(&format!("error: the answer is no JSON: {error}")),
        }
    }

    /// One line of talk.
    pub(crate) fn say(&self, line: &str) {
        if self.look.verbosity > Verbosity::Quiet {
            self.talk(line);
        }
    }

    /// One line of talk for those who asked for details.
    pub(crate) fn detail(&self, line: &str) {
        if self.is_verbose() {
            self.talk(&self.paint_err().text(Tone::Faint, line));
        }
    }

    /// A result or an error: shown even when quiet.
    pub(crate) fn announce(&self, line: &str) {
        self.talk(line);
    }

    /// Several of them.
    pub(crate) fn announce_all(&self, lines: &[String]) {
        for line in lines {
            self.announce(line);
        }
    }

    /// Draws the live block, or does nothing where there is none.
    pub(crate) fn draw(&self, lines: &[String]) {
        if self.look.progress {
            let mut err = io::stderr().lock();
            // A terminal that is gone has no reader to tell.
            self.live.borrow_mut().draw(&mut err, lines, window()).ok();
        }
    }

    /// Takes the live block away.
    pub(crate) fn clear(&self) {
        if self.look.progress {
            self.live.borrow_mut().clear(&mut io::stderr().lock()).ok();
        }
    }

    /// Lets the live block stand; what follows comes below it.
    pub(crate) fn leave(&self) {
        self.live.borrow_mut().leave();
    }

    /// Lets the live block stand and writes over the `^C` that the terminal put below it.
    pub(crate) fn interrupted(&self) {
        self.leave();
        if self.look.progress {
            write!(io::stderr().lock(), "\r\u{1b}[K").ok();
        }
    }

    fn talk(&self, line: &str) {
        self.clear();
        writeln!(io::stderr().lock(), "{line}").ok();
    }
}

fn window() -> Window {
    let default = Window { columns: 80, rows: 24 };
    match tcgetwinsize(io::stderr()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => {
            Window { columns: size.ws_col.into(), rows: size.ws_row.into() }
        }
        Ok(_) | Err(_) => default,
    }
}
