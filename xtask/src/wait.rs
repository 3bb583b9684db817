//! Waiting for a fact with a bound. The one place of xtask that sleeps.

use std::time::{Duration, Instant};

/// Asks `fact` every 50 ms until it answers or `bound` has passed.
pub(crate) fn until<T>(bound: Duration, mut fact: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + bound;
    loop {
        if let Some(answer) = fact() {
            return Some(answer);
        }
        if Instant::now() >= end {
            return None;
        }
        pause();
    }
}

/// Lets time pass: where the length is what the user asked for, not a guess.
#[cfg_attr(not(feature = "load"), expect(dead_code, reason = "only the load lets time pass"))]
pub(crate) fn pass(time: Duration) {
    let end = Instant::now() + time;
    while Instant::now() < end {
        pause();
    }
}

#[expect(clippy::disallowed_methods, reason = "xtask has no Clock port; this is its only wait")]
fn pause() {
    std::thread::sleep(Duration::from_millis(50));
}
