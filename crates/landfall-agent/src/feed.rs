//! A rollout's events, kept for whoever watches: now, later, or from the middle.
//!
//! Nobody is ever waited for: events go into one bounded buffer, and each viewer reads it at its own
//! pace. Events that the journal knows always fit, since a rollout's records are few.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use landfall_api::{Event, EventKind, Outcome, Problem, ProblemCode, RolloutRef};
use landfall_core::id::{AppName, RolloutNumber};
use landfall_core::mutation::{Mutation, planted};
use landfall_core::plan::Plan;
use landfall_core::record::Record;
use landfall_core::rollout::Rollout;
use landfall_deploy::ports::{Entry, JournalError, JournalStore, Observer, Progress};
use tokio::sync::Notify;

use crate::ground::Store;
use crate::narrator::{self, Narrator, event_seq};
use crate::store::{Journal, now_ms};

/// Events beyond the journal's that one rollout may have.
const EVENTS_MAX: usize = 10_000;

/// The events of one rollout.
#[derive(Debug)]
pub(crate) struct Feed {
    of: RolloutRef,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    events: Vec<Event>,
    narrator: Narrator,
    /// Over, held, or waiting for a person: viewers need not wait.
    at_rest: bool,
}

impl Feed {
    /// Of a rollout that was asked for at this time.
    pub(crate) fn new(of: RolloutRef, opened_at_ms: u64) -> Self {
        let narrator = Narrator::new(opened_at_ms);
        let state = Mutex::new(State { events: Vec::new(), narrator, at_rest: false });
        Self { of, state, changed: Notify::new() }
    }

    /// Rebuilt from a journal.
    pub(crate) fn rebuilt(journal: &Journal) -> Self {
        let header = &journal.header;
        let of = RolloutRef { app: header.app.clone(), rollout: header.rollout };
        let feed = Self::new(of, header.opened_at_ms);
        for entry in &journal.entries {
            feed.record(entry);
        }
        feed
    }

    /// Of a rollout that was promised but never began, because the agent stopped before.
    pub(crate) fn never_began(of: RolloutRef) -> Self {
        let message = "the agent was restarted before it began; nothing was changed";
        let problem = Problem::new(ProblemCode::Cancelled, message).hint("start it again");
        let feed = Self::new(of, now_ms());
        let outcome = Outcome::Refused { problem };
        let kind = EventKind::Ended { outcome, serving: None, total_ms: 0 };
        {
            let mut state = feed.lock();
            state.at_rest = true;
            // Later than anything a viewer can have seen of the preparations.
            feed.push(&mut state, event_seq(1) - 1, now_ms(), kind);
        }
        feed
    }

    /// Whose events these are.
    pub(crate) fn of(&self) -> &RolloutRef {
        &self.of
    }

    /// Adds an event that the journal does not know.
    pub(crate) fn say(&self, kind: EventKind) {
        let mut state = self.lock();
        let last = matches!(kind, EventKind::Ended { .. });
        if state.events.len() >= EVENTS_MAX && !last {
            return;
        }
        let seq = state.events.last().map_or(1, |event| event.seq + 1);
        state.at_rest |= last;
        self.push(&mut state, seq, now_ms(), kind);
    }

    /// Adds the event of a durable record.
    pub(crate) fn record(&self, entry: &Entry) {
        let mut state = self.lock();
        let kind = state.narrator.tell(entry);
        state.at_rest =
            matches!(entry.record, Record::Ended { .. } | Record::Stuck { .. } | Record::Held);
        self.push(&mut state, event_seq(entry.seq), entry.at_ms, kind);
    }

    /// Adds what the journal has and was never told: the store failed after it was durable.
    pub(crate) fn catch_up(&self, journal: &Journal) {
        if planted(Mutation::FeedForgets) {
            return;
        }
        let told = self.lock().events.last().map_or(0, |event| event.seq);
        for entry in journal.entries.iter().filter(|entry| event_seq(entry.seq) > told) {
            self.record(entry);
        }
    }

    fn push(&self, state: &mut State, seq: u64, at_ms: u64, kind: EventKind) {
        let RolloutRef { app, rollout } = self.of.clone();
        state.events.push(Event { seq, at_ms, app, rollout, kind });
        self.changed.notify_waiters();
    }

    /// Events after `seq`, at most `max`, and whether no more need be waited for.
    pub(crate) fn after(&self, seq: u64, max: usize) -> (Vec<Event>, bool) {
        let state = self.lock();
        let from = state.events.partition_point(|event| event.seq <= seq);
        let events: Vec<_> = state.events.iter().skip(from).take(max).cloned().collect();
        let all = from + events.len() == state.events.len();
        (events, all && state.at_rest)
    }

    /// Tells when there is more than now.
    pub(crate) fn subscribe(&self) -> Changes<'_> {
        Changes { feed: self, seen: self.count() }
    }

    fn count(&self) -> usize {
        self.lock().events.len()
    }

    /// Looks at the fold so far; `None` while nothing is recorded.
    pub(crate) fn look<T>(&self, look: impl FnOnce(Option<&Rollout>) -> T) -> T {
        look(self.lock().narrator.rollout())
    }

    /// When it was held last; milliseconds since 1970.
    pub(crate) fn held_at_ms(&self) -> Option<u64> {
        self.lock().narrator.held_at_ms()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is whole after every statement: a panic elsewhere takes nothing from it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a feed has more. Who waits first is woken first: tokio's `watch` draws lots, and a simulated
/// run could not be done again.
#[derive(Debug)]
pub(crate) struct Changes<'a> {
    feed: &'a Feed,
    /// Events that were there.
    seen: usize,
}

impl Changes<'_> {
    /// Waits until there is more than at the last look, which this is now.
    pub(crate) async fn changed(&mut self) {
        loop {
            // Made before the look: what comes in between is not missed.
            let told = self.feed.changed.notified();
            let count = self.feed.count();
            if count > self.seen {
                self.seen = count;
                return;
            }
            told.await;
        }
    }

    /// Takes what is there now as seen.
    pub(crate) fn mark_unchanged(&mut self) {
        self.seen = self.feed.count();
    }
}

/// The `JournalStore` port of one rollout: durable first, then told. The end is told by whoever
/// drives, once the lease is given back: who sees the end may start anew.
#[derive(Debug)]
pub(crate) struct ToldJournal<S> {
    store: S,
    feed: Arc<Feed>,
    end: Mutex<Option<Entry>>,
}

impl<S> ToldJournal<S> {
    /// Tells `feed` what became durable in `store`.
    pub(crate) fn new(store: S, feed: Arc<Feed>) -> Self {
        Self { store, feed, end: Mutex::new(None) }
    }

    /// Tells the end, if it is durable.
    pub(crate) fn tell_end(&self) {
        let end = self.end.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(entry) = end {
            self.feed.record(&entry);
        }
    }
}

impl<S: Store> JournalStore for ToldJournal<S> {
    async fn append(
        &self,
        app: &AppName,
        rollout: RolloutNumber,
        record: &Record,
    ) -> Result<(), JournalError> {
        let entry = self.store.append(app, rollout, record.clone()).await;
        let entry = entry.map_err(|error| JournalError(error.to_string()))?;
        if matches!(record, Record::Ended { .. }) {
            *self.end.lock().unwrap_or_else(PoisonError::into_inner) = Some(entry);
        } else {
            self.feed.record(&entry);
        }
        Ok(())
    }
}

/// The `Observer` port of one rollout. Records are told by [`ToldJournal`] already.
#[derive(Debug, Clone)]
pub(crate) struct ToldProgress(pub Arc<Feed>);

impl Observer for ToldProgress {
    fn recorded(&self, _plan: &Plan, _record: &Record) {}

    fn progress(&self, step: usize, progress: Progress) {
        self.0.say(EventKind::Progress { step, progress: narrator::progress(progress) });
    }
}
