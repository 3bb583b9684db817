//! How long an endpoint lets a connection be idle, as far as it was seen.
//!
//! A request that must not be sent twice may meet the end of a kept connection: the endpoint closes
//! it for being idle while the request is on its way. So such a request is trusted to a kept
//! connection only within what this endpoint has shown to allow, and well within what it has shown
//! not to: trust ends at the longest time after which a connection was found open, and at a quarter
//! of the shortest one after which one was found closed.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

#[derive(Debug)]
pub(crate) struct Patience {
    /// Longest idle time after which a connection was still open.
    open_us: AtomicU64,
    /// Shortest one after which it was closed.
    closed_us: AtomicU64,
}

impl Default for Patience {
    fn default() -> Self {
        Self { open_us: AtomicU64::new(0), closed_us: AtomicU64::new(u64::MAX) }
    }
}

impl Patience {
    pub(crate) fn note_open(&self, idle: Duration) {
        let idle_us = micros(idle);
        // Mostly nothing new: then nothing is written.
        if idle_us > self.open_us.load(Relaxed) {
            self.open_us.fetch_max(idle_us, Relaxed);
        }
    }

    pub(crate) fn note_closed(&self, idle: Duration) {
        self.closed_us.fetch_min(micros(idle), Relaxed);
    }

    /// Whether a connection that was idle for so long is trusted.
    pub(crate) fn trusts(&self, idle: Duration) -> bool {
        let idle_us = micros(idle);
        idle_us <= self.open_us.load(Relaxed) && idle_us <= self.closed_us.load(Relaxed) / 4
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trust_is_earned_and_lost() {
        let patience = Patience::default();
        let ms = Duration::from_millis;
        assert!(!patience.trusts(ms(1)), "nothing is known yet");
        patience.note_open(ms(800));
        patience.note_open(ms(2));
        assert!(patience.trusts(ms(800)) && !patience.trusts(ms(801)));
        patience.note_closed(ms(4));
        patience.note_closed(ms(400));
        assert!(patience.trusts(ms(1)) && !patience.trusts(ms(2)));
    }
}
