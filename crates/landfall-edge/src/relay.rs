//! The waker under which an upstream connection is driven.
//!
//! The connection has no task of its own: whichever request uses it drives it. So it is woken
//! through this relay, which knows the task of the moment. And since hyper wakes a connection when
//! the reader of its body takes a chunk, which here is the very task that drives it next, the relay
//! can be muted meanwhile: that saves one needless poll of every request.
//!
//! A socket may become readable in that moment too, on another thread. So muting and waking meet in
//! one atomic: either the waker sees that it is muted and leaves a note, or it wakes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::AcqRel, Ordering::Release};
use std::task::{Wake, Waker};

use futures_util::task::AtomicWaker;

const MUTED: u8 = 1;
const CALLED: u8 = 2;

/// Wakes the task that uses the connection now.
#[derive(Debug, Default)]
pub(crate) struct Relay {
    task: AtomicWaker,
    state: AtomicU8,
}

impl Relay {
    pub(crate) fn attach(&self, task: &Waker) {
        self.task.register(task);
    }

    /// While `act` runs nobody is woken. True if somebody would have been: the caller must drive the
    /// connection again, unless it will be polled anyway.
    pub(crate) fn muted<T>(&self, act: impl FnOnce() -> T) -> (T, bool) {
        self.state.store(MUTED, Release);
        let out = act();
        let called = self.state.swap(0, AcqRel) & CALLED != 0;
        (out, called)
    }
}

impl Wake for Relay {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.state.fetch_or(CALLED, AcqRel) & MUTED == 0 {
            self.task.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    use super::*;

    #[derive(Default)]
    struct Task(AtomicUsize);

    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, SeqCst);
        }
    }

    #[test]
    fn a_muted_call_is_reported_and_the_next_one_wakes() {
        let (relay, task) = (Arc::new(Relay::default()), Arc::new(Task::default()));
        let (waker, count) = (Waker::from(Arc::clone(&relay)), || task.0.load(SeqCst));
        relay.attach(&Waker::from(Arc::clone(&task)));
        assert_eq!(relay.muted(|| 1), (1, false));
        assert_eq!(relay.muted(|| waker.wake_by_ref()), ((), true));
        assert_eq!(count(), 0);
        waker.wake_by_ref();
        assert_eq!(count(), 1);
        relay.attach(&Waker::from(Arc::clone(&task)));
        assert!(!relay.muted(|| ()).1, "what was delivered is not reported");
    }

    #[test]
    fn a_call_from_another_thread_is_delivered_or_reported() {
        for _ in 0..200 {
            let (relay, task) = (Arc::new(Relay::default()), Arc::new(Task::default()));
            relay.attach(&Waker::from(Arc::clone(&task)));
            let waker = Waker::from(Arc::clone(&relay));
            let caller = std::thread::spawn(move || waker.wake());
            let mut reported = 0;
            while !caller.is_finished() {
                reported += usize::from(relay.muted(|| ()).1);
            }
            caller.join().unwrap();
            assert_eq!(reported + task.0.load(SeqCst), 1);
        }
    }
}
