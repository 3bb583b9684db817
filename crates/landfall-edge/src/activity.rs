//! What one client's connection is doing and since when, in a few relaxed atomics.
//!
//! Timers a request would cost more than the rest of the bookkeeping together. Instead each
//! connection notes when it last moved on a clock that ticks with the hub's sweep, and the sweep
//! wakes those that stood still for too long; they notice when they are polled.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant};

use crate::config::Limits;

/// What a connection is doing. Each phase has its own limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Phase {
    /// Between requests.
    Idle,
    /// A request's head has begun to arrive.
    Head,
    /// A request is with an endpoint, no answer yet.
    Waiting,
    /// The answer's body is on its way.
    Body,
    /// Upgraded: bytes are copied both ways.
    Tunnel,
}

const PHASES: usize = 5;

/// The clock of the sweep and the limit of each phase, shared by all connections.
#[derive(Debug)]
pub(crate) struct Timing {
    start: Instant,
    now_ms: AtomicU64,
    limit_ms: [u64; PHASES],
}

impl Timing {
    pub(crate) fn new(limits: &Limits) -> Self {
        let mut limit_ms = [0; PHASES];
        limit_ms[Phase::Idle as usize] = millis(limits.idle);
        limit_ms[Phase::Head as usize] = millis(limits.head);
        limit_ms[Phase::Waiting as usize] = millis(limits.answer);
        limit_ms[Phase::Body as usize] = millis(limits.inactivity);
        limit_ms[Phase::Tunnel as usize] = millis(limits.tunnel_inactivity);
        Self { start: Instant::now(), now_ms: AtomicU64::new(0), limit_ms }
    }

    /// Milliseconds since the start, as of the last tick.
    pub(crate) fn now_ms(&self) -> u64 {
        self.now_ms.load(Relaxed)
    }

    /// Reads the system's clock.
    pub(crate) fn tick(&self) {
        self.now_ms.store(millis(self.start.elapsed()), Relaxed);
    }

    /// How often to tick: a quarter of the shortest limit, between 10 ms and a second.
    pub(crate) fn interval(&self) -> Duration {
        let shortest = self.limit_ms.iter().copied().min().unwrap_or(1000);
        Duration::from_millis((shortest / 4).clamp(10, 1000))
    }
}

/// A duration in whole milliseconds, saturating.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// One connection's state.
#[derive(Debug)]
pub(crate) struct Activity {
    timing: Arc<Timing>,
    phase: AtomicU8,
    moved_ms: AtomicU64,
    /// Id of the target it is talking to, 0 for none.
    target: AtomicU64,
    /// The request's body has not ended yet.
    uploading: AtomicBool,
    /// That target was closed: give up.
    cut: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl Activity {
    pub(crate) fn new(timing: Arc<Timing>) -> Self {
        let moved_ms = AtomicU64::new(timing.now_ms());
        Self {
            timing,
            phase: AtomicU8::new(Phase::Idle as u8),
            moved_ms,
            target: AtomicU64::new(0),
            uploading: AtomicBool::new(false),
            cut: AtomicBool::new(false),
            waker: Mutex::new(None),
        }
    }

    /// Something moved.
    pub(crate) fn touch(&self) {
        self.moved_ms.store(self.timing.now_ms(), Relaxed);
    }

    /// Bytes came from the client. A head that drips in does not count as moving.
    pub(crate) fn received(&self) {
        let phase = self.phase.load(Relaxed);
        if phase == Phase::Idle as u8 {
            self.enter(Phase::Head);
        } else if phase != Phase::Head as u8 {
            self.touch();
        }
    }

    /// Bytes went to the client.
    pub(crate) fn sent(&self) {
        if self.phase.load(Relaxed) != Phase::Head as u8 {
            self.touch();
        }
    }

    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Relaxed);
        self.touch();
    }

    pub(crate) fn is(&self, phase: Phase) -> bool {
        self.phase.load(Relaxed) == phase as u8
    }

    /// The client has said all it has to say and gets or will get an answer.
    pub(crate) fn awaits_answer(&self) -> bool {
        let phase = self.phase.load(Relaxed);
        (phase == Phase::Waiting as u8 || phase == Phase::Body as u8) && !self.is_uploading()
    }

    /// It stood still for longer than its phase allows.
    pub(crate) fn is_overdue(&self) -> bool {
        let limit = self.timing.limit_ms[usize::from(self.phase.load(Relaxed))];
        self.timing.now_ms().saturating_sub(self.moved_ms.load(Relaxed)) > limit
    }

    pub(crate) fn talk_to(&self, target: u64) {
        self.target.store(target, Relaxed);
    }

    pub(crate) fn talks_to(&self) -> u64 {
        self.target.load(Relaxed)
    }

    pub(crate) fn set_uploading(&self, uploading: bool) {
        self.uploading.store(uploading, Relaxed);
    }

    pub(crate) fn is_uploading(&self) -> bool {
        self.uploading.load(Relaxed)
    }

    pub(crate) fn cut(&self) {
        self.cut.store(true, Relaxed);
    }

    pub(crate) fn is_cut(&self) -> bool {
        self.cut.load(Relaxed)
    }

    /// From now on `wake` wakes this task.
    pub(crate) fn listen(&self, waker: &Waker) {
        *self.waker.lock().unwrap_or_else(PoisonError::into_inner) = Some(waker.clone());
    }

    pub(crate) fn wake(&self) {
        let waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dripping_head_is_overdue_and_a_moving_body_is_not() {
        let limits = Limits { head: Duration::ZERO, ..Limits::default() };
        let timing = Arc::new(Timing::new(&limits));
        let activity = Activity::new(Arc::clone(&timing));
        activity.received();
        assert!(activity.is(Phase::Head) && !activity.is_overdue());
        timing.now_ms.store(5, Relaxed);
        activity.received();
        assert!(activity.is_overdue());
        activity.enter(Phase::Body);
        assert!(!activity.is_overdue());
    }
}
