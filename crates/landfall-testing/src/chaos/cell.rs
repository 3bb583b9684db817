//! One cell: load, a deploy, a fault in it, the judgement, and an ordinary deploy after it.

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::app::{App, Wish};
use super::fault::{self, Fault};
use super::judge::{Before, Target, Verdict, WELL_BOUND, judge, serving};
use super::outcome::Outcome;
use super::site::Site;
use super::units::Role;
use crate::host::{Deploy, Running, until};
use crate::load::Load;

/// As many as are kept, and one more.
const DEPLOYS_AT_FIRST: u32 = 3;
/// A strike that has not come after this will not come.
const STRIKE_BOUND: Duration = Duration::from_mins(2);
/// A deploy's client has this long, with all faults.
const CLIENT_BOUND: Duration = Duration::from_secs(90);
/// A rollout has this long to settle: the app's own deadline of 2 min, which a one-off needs whose end
/// a killed containerd has swallowed, and the undo after it.
pub(super) const SETTLE_BOUND: Duration = Duration::from_mins(4);

/// Which deploy is struck.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Scenario {
    /// An upgrade that succeeds.
    Upgrade,
    /// One whose singleton is broken: all is undone just before the cutover.
    Broken,
    /// An upgrade that replaces the stateful service in place, too.
    Replace,
}

/// Where a fault strikes: at a record of the journal; before the first one without a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct At {
    pub(super) seq: Option<u64>,
    pub(super) before: bool,
}

/// Runs cells one after the other; knows what serves.
pub(super) struct Runner {
    pub(super) site: Site,
    pub(super) shape: BTreeMap<String, usize>,
    pub(super) acknowledged: u64,
    number: u32,
    store: u32,
    pub(super) word: String,
    live: bool,
}

impl Runner {
    /// Deploys the app until as many releases are kept as ever will be.
    pub(super) fn new(site: Site) -> io::Result<Self> {
        let (shape, word) = (BTreeMap::new(), String::new());
        let mut runner =
            Self { site, shape, acknowledged: 0, number: 0, store: 1, word, live: true };
        for _ in 0..DEPLOYS_AT_FIRST {
            let wish = runner.wish(Scenario::Upgrade);
            let deploy = runner.begin(&wish)?.wait()?;
            if deploy.exit_code != 0 {
                return Err(io::Error::other(format!("the first deploys must succeed:\n{deploy}")));
            }
            runner.word = wish.word;
        }
        runner.shape = runner.site.world()?.shape();
        Ok(runner)
    }

    /// The next wish.
    pub(super) fn wish(&mut self, scenario: Scenario) -> Wish {
        self.number += 1;
        let store = self.store + u32::from(scenario == Scenario::Replace);
        App::wish(self.number, store, scenario == Scenario::Broken)
    }

    /// Begins a deploy.
    pub(super) fn begin(&self, wish: &Wish) -> io::Result<Running> {
        self.site.host.spawn_deploy(&self.site.app.project(wish)?, &[])
    }

    /// Begins a deploy, and comes back when the agent stands still before or after that record of it.
    pub(super) fn begin_to_stand(&self, wish: &Wish, at: (u64, &str)) -> io::Result<Running> {
        let site = &self.site;
        site.arm(at.0, at.1, "stop")?;
        let client = self.begin(wish)?;
        let agent = site.units.pid(Role::Agent);
        let stands = || agent.is_some_and(fault::is_stopped).then_some(());
        if until(STRIKE_BOUND, stands).is_none() {
            // Whoever comes to that record later must not stand still there for ever.
            site.disarm()?;
            return Err(io::Error::other(format!("not there within {STRIKE_BOUND:?}")));
        }
        Ok(client)
    }

    /// What is true now.
    pub(super) fn before(&self) -> io::Result<Before> {
        let rollout = serving(&self.site.status()?);
        let foreign = self.site.world()?.foreign();
        Ok(Before { rollout, word: self.word.clone(), foreign })
    }

    /// Notes what serves.
    pub(super) fn serves(&mut self, wish: &Wish, verdict: Verdict) {
        if verdict == Verdict::Succeeded {
            self.word.clone_from(&wish.word);
            self.store = wish.store;
        }
    }

    /// Sets live-restore, if it is not so already.
    pub(super) fn live_restore(&mut self, on: bool) -> io::Result<()> {
        if self.live != on {
            self.site.engine.set_live_restore(&self.site.units, on)?;
            self.live = on;
        }
        Ok(())
    }

    /// One cell.
    pub(super) fn run(&mut self, scenario: Scenario, fault: Fault, at: At) -> io::Result<Outcome> {
        self.live_restore(fault.live_restore())?;
        self.under_load(|runner, outcome| runner.faulted(scenario, fault, at, outcome))
    }

    /// Does something under load, mends what lasts, and deploys once more.
    pub(super) fn under_load(
        &mut self,
        what: impl FnOnce(&mut Self, &mut Outcome) -> io::Result<()>,
    ) -> io::Result<Outcome> {
        let load = Load::start(App::load(), "cell")?;
        let mut outcome = Outcome::default();
        let ran = what(self, &mut outcome);
        if let Err(error) = ran {
            outcome.broken.push(error.to_string());
        }
        fault::mend(&self.site)?;
        if let Err(broken) = self.ordinary() {
            outcome.broken.extend(broken.into_iter().map(|b| format!("the next deploy: {b}")));
        }
        outcome.count(&load.stop_blocking());
        self.acknowledged += outcome.acknowledged;
        Ok(outcome)
    }

    fn faulted(
        &mut self,
        scenario: Scenario,
        fault: Fault,
        at: At,
        outcome: &mut Outcome,
    ) -> io::Result<()> {
        let (before, wish) = (self.before()?, self.wish(scenario));
        let is_kill = matches!(fault, Fault::AgentKilled { .. });
        let lives = self.site.units.lives(Role::Agent);
        let full = |fault| matches!(fault, Fault::DiskFull { .. });
        if let Some(seq) = at.seq {
            let moment = if at.before { "before" } else { "after" };
            self.site.arm(seq, moment, if is_kill { "kill" } else { "stop" })?;
        } else if let Fault::DiskFull { which, leave_kib } = fault {
            fault::fill(&self.site, which, leave_kib)?;
        }
        let mut began = Instant::now();
        let mut client = Some(self.begin(&wish)?);
        if at.seq.is_some() {
            let pid = self.site.units.pid(Role::Agent);
            let struck = until(STRIKE_BOUND, || {
                let there = !self.site.is_armed()
                    && if is_kill {
                        self.site.units.lives(Role::Agent) > lives
                    } else {
                        pid.is_some_and(fault::is_stopped)
                    };
                there.then_some(())
            });
            began = Instant::now();
            if struck.is_none() {
                // Whoever comes to that record later must not stand still there for ever.
                self.site.disarm()?;
                self.site.units.signal(Role::Agent, Signal::CONT);
                outcome.broken.push(format!("not there within {STRIKE_BOUND:?}"));
            }
            outcome.struck = struck.is_some() && fault::strike(&self.site, fault, &mut client)?;
        } else {
            outcome.struck = true;
        }
        let deploy = client.map(|client| finish(client, full(fault).then_some(&self.site)));
        if full(fault) {
            fault::mend(&self.site)?;
        }
        self.site.host.wait_settled(App::NAME, SETTLE_BOUND)?;
        if fault.is_looked_after() {
            outcome.repaired = self.put_right()?;
        }
        self.settle(&before, &wish, outcome);
        outcome.seconds = began.elapsed().as_secs_f64();
        if let Some(Ok(deploy)) = deploy {
            outcome.compare(&deploy);
        }
        Ok(())
    }

    /// An operator looks what differs, and puts it right. Whether there was something.
    pub(super) fn put_right(&self) -> io::Result<bool> {
        let (_, drift) = self.site.operator("drift")?;
        if drift["findings"].as_array().is_none_or(Vec::is_empty) {
            return Ok(false);
        }
        // What the last fault ended may still be starting.
        let mut last = String::new();
        let is_right = until(WELL_BOUND, || match self.site.operator("repair") {
            Ok((Some(0), _)) => Some(true),
            Ok((_, repaired)) => {
                last = format!("after `repair` something differs: {repaired}");
                None
            }
            Err(error) => {
                last = error.to_string();
                None
            }
        });
        is_right.ok_or_else(|| io::Error::other(last))
    }

    pub(super) fn settle(&mut self, before: &Before, wish: &Wish, outcome: &mut Outcome) {
        match judge(&self.site, before, &Target::new(wish), &self.shape) {
            Ok(verdict) => {
                outcome.verdict = Some(verdict);
                self.serves(wish, verdict);
            }
            Err(wrong) => outcome.broken.extend(wrong),
        }
    }

    /// An ordinary deploy: it must succeed and leave nothing over.
    pub(super) fn ordinary(&mut self) -> Result<(), Vec<String>> {
        let told = |error: io::Error| vec![error.to_string()];
        let before = self.before().map_err(told)?;
        let wish = self.wish(Scenario::Upgrade);
        let client = self.begin(&wish).map_err(told)?;
        let deploy = finish(client, None).map_err(told)?;
        if deploy.exit_code != 0 {
            return Err(vec![deploy.to_string()]);
        }
        let verdict = judge(&self.site, &before, &Target::new(&wish), &self.shape)?;
        self.serves(&wish, verdict);
        Ok(())
    }
}

/// Waits for a client; a full disk gets its room back after a while, whatever the deploy does.
pub(super) fn finish(client: Running, full: Option<&Site>) -> io::Result<Deploy> {
    if let Some(site) = full {
        let ends = |event: &serde_json::Value| event["event"] == "ended";
        client.wait_for(fault::FULL_FOR, ends);
        fault::mend(site)?;
    }
    let pid = client.pid();
    let gone = until(CLIENT_BOUND, || (!is_alive(pid)).then_some(()));
    if gone.is_none() {
        return client.kill();
    }
    client.wait()
}

/// Runs and is no zombie.
fn is_alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}
