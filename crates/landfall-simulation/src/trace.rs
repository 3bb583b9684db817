//! What happened: a hash always, words on demand.

use std::fmt::{Arguments, Write as _};
use std::time::Duration;

/// What happened so far.
#[derive(Debug, Clone)]
pub struct Trace {
    hash: u64,
    words: Option<Vec<String>>,
}

impl Default for Trace {
    fn default() -> Self {
        Self { hash: 0xcbf2_9ce4_8422_2325, words: None }
    }
}

impl Trace {
    /// Keeps words from now on.
    pub fn speak(&mut self) {
        self.words = Some(Vec::new());
    }

    /// The words.
    pub fn words(&self) -> &[String] {
        self.words.as_deref().unwrap_or_default()
    }

    /// Equal traces have equal hashes.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    fn feed(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.hash = (self.hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    /// One call.
    pub fn call(&mut self, now: Duration, name: &'static str, subject: &str) {
        let at = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        self.feed(&at.to_le_bytes());
        self.feed(name.as_bytes());
        self.feed(subject.as_bytes());
        if let Some(words) = &mut self.words {
            words.push(format!("{at:>9} {name} {subject}"));
        }
    }

    /// Something else.
    pub fn note(&mut self, now: Duration, what: &'static str, more: Arguments<'_>) {
        self.call(now, what, "");
        if let Some(last) = self.words.as_mut().and_then(|words| words.last_mut()) {
            let _ = write!(last, "{more}");
        }
    }
}
