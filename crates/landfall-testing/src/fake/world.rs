//! What the fakes share: state, virtual time, planned faults, violations found.

use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ipnet::Ipv4Net;
use landfall_core::id::{AppName, ImageId, ReleaseNumber, RolloutNumber, ServiceName};
use landfall_core::label::Labels;
use landfall_core::record::Record;
use landfall_core::route::RouteTable;

use landfall_deploy::Cancel;

use super::invariants;

/// What goes wrong at one point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The caller dies before the call has an effect.
    CrashBefore,
    /// The caller dies after the call had its effect, before it hears of it.
    CrashAfter,
    /// Refused without effect; may work later.
    RefuseLater,
    /// Refused without effect, for good.
    RefuseNever,
    /// It had its effect, the answer is lost.
    LoseAnswer,
}

impl Fault {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::CrashBefore,
        Self::CrashAfter,
        Self::RefuseLater,
        Self::RefuseNever,
        Self::LoseAnswer,
    ];
}

/// How containers of one service of one rollout behave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behaviour {
    /// Time from start to the first good answer; `None`: never.
    pub ready_after_ms: Option<u64>,
    /// Good answers before it turns bad for ever.
    pub good_answers: Option<u32>,
    /// Exits that long after each start, with this code.
    pub exits: Option<(u64, i64)>,
    /// A one-off's duration and exit code.
    pub one_off: (u64, i64),
}

impl Default for Behaviour {
    fn default() -> Self {
        Self { ready_after_ms: Some(30), good_answers: None, exits: None, one_off: (40, 0) }
    }
}

/// What a container does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Never started.
    Created,
    /// Started then.
    Running(Duration),
    /// Stopped.
    Stopped,
}

/// A container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// Name.
    pub name: String,
    /// Labels; `None`: a stranger's.
    pub labels: Option<Labels>,
    /// Whether it restarts.
    pub restart: bool,
    /// What it does.
    pub phase: Phase,
    /// Networks and addresses.
    pub networks: BTreeMap<String, Option<Ipv4Addr>>,
    /// Good answers given.
    pub answered: u32,
    /// Times it was started.
    pub starts: u32,
    /// Times its hooks were run.
    pub hooks: u32,
    /// Names of containers that must run when it is started.
    pub peers: Vec<String>,
}

/// A network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// Labels; `None`: a stranger's.
    pub labels: Option<Labels>,
    /// Addresses.
    pub subnet: Ipv4Net,
}

/// Everything.
#[derive(Debug, Clone, Default)]
pub struct Inner {
    /// Virtual time.
    pub now: Duration,
    /// Containers by id.
    pub containers: BTreeMap<String, Container>,
    /// Networks by name.
    pub networks: BTreeMap<String, Network>,
    /// Volumes by name.
    pub volumes: BTreeMap<String, Option<Labels>>,
    /// Image tags.
    pub tags: BTreeMap<String, ImageId>,
    /// The edge's persisted table.
    pub table: RouteTable,
    /// Requests in flight to retired rollouts: they end at this time.
    pub in_flight_until: Option<Duration>,
    /// The open rollout's journal.
    pub journal: Vec<Record>,
    /// Releases with files.
    pub files: BTreeSet<(AppName, ReleaseNumber)>,
    /// How containers behave.
    pub behaviours: BTreeMap<(RolloutNumber, ServiceName), Behaviour>,
    /// Points passed so far.
    pub points: u64,
    /// Names of the calls at each point, for reports.
    pub trace: Vec<String>,
    /// Faults by point.
    pub faults: BTreeMap<u64, Fault>,
    /// The caller is dead.
    pub crashed: bool,
    /// A person calls the rollout off at this point.
    pub cancel_at: Option<u64>,
    /// That person's wish.
    pub cancel: Cancel,
    /// What must hold.
    pub rules: invariants::Rules,
    /// What did not.
    pub violations: Vec<String>,
    next_id: u64,
}

/// A handle on the world.
#[derive(Debug, Clone, Default)]
pub struct World(Arc<Mutex<Inner>>);

/// What happens at a point.
pub(super) enum Fate {
    Go,
    Refuse { later: bool },
    LoseAnswer,
    CrashAfter,
}

impl World {
    /// A world in this state.
    pub fn new(inner: Inner) -> Self {
        Self(Arc::new(Mutex::new(inner)))
    }

    /// Looks at it, or changes it behind everyone's back.
    pub fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Passes one point. Never returns when the caller dies before the effect.
    pub(super) async fn pass(&self, call: &str) -> Fate {
        let fault = {
            let mut inner = self.lock();
            inner.now += Duration::from_millis(1);
            inner.points += 1;
            inner.trace.push(call.to_owned());
            let point = inner.points;
            if inner.cancel_at.is_some_and(|at| point >= at) {
                inner.cancel.cancel();
            }
            let fault = inner.faults.remove(&point);
            if fault == Some(Fault::CrashBefore) {
                inner.crashed = true;
            }
            fault
        };
        match fault {
            None => Fate::Go,
            Some(Fault::CrashBefore) => pending().await,
            Some(Fault::CrashAfter) => Fate::CrashAfter,
            Some(Fault::RefuseLater) => Fate::Refuse { later: true },
            Some(Fault::RefuseNever) => Fate::Refuse { later: false },
            Some(Fault::LoseAnswer) => Fate::LoseAnswer,
        }
    }

    /// The caller dies now.
    pub(super) async fn die(&self) -> ! {
        self.lock().crashed = true;
        pending().await
    }

    /// Changes the world and checks what must hold.
    pub(super) fn change<T>(&self, call: &str, change: impl FnOnce(&mut Inner) -> T) -> T {
        let mut inner = self.lock();
        let out = change(&mut inner);
        invariants::check(&mut inner, call);
        out
    }
}

impl Inner {
    /// A fresh id.
    pub(super) fn fresh_id(&mut self) -> String {
        self.next_id += 1;
        format!("c{}", self.next_id)
    }

    /// Finds a container by id or name.
    pub fn find(&self, container: &str) -> Option<String> {
        if self.containers.contains_key(container) {
            return Some(container.to_owned());
        }
        self.containers.iter().find(|(_, c)| c.name == container).map(|(id, _)| id.clone())
    }

    /// Stops what runs of one service of one rollout, behind everyone's back.
    pub fn stop_all(&mut self, rollout: RolloutNumber, service: &ServiceName) {
        let of = |container: &&mut Container| {
            let labels = container.labels.as_ref();
            labels.is_some_and(|l| l.rollout == rollout && l.service.as_ref() == Some(service))
        };
        for container in self.containers.values_mut().filter(of) {
            container.phase = Phase::Stopped;
        }
    }

    /// How a container behaves.
    pub fn behaviour(&self, container: &Container) -> Behaviour {
        let labels = container.labels.as_ref();
        let key = labels.and_then(|l| Some((l.rollout, l.service.clone()?)));
        key.and_then(|key| self.behaviours.get(&key)).cloned().unwrap_or_default()
    }

    /// Whether it answers well now.
    pub fn is_good(&self, container: &Container) -> bool {
        let Phase::Running(since) = container.phase else { return false };
        let behaviour = self.behaviour(container);
        let up = self.now.saturating_sub(since);
        behaviour.exits.is_none()
            && behaviour.ready_after_ms.is_some_and(|ms| up >= Duration::from_millis(ms))
            && behaviour.good_answers.is_none_or(|n| container.answered < n)
    }
}
