//! The world: one host with its engine, edge, disk and power, and how a call reaches them.
//!
//! Every call of the agent passes one numbered point. There it may meet a fault, and from there its
//! effect is watched. An agent that died is a number that is no longer current: its calls never
//! return.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use landfall_core::record::Action;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use crate::coverage::Coverage;
use crate::edge::EdgeState;
use crate::engine::EngineState;
use crate::fault::{Call, Chance, Fault, Port};
use crate::files::FileState;
use crate::random::SplitMix;
use crate::store::StoreState;
use crate::trace::Trace;
use crate::watch::Watch;

/// Everything. Cloned as the starting point of many runs.
#[derive(Debug, Clone)]
pub struct World {
    base: Duration,
    epoch: Option<Instant>,
    /// The engine and its things.
    pub engine: EngineState,
    /// The edge.
    pub edge: EdgeState,
    /// The store.
    pub store: StoreState,
    /// Sealed files.
    pub files: FileState,
    /// Number of the agent that lives, or lived last.
    pub life: u64,
    /// What ended it.
    pub death: Option<Death>,
    /// The power went, and nothing was started again yet.
    pub dark: bool,
    /// Told of a death.
    pub bell: Arc<Notify>,
    /// What goes wrong.
    pub chance: Chance,
    /// How long calls take; `None`: no time.
    pub latency: Option<SplitMix>,
    /// What must hold.
    pub watch: Watch,
    /// What happened.
    pub trace: Trace,
    /// Which steps were hit.
    pub coverage: Coverage,
    /// Calls so far.
    pub points: u64,
    /// Faults met, by [`Fault::index`].
    pub met: [u32; 12],
    /// No writes to disk until then.
    pub full_until: Duration,
    /// An effect that comes later than its call runs now.
    pub late: bool,
}

/// What ended an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Death {
    /// Only the agent's process.
    Process,
    /// The host's power.
    Power,
}

/// How a call that cannot reach anybody fails, by port.
pub trait Failure: Sized {
    /// Nobody answers.
    fn absent() -> Self;
    /// Refused without effect.
    fn refused(later: bool) -> Self;
    /// It may have had its effect.
    fn lost() -> Self;
}

impl World {
    /// Nothing but strangers.
    pub fn new() -> Self {
        Self {
            base: Duration::from_hours(1),
            epoch: None,
            engine: EngineState::default(),
            edge: EdgeState::default(),
            store: StoreState::default(),
            files: FileState::default(),
            life: 0,
            death: None,
            dark: false,
            bell: Arc::default(),
            chance: Chance::Quiet,
            latency: None,
            watch: Watch::default(),
            trace: Trace::default(),
            coverage: Coverage::default(),
            points: 0,
            met: [0; 12],
            full_until: Duration::ZERO,
            late: false,
        }
    }

    /// Virtual time.
    pub fn now(&self) -> Duration {
        self.base + self.epoch.map_or(Duration::ZERO, |epoch| epoch.elapsed())
    }

    /// Time stands still: to be cloned.
    pub fn freeze(&mut self) {
        self.base = self.now() + Duration::from_mins(1);
        self.epoch = None;
        self.engine.restarting.clear();
    }

    /// What happened until now counts for no run.
    pub fn forget_the_past(&mut self) {
        self.trace = Trace::default();
        self.coverage = Coverage::default();
        self.points = 0;
        self.met = [0; 12];
        self.life = 0;
        self.watch.faults = 0;
    }

    /// Time runs, in this runtime.
    pub fn thaw(&mut self) {
        self.epoch = Some(Instant::now());
        self.bell = Arc::default();
    }

    /// The agent dies.
    pub fn kill(&mut self, death: Death) {
        let now = self.now();
        self.trace.note(now, "agent dies", format_args!("{death:?}"));
        self.life += 1;
        self.death = Some(death);
        if death == Death::Power {
            self.dark = true;
            self.engine.lose_power(now);
            self.edge.kill();
            self.store.lose_unsynced();
            self.watch.outage(now, Duration::from_mins(10));
        }
        self.bell.notify_one();
    }

    /// Nothing goes wrong by itself.
    pub fn is_quiet(&self) -> bool {
        matches!(self.chance, Chance::Quiet)
    }

    /// Nobody lives: nothing more happens of what was asked.
    fn is_dead(&self, life: u64) -> bool {
        self.life != life || self.death.is_some()
    }

    /// Checks what must hold after a change.
    pub fn check(&mut self) {
        crate::watch::check(self);
    }

    fn issue(&mut self, call: Call, subject: &str) -> Option<Fault> {
        self.points += 1;
        let now = self.now();
        self.trace.call(now, call.name, subject);
        let fault = self.chance.decide(call, self.points)?;
        self.trace.note(now, "fault", format_args!("{fault:?} at {} ({})", self.points, call.name));
        self.met[fault.index()] += 1;
        self.watch.faults += 1;
        let before = matches!(fault, Fault::CrashBefore | Fault::PowerBefore);
        if fault.kills() {
            self.cover(call, before);
        }
        Some(fault)
    }

    /// Notes between which record and which effect the agent dies.
    fn cover(&mut self, call: Call, before: bool) {
        for (plan, step, action) in self.store.in_doubt() {
            let name = plan.steps.get(step).map_or("", landfall_core::plan::Step::name);
            // At a record the effect itself is not under way: after `intended` it has not begun,
            // before an outcome it is complete.
            let before = if call.port == Port::Store { !before } else { before };
            self.coverage.hit(name, action == Action::Undo, before);
        }
    }

    fn is_absent(&self, call: Call) -> bool {
        match call.port {
            Port::Engine => !self.engine.up,
            Port::Edge => !self.edge.up,
            Port::Store | Port::Files => false,
        }
    }

    fn is_full(&self, call: Call) -> bool {
        let disk = matches!(call.port, Port::Store | Port::Files);
        disk && call.changes && self.now() < self.full_until
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

/// A handle on the world, as one agent has it.
#[derive(Clone)]
pub struct Sim {
    world: Arc<Mutex<World>>,
    /// Effects whose callers no longer wait.
    late: Arc<Mutex<VecDeque<LateEffect>>>,
    life: u64,
}

/// An effect on its way to somebody.
struct LateEffect {
    port: Port,
    /// The edge's process that has it; another one does not know of it.
    edge_life: u64,
    effect: Box<dyn FnOnce(&mut World) + Send>,
}

impl Sim {
    /// Of a world.
    pub fn new(world: World) -> Self {
        let life = world.life;
        Self { world: Arc::new(Mutex::new(world)), late: Arc::default(), life }
    }

    /// For the agent that lives now.
    pub fn of_this_life(&self) -> Self {
        let life = self.lock().life;
        Self { world: Arc::clone(&self.world), late: Arc::clone(&self.late), life }
    }

    /// Looks at it, or changes it behind everyone's back.
    pub fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One call: its point, its time, its fault, its effect.
    pub(crate) async fn call<T, E, F>(&self, call: Call, subject: &str, effect: F) -> Result<T, E>
    where
        E: Failure,
        F: FnOnce(&mut World) -> Result<T, E> + Send + 'static,
    {
        let Some((fault, latency)) = self.issue(call, subject) else { return pending().await };
        if latency > 0 {
            sleep(Duration::from_millis(latency)).await;
        }
        let answer = self.answer(call, fault, effect);
        match answer {
            Some(answer) => answer,
            None => pending().await,
        }
    }

    /// Its point: what goes wrong, and how long it takes; `None`: who asks is dead.
    fn issue(&self, call: Call, subject: &str) -> Option<(Option<Fault>, u64)> {
        let mut world = self.lock();
        if world.is_dead(self.life) {
            return None;
        }
        let fault = world.issue(call, subject);
        // Most calls are quick; one that is not lets others get far in between.
        let latency = world.latency.as_mut().map_or(0, |random| match random.below(16) {
            0 => random.below(60),
            _ => random.below(4),
        });
        Some((fault, latency))
    }

    /// `None`: the agent died.
    fn answer<T, E, F>(&self, call: Call, fault: Option<Fault>, effect: F) -> Option<Result<T, E>>
    where
        E: Failure,
        F: FnOnce(&mut World) -> Result<T, E> + Send + 'static,
    {
        let mut world = self.lock();
        if world.is_dead(self.life) {
            return None;
        }
        if world.is_absent(call) {
            return Some(Err(E::absent()));
        }
        if world.is_full(call) {
            return Some(Err(E::refused(true)));
        }
        if call.changes && call.port == Port::Engine {
            // An engine takes one request on a thing after the other.
            self.catch_up(&mut world, Port::Engine);
        }
        let death = match fault {
            None => return Some(world.take(call, effect)),
            Some(Fault::RefuseLater) => return Some(Err(E::refused(true))),
            Some(Fault::RefuseNever) => return Some(Err(E::refused(false))),
            Some(Fault::LoseAnswer) => {
                drop(world.take(call, effect));
                return Some(Err(E::lost()));
            }
            Some(Fault::Late) => {
                drop(world);
                self.later(call, effect);
                return Some(Err(E::lost()));
            }
            Some(fault @ (Fault::EngineTerm | Fault::EngineKill)) => {
                drop(world);
                self.restart_engine(fault == Fault::EngineKill, Duration::from_millis(700));
                return Some(Err(E::absent()));
            }
            Some(Fault::EdgeKill) => {
                world.edge.kill();
                drop(world);
                self.revive_edge(Duration::from_millis(100));
                return Some(Err(E::lost()));
            }
            Some(Fault::CrashLate) => {
                drop(world);
                self.later(call, effect);
                self.lock().kill(Death::Process);
                return None;
            }
            Some(Fault::CrashBefore) => Death::Process,
            Some(Fault::PowerBefore) => Death::Power,
            Some(Fault::CrashAfter) => {
                drop(world.take(call, effect));
                Death::Process
            }
            Some(Fault::PowerAfter) => {
                drop(world.take(call, effect));
                Death::Power
            }
        };
        world.kill(death);
        None
    }

    /// The effect comes when nobody waits for it any more.
    pub(crate) fn later<T, E, F>(&self, call: Call, effect: F)
    where
        F: FnOnce(&mut World) -> Result<T, E> + Send + 'static,
    {
        let effect = Box::new(move |world: &mut World| {
            let now = world.now();
            world.trace.note(now, "late", format_args!("{}", call.name));
            world.watch.disturb_all();
            world.late = true;
            drop(world.take(call, effect));
            world.late = false;
        });
        let edge_life = self.lock().edge.life;
        let effect = LateEffect { port: call.port, edge_life, effect };
        self.late.lock().unwrap_or_else(PoisonError::into_inner).push_back(effect);
        let sim = self.clone();
        tokio::spawn(async move {
            sleep(Duration::from_millis(800)).await;
            let mut world = sim.lock();
            sim.catch_up(&mut world, call.port);
        });
    }

    /// What nobody waits for any more happens now, unless who has it is gone and it never will.
    fn catch_up(&self, world: &mut World, port: Port) {
        let mut late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
        let (due, rest) = late.drain(..).partition(|effect| effect.port == port);
        *late = rest;
        drop(late);
        let due: VecDeque<LateEffect> = due;
        for late in due {
            let here = match late.port {
                Port::Engine => world.engine.up,
                Port::Edge => world.edge.up && world.edge.life == late.edge_life,
                Port::Store | Port::Files => true,
            };
            if here {
                (late.effect)(world);
            }
        }
    }

    /// Restarts the engine, as systemd would.
    pub fn restart_engine(&self, killed: bool, away: Duration) {
        {
            let mut world = self.lock();
            if !world.engine.up {
                return;
            }
            let now = world.now();
            world.trace.note(now, "engine goes", format_args!("killed: {killed}"));
            world.engine.go_down(now);
            if !world.engine.live_restore {
                world.watch.outage(now, away + Duration::from_secs(40));
            }
        }
        self.start_engine(away);
    }

    /// Starts the engine after a while.
    pub fn start_engine(&self, after: Duration) {
        let sim = self.clone();
        tokio::spawn(async move {
            sleep(after).await;
            let mut world = sim.lock();
            let now = world.now();
            world.trace.note(now, "engine comes", format_args!(""));
            world.engine.come_up(now);
        });
    }

    /// Starts the edge after a while.
    pub fn revive_edge(&self, after: Duration) {
        let sim = self.clone();
        tokio::spawn(async move {
            sleep(after).await;
            let mut world = sim.lock();
            world.edge.come_up();
            world.check();
        });
    }
}

impl World {
    /// Has the effect, and looks whether everything still holds.
    fn take<T, E>(
        &mut self,
        call: Call,
        effect: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let answer = effect(self);
        if call.changes {
            self.check();
        }
        answer
    }
}
