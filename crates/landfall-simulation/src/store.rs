//! The store: what SQLite gives the agent, with a write-back cache below it.
//!
//! A commit is durable when it is acknowledged, unless the planted bug says that it is not synced:
//! then a power cut takes everything since the last sync.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use landfall_agent::stored::{Began, Header, Journal, NewRelease, Opening, ReleaseRow};
use landfall_agent::{Store, StoreError};
use landfall_core::id::{AppName, ReleaseNumber, RolloutNumber};
use landfall_core::mutation::{Mutation, planted};
use landfall_core::plan::{Plan, Step};
use landfall_core::record::{Action, Record, Verdict};
use landfall_core::release::Release;
use landfall_deploy::ports::Entry;

use crate::fault::{Call, Port};
use crate::world::{Failure, Sim, World};

/// One rollout.
#[derive(Debug, Clone)]
pub struct StoredRollout {
    header: Header,
    /// Its plan.
    pub plan: Arc<Plan>,
    /// Its records.
    pub entries: Vec<Entry>,
}

impl StoredRollout {
    /// The newest record.
    pub fn last(&self) -> Option<&Record> {
        self.entries.last().map(|entry| &entry.record)
    }

    /// How it ended.
    pub fn verdict(&self) -> Option<&Verdict> {
        match self.last() {
            Some(Record::Ended { verdict }) => Some(verdict),
            Some(_) | None => None,
        }
    }

    /// The step whose outcome is not recorded.
    pub fn in_doubt(&self) -> Option<(usize, Action)> {
        match self.last() {
            Some(Record::Intended { step, action }) => Some((*step, *action)),
            Some(_) | None => None,
        }
    }

    /// It waits for consent.
    pub fn is_held(&self) -> bool {
        let newest = self.entries.iter().rev().find(|entry| entry.record != Record::Resumed);
        newest.is_some_and(|entry| entry.record == Record::Held)
    }

    /// Somebody let it through.
    pub fn is_promoted(&self) -> bool {
        self.entries.iter().any(|entry| matches!(entry.record, Record::Promoted { .. }))
    }

    /// Whether its cutover was ever intended.
    pub fn cutover_intended(&self) -> bool {
        self.was_intended(is_cutover)
    }

    /// Whether its cutover is recorded as done.
    pub fn cutover_done(&self) -> bool {
        self.is_recorded(Action::Do, is_cutover)
    }

    /// Whether a step was intended, and nothing says that it was undone: an effect of it whose answer
    /// nobody waits for may still come.
    pub fn may_still_come(&self, which: fn(&Step) -> bool) -> bool {
        self.was_intended(which) && !self.is_recorded(Action::Undo, which)
    }

    fn was_intended(&self, which: fn(&Step) -> bool) -> bool {
        self.entries.iter().any(|entry| {
            matches!(&entry.record, Record::Intended { step, action: Action::Do }
                if self.plan.steps.get(*step).is_some_and(which))
        })
    }

    fn is_recorded(&self, way: Action, which: fn(&Step) -> bool) -> bool {
        self.entries.iter().any(|entry| {
            matches!(&entry.record, Record::Succeeded { step, action } if *action == way
                && self.plan.steps.get(*step).is_some_and(which))
        })
    }
}

/// Whether it is the cutover.
pub fn is_cutover(step: &Step) -> bool {
    matches!(step, Step::Cutover { .. })
}

#[derive(Debug, Clone)]
struct StoredRelease {
    row: ReleaseRow,
    sealed: Option<Arc<Release>>,
}

/// One app.
#[derive(Debug, Clone, Default)]
pub struct StoredApp {
    next_rollout: u32,
    /// All that began.
    pub rollouts: BTreeMap<RolloutNumber, Arc<StoredRollout>>,
    releases: BTreeMap<ReleaseNumber, StoredRelease>,
}

impl StoredApp {
    /// The rollout that has not ended.
    pub fn open(&self) -> Option<&StoredRollout> {
        self.rollouts.values().rev().find(|rollout| rollout.verdict().is_none()).map(Arc::as_ref)
    }

    /// What serves, by the journals.
    pub fn serving(&self) -> Option<(ReleaseNumber, RolloutNumber)> {
        let says = |rollout: &Arc<StoredRollout>| match rollout.verdict()? {
            Verdict::Succeeded => Some(rollout.plan.release.map(|r| (r, rollout.plan.rollout))),
            Verdict::Abandoned { serving, .. } => {
                Some(serving.map(|serving| (serving.release, serving.rollout)))
            }
            Verdict::RolledBack { .. } => None,
        };
        self.rollouts.values().rev().find_map(says)?
    }

    /// A sealed release.
    pub fn release(&self, number: ReleaseNumber) -> Option<&Arc<Release>> {
        self.releases.get(&number)?.sealed.as_ref()
    }

    /// Whether a release's row is there, sealed or not.
    pub fn knows_release(&self, number: ReleaseNumber) -> bool {
        self.releases.contains_key(&number)
    }
}

/// The store.
#[derive(Debug, Clone, Default)]
pub struct StoreState {
    /// By app.
    pub apps: BTreeMap<AppName, StoredApp>,
    unsynced: Vec<(AppName, Option<StoredApp>)>,
}

impl StoreState {
    /// Plans whose newest record is an intent, with the step.
    pub fn in_doubt(&self) -> Vec<(Arc<Plan>, usize, Action)> {
        let open = self.apps.values().filter_map(StoredApp::open);
        let doubt = open.filter_map(|rollout| {
            rollout.in_doubt().map(|(step, action)| (Arc::clone(&rollout.plan), step, action))
        });
        doubt.collect()
    }

    /// How long the app's open rollout waits for requests in flight.
    pub fn drain_ms(&self, app: &AppName) -> u64 {
        let open = self.apps.get(app).and_then(StoredApp::open);
        let drain = open.and_then(|rollout| {
            rollout.plan.steps.iter().find_map(|step| match step {
                Step::Drain { deadline_ms, .. } => Some(*deadline_ms),
                _ => None,
            })
        });
        drain.unwrap_or(0)
    }

    /// What was acknowledged and not synced is gone.
    pub fn lose_unsynced(&mut self) {
        while let Some((app, was)) = self.unsynced.pop() {
            match was {
                Some(was) => drop(self.apps.insert(app, was)),
                None => drop(self.apps.remove(&app)),
            }
        }
    }

    fn write(&mut self, app: &AppName) -> &mut StoredApp {
        if planted(Mutation::StoreSkipsSync) {
            let was = self.apps.get(app).cloned();
            self.unsynced.push((app.clone(), was));
        }
        self.apps
            .entry(app.clone())
            .or_insert_with(|| StoredApp { next_rollout: 1, ..StoredApp::default() })
    }
}

impl Failure for StoreError {
    fn absent() -> Self {
        Self::refused(true)
    }

    fn refused(_: bool) -> Self {
        io::Error::from(io::ErrorKind::StorageFull).into()
    }

    fn lost() -> Self {
        io::Error::other("an error of the device").into()
    }
}

const fn look(name: &'static str) -> Call {
    Call { port: Port::Store, name, changes: false }
}

const fn change(name: &'static str) -> Call {
    Call { port: Port::Store, name, changes: true }
}

fn at_ms(world: &World) -> u64 {
    landfall_agent::simulation::wall_clock_ms()
        .unwrap_or_else(|| u64::try_from(world.now().as_millis()).unwrap_or(u64::MAX))
}

/// The store, as one agent has it.
#[derive(Clone)]
pub struct SimStore(pub Sim);

fn begin(world: &mut World, opening: Opening) -> Result<Entry, StoreError> {
    let at_ms = at_ms(world);
    let Opening { by, opened_at_ms, plan, release } = opening;
    world.begin_is_legal(&plan);
    let app = world.store.write(&plan.app.clone());
    if let Some(new) = release {
        let NewRelease { release, message, commit } = new;
        let row = ReleaseRow {
            number: release.number,
            hash: release.hash.clone(),
            created_at_ms: at_ms,
            by: by.clone(),
            message,
            commit,
            release: None,
        };
        let sealed = Some(Arc::new(release));
        if app.releases.insert(row.number, StoredRelease { row, sealed }).is_some() {
            return Err(StoreError::Damaged("a release of that number is there".to_owned()));
        }
    }
    let header = Header {
        app: plan.app.clone(),
        rollout: plan.rollout,
        kind: plan.kind,
        release: plan.release,
        by,
        opened_at_ms,
    };
    let plan = Arc::new(plan);
    let record = Record::Began { plan: Box::new((*plan).clone()) };
    let entry = Entry { seq: 1, at_ms, record };
    let stored = StoredRollout { header, plan: Arc::clone(&plan), entries: vec![entry.clone()] };
    if app.rollouts.insert(plan.rollout, Arc::new(stored)).is_some() {
        return Err(StoreError::Damaged("a rollout of that number is there".to_owned()));
    }
    world.began(&plan);
    Ok(entry)
}

fn append(
    world: &mut World,
    app: &AppName,
    rollout: RolloutNumber,
    record: Record,
) -> Result<Entry, StoreError> {
    let at_ms = at_ms(world);
    world.append_is_legal(app, rollout, &record);
    let missing = || StoreError::Damaged(format!("{app} {rollout} is missing"));
    let stored = world.store.write(app).rollouts.get_mut(&rollout).ok_or_else(missing)?;
    let stored = Arc::make_mut(stored);
    let seq = stored.entries.len() as u64 + 1;
    let entry = Entry { seq, at_ms, record };
    stored.entries.push(entry.clone());
    let cuts_over = stored.cutover_intended();
    world.appended(app, rollout, &entry);
    if cuts_over {
        world.engine.take_of(app, rollout);
    }
    Ok(entry)
}

impl SimStore {
    async fn ask<T: Send>(
        &self,
        name: &'static str,
        app: &AppName,
        look_at: impl FnOnce(&StoredApp) -> T + Send + 'static,
        none: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let app = app.clone();
        let work = move |world: &mut World| match world.store.apps.get(&app) {
            Some(stored) => Ok(look_at(stored)),
            None => Ok(none()),
        };
        self.0.call(look(name), "", work).await
    }
}

impl Store for SimStore {
    async fn next_rollout(&self, app: &AppName) -> Result<RolloutNumber, StoreError> {
        let app = app.clone();
        let work = move |world: &mut World| {
            let stored = world.store.write(&app);
            let number = RolloutNumber(stored.next_rollout);
            stored.next_rollout += 1;
            Ok(number)
        };
        self.0.call(change("next rollout"), "", work).await
    }

    async fn peek_rollout(&self, app: &AppName) -> Result<RolloutNumber, StoreError> {
        self.ask("peek rollout", app, |s| RolloutNumber(s.next_rollout), || RolloutNumber(1)).await
    }

    async fn begin(&self, opening: Opening) -> Result<Entry, StoreError> {
        let work = move |world: &mut World| begin(world, opening);
        self.0.call(change("begin"), "", work).await
    }

    async fn append(
        &self,
        app: &AppName,
        rollout: RolloutNumber,
        record: Record,
    ) -> Result<Entry, StoreError> {
        let app = app.clone();
        let name = kind(&record);
        let work = move |world: &mut World| append(world, &app, rollout, record);
        self.0.call(change(name), "", work).await
    }

    async fn journal(
        &self,
        app: &AppName,
        rollout: RolloutNumber,
    ) -> Result<Option<Journal>, StoreError> {
        let look_at = move |stored: &StoredApp| {
            stored.rollouts.get(&rollout).map(|stored| Journal {
                header: stored.header.clone(),
                entries: stored.entries.clone(),
            })
        };
        self.ask("journal", app, look_at, || None).await
    }

    async fn rollouts(&self, app: &AppName) -> Result<Vec<Began>, StoreError> {
        let began = |stored: &Arc<StoredRollout>| {
            let last = stored.entries.last()?.clone();
            Some(Began { header: stored.header.clone(), last })
        };
        let look_at =
            move |stored: &StoredApp| stored.rollouts.values().rev().filter_map(began).collect();
        self.ask("rollouts", app, look_at, Vec::new).await
    }

    async fn apps(&self) -> Result<Vec<AppName>, StoreError> {
        let work = |world: &mut World| {
            let began = world.store.apps.iter().filter(|(_, stored)| !stored.rollouts.is_empty());
            Ok(began.map(|(app, _)| app.clone()).collect())
        };
        self.0.call(look("apps"), "", work).await
    }

    async fn next_release(&self, app: &AppName) -> Result<ReleaseNumber, StoreError> {
        let next = |stored: &StoredApp| {
            let newest = stored.releases.last_key_value().map_or(0, |(number, _)| number.0);
            ReleaseNumber(newest + 1)
        };
        self.ask("next release", app, next, || ReleaseNumber(1)).await
    }

    async fn release(
        &self,
        app: &AppName,
        number: ReleaseNumber,
    ) -> Result<Option<Release>, StoreError> {
        let look_at = move |s: &StoredApp| s.release(number).map(|sealed| (**sealed).clone());
        self.ask("release", app, look_at, || None).await
    }

    async fn releases(&self, app: &AppName) -> Result<Vec<ReleaseRow>, StoreError> {
        let row = |stored: &StoredRelease| ReleaseRow {
            release: stored.sealed.as_ref().map(|sealed| (**sealed).clone()),
            ..stored.row.clone()
        };
        let look_at = move |s: &StoredApp| s.releases.values().rev().map(row).collect();
        self.ask("releases", app, look_at, Vec::new).await
    }

    async fn keep_only(&self, app: &AppName, keep: &[ReleaseNumber]) -> Result<(), StoreError> {
        let (app, keep) = (app.clone(), keep.to_vec());
        let work = move |world: &mut World| {
            for (number, stored) in &mut world.store.write(&app).releases {
                if !keep.contains(number) {
                    stored.sealed = None;
                }
            }
            world.serving_stays_stored(&app);
            Ok(())
        };
        self.0.call(change("keep only"), "", work).await
    }

    async fn forget(&self, app: &AppName, number: ReleaseNumber) -> Result<(), StoreError> {
        let app = app.clone();
        let work = move |world: &mut World| {
            if let Some(stored) = world.store.write(&app).releases.get_mut(&number) {
                stored.sealed = None;
            }
            world.serving_stays_stored(&app);
            Ok(())
        };
        self.0.call(change("forget"), "", work).await
    }
}

fn kind(record: &Record) -> &'static str {
    match record {
        Record::Began { .. } => "began",
        Record::Intended { action: Action::Do, .. } => "intended",
        Record::Intended { action: Action::Undo, .. } => "intended back",
        Record::Succeeded { .. } => "succeeded",
        Record::Failed { .. } => "failed",
        Record::Turned { .. } => "turned",
        Record::Resumed => "resumed",
        Record::Held => "held",
        Record::Promoted { .. } => "promoted",
        Record::Stuck { .. } => "stuck",
        Record::Ended { .. } => "ended",
    }
}
