//! People: they ask, watch, lose sight of the agent, ask again.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use landfall_api::{
    DeployRequest, DownRequest, Problem, ProblemCode, PromoteRequest, RollbackRequest,
    RolloutAnswer, RolloutId, RolloutRef,
};
use landfall_core::id::AppName;
use landfall_core::record::Verdict;
use landfall_core::spec::AppSpec;
use tokio::time::sleep;

use crate::host::Host;
use crate::scenario::{Act, Held, Want};
use crate::world::Death;

/// What became of a wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Became {
    Succeeded,
    RolledBack,
    Nothing,
    /// It never began.
    Refused,
    /// The agent died before it said a number.
    Unknown,
}

/// A rollout in the store.
enum Stands {
    Nowhere,
    Open,
    Ended(Became),
}

enum Wish {
    Deploy(Box<AppSpec>),
    Hold(Box<AppSpec>),
    RollBack(AppName),
    Down(AppName),
}

impl Wish {
    fn app(&self) -> &AppName {
        match self {
            Self::Deploy(spec) | Self::Hold(spec) => &spec.name,
            Self::RollBack(app) | Self::Down(app) => app,
        }
    }
}

/// Times that a client asks until it gives up.
const ASKS_MAX: u32 = 6;
/// Times that it waits for somebody else's rollout.
const WAITS_MAX: u32 = 400;

/// One of them.
pub(crate) struct Client {
    host: Host,
    number: usize,
    /// What happens to what it holds.
    held: Mutex<Option<Held>>,
}

impl Client {
    pub(crate) fn new(host: Host, number: usize) -> Self {
        Self { host, number, held: Mutex::new(None) }
    }

    fn by(&self) -> String {
        format!("client{}", self.number)
    }

    /// Does all this.
    pub(crate) async fn play(&self, acts: Vec<Act>) {
        for act in acts {
            match act {
                Act::Deploy(spec, want) => self.wish(Wish::Deploy(spec), want).await,
                Act::Hold(spec, held, want) => {
                    *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(held);
                    self.wish(Wish::Hold(spec), want).await;
                }
                Act::RollBack(app, want) => self.wish(Wish::RollBack(app), want).await,
                Act::Down(app, want) => self.wish(Wish::Down(app), want).await,
                Act::Leave(spec) => drop(self.ask(&Wish::Deploy(spec)).await),
                Act::Cancel(app) => self.cancel(&app).await,
                Act::Attach(app) => drop(self.attach(&app).await),
                Act::Pause(ms) => sleep(Duration::from_millis(ms)).await,
                Act::KillAgent => self.host.sim.lock().kill(Death::Process),
                Act::PowerCut => self.host.sim.lock().kill(Death::Power),
                Act::RestartEngine(killed, away) => {
                    self.host.sim.restart_engine(killed, Duration::from_millis(away));
                }
                Act::KillEdge => {
                    self.host.sim.lock().edge.kill();
                    self.host.sim.revive_edge(Duration::from_millis(100));
                }
                Act::FullDisk(ms) => {
                    let mut world = self.host.sim.lock();
                    world.full_until = world.now() + Duration::from_millis(ms);
                }
            }
        }
    }

    async fn wish(&self, wish: Wish, want: Want) {
        let mut became = Became::Unknown;
        for _ in 0..ASKS_MAX {
            became = match self.ask(&wish).await {
                Ok(of) => self.watch(&of).await,
                Err(Became::Unknown) => self.attach(wish.app()).await,
                Err(other) => other,
            };
            match became {
                Became::Succeeded | Became::RolledBack | Became::Nothing => break,
                Became::Refused | Became::Unknown => sleep(Duration::from_secs(1)).await,
            }
        }
        let mut world = self.host.sim.lock();
        if world.watch.faults > 0 || !world.is_quiet() {
            return;
        }
        let fits = match want {
            Want::Succeeded => became == Became::Succeeded,
            Want::RolledBack => matches!(became, Became::RolledBack),
            Want::Nothing => became == Became::Nothing,
            Want::Any => became != Became::Unknown,
            Want::SucceededOrRefused => matches!(became, Became::Succeeded | Became::Refused),
        };
        if !fits {
            world.watch.broken("I18", format_args!("wanted {want:?}, became {became:?}"));
        }
    }

    /// Asks until somebody promises a number, or says no for good.
    async fn ask(&self, wish: &Wish) -> Result<RolloutRef, Became> {
        let mut refusals = 0;
        for _ in 0..WAITS_MAX {
            let Some((life, agent)) = self.host.agent().await else { return Err(Became::Unknown) };
            let answer = tokio::select! {
                biased;
                () = self.host.death_of(life) => return Err(Became::Unknown),
                answer = self.put(&agent, wish) => answer,
            };
            match answer {
                Ok(RolloutAnswer::Started(of)) => {
                    self.host.sim.lock().watch.promised(&of.app, of.rollout);
                    return Ok(of);
                }
                Ok(RolloutAnswer::NothingToDo(_) | RolloutAnswer::Planned(_)) => {
                    return Err(Became::Nothing);
                }
                Err(problem) if problem.code == ProblemCode::Busy => {
                    sleep(Duration::from_millis(500)).await;
                }
                Err(problem) if problem.code == ProblemCode::Stuck => {
                    sleep(Duration::from_secs(3)).await;
                    self.resume(wish.app()).await;
                }
                Err(_) => {
                    refusals += 1;
                    if refusals >= ASKS_MAX {
                        return Err(Became::Refused);
                    }
                    sleep(Duration::from_millis(700)).await;
                }
            }
        }
        Err(Became::Refused)
    }

    async fn put(
        &self,
        agent: &landfall_agent::simulation::SimulatedAgent<crate::host::SimGround>,
        wish: &Wish,
    ) -> Result<RolloutAnswer, Problem> {
        let by = self.by();
        match wish {
            Wish::Deploy(spec) | Wish::Hold(spec) => {
                let held = matches!(wish, Wish::Hold(_));
                let place = SocketAddr::from(([127, 0, 0, 1], 15_000));
                let request = DeployRequest {
                    spec: (**spec).clone(),
                    images: std::collections::BTreeMap::new(),
                    by,
                    message: None,
                    commit: None,
                    force: false,
                    hold: held.then_some(true),
                    preview: held.then_some(place),
                    plan_only: false,
                };
                agent.deploy(&spec.name, request).await
            }
            Wish::RollBack(app) => {
                agent
                    .roll_back(
                        app,
                        RollbackRequest {
                            to: None,
                            by,
                            hold: false,
                            preview: None,
                            plan_only: false,
                        },
                    )
                    .await
            }
            Wish::Down(app) => agent.down(app, DownRequest { by, plan_only: false }).await,
        }
    }

    /// Watches a rollout to its end, over as many agents as it takes.
    async fn watch(&self, of: &RolloutRef) -> Became {
        let mut stuck = 0;
        loop {
            let Some((life, agent)) = self.host.agent().await else { return Became::Unknown };
            let id = RolloutId::Number(of.rollout);
            tokio::select! {
                biased;
                () = self.host.death_of(life) => continue,
                seen = agent.watch(&of.app, id) => drop(seen),
            }
            match self.verdict(of) {
                Stands::Ended(became) => return became,
                Stands::Nowhere => return self.never_began(&agent, of).await,
                Stands::Open => {}
            }
            if self.host.sim.lock().is_held(of) {
                tokio::select! {
                    biased;
                    () = self.host.death_of(life) => {}
                    () = self.decide(&agent, of) => {}
                }
                continue;
            }
            // Stuck, or interrupted.
            stuck += 1;
            if stuck > WAITS_MAX {
                return Became::Unknown;
            }
            sleep(Duration::from_secs(4)).await;
            self.resume(&of.app).await;
        }
    }

    /// Later somebody decides; what was asked for without a word is called off.
    async fn decide(
        &self,
        agent: &landfall_agent::simulation::SimulatedAgent<crate::host::SimGround>,
        of: &RolloutRef,
    ) {
        sleep(Duration::from_secs(7)).await;
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let id = RolloutId::Number(of.rollout);
        let Some(Held { down, promote: true }) = held else {
            drop(agent.cancel(&of.app, id));
            return;
        };
        self.host.sim.lock().stop_all(of, &down);
        let by = self.by();
        drop(agent.promote(&of.app, id, PromoteRequest { by }).await);
    }

    fn verdict(&self, of: &RolloutRef) -> Stands {
        let world = self.host.sim.lock();
        let stored = world.store.apps.get(&of.app).and_then(|app| app.rollouts.get(&of.rollout));
        match stored.map(|stored| stored.verdict()) {
            None => Stands::Nowhere,
            Some(None) => Stands::Open,
            Some(Some(Verdict::Succeeded)) => Stands::Ended(Became::Succeeded),
            Some(Some(Verdict::RolledBack { .. } | Verdict::Abandoned { .. })) => {
                Stands::Ended(Became::RolledBack)
            }
        }
    }

    async fn never_began(
        &self,
        agent: &landfall_agent::simulation::SimulatedAgent<crate::host::SimGround>,
        of: &RolloutRef,
    ) -> Became {
        let events = agent.events(&of.app, RolloutId::Number(of.rollout), 0, 1_000);
        let answer = tokio::time::timeout(Duration::from_mins(1), events).await;
        let Ok(Ok((events, _))) = answer else { return Became::Refused };
        let nothing = events.iter().any(|event| {
            matches!(&event.kind, landfall_api::EventKind::Ended { outcome, .. }
                if matches!(outcome, landfall_api::Outcome::NothingToDo))
        });
        if nothing { Became::Nothing } else { Became::Refused }
    }

    /// Watches whatever is open.
    async fn attach(&self, app: &AppName) -> Became {
        let open = {
            let world = self.host.sim.lock();
            let open = world.store.apps.get(app).and_then(|stored| stored.open());
            open.map(|open| RolloutRef { app: app.clone(), rollout: open.plan.rollout })
        };
        match open {
            Some(of) => self.watch(&of).await,
            None => Became::Unknown,
        }
    }

    async fn cancel(&self, app: &AppName) {
        if let Some((_, agent)) = self.host.agent().await {
            drop(agent.cancel(app, RolloutId::Latest));
        }
    }

    async fn resume(&self, app: &AppName) {
        let Some((life, agent)) = self.host.agent().await else { return };
        tokio::select! {
            biased;
            () = self.host.death_of(life) => {}
            _ = agent.resume(app, RolloutId::Latest) => {}
        }
    }
}
