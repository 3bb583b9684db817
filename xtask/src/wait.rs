//! Waiting for a fact with a bound. The one place of xtask that sleeps.

use std::time::{Duration, Instant};

const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Asks `fact` every 50 ms until it answers or `bound` has passed.
pub(crate) fn until<T>(bound: Duration, fact: impl FnMut() -> Option<T>) -> Option<T> {
    until_every(LOOK_EVERY, bound, fact)
}

/// Asks `fact` again and again with this pause, until it answers or `bound` has passed.
pub(crate) fn until_every<T>(
    pause_for: Duration,
    bound: Duration,
    mut fact: impl FnMut() -> Option<T>,
) -> Option<T> {
    let end = Instant::now() + bound;
    loop {
        if let Some(answer) = fact() {
            return Some(answer);
        }
        if Instant::now() >= end {
            return None;
        }
        pause(pause_for);
    }
}

/// Lets time pass: where the length is what the user asked for, not a guess.
#[cfg_attr(not(feature = "load"), expect(dead_code, reason = "only the load lets time pass"))]
pub(crate) fn pass(time: Duration) {
    let end = Instant::now() + time;
    while Instant::now() < end {
        pause(LOOK_EVERY);
    }
}

/// Lets a moment pass.
#[expect(clippy::disallowed_methods, reason = "xtask has no Clock port; this is its only wait")]
pub(crate) fn pause(time: Duration) {
    std::thread::sleep(time);
}
