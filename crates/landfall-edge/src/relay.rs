//! The waker under which an upstream connection is driven.
//!
//! The connection has no task of its own: whichever request uses it drives it. So it is woken
//! through this relay, which knows the task of the moment. And since hyper wakes a connection when
//! the reader of its body takes a chunk, which here is the very task that drives it next, the relay
//! can be muted meanwhile: that saves one needless poll of every request.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Wake, Waker};

use futures_util::task::AtomicWaker;

/// Wakes the task that uses the connection now.
#[derive(Debug, Default)]
pub(crate) struct Relay {
    task: AtomicWaker,
    muted: AtomicBool,
}

impl Relay {
    pub(crate) fn attach(&self, task: &Waker) {
        self.task.register(task);
    }

    /// While `act` runs nobody is woken. The caller drives the connection afterwards, or knows that
    /// it will be polled again anyway: a wake-up from elsewhere may be lost.
    pub(crate) fn muted<T>(&self, act: impl FnOnce() -> T) -> T {
        self.muted.store(true, Relaxed);
        let out = act();
        self.muted.store(false, Relaxed);
        out
    }
}

impl Wake for Relay {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.muted.load(Relaxed) {
            self.task.wake();
        }
    }
}
