//! The random run: rollouts in a row under load, with random faults in them, for as long as one
//! likes. What it did follows from its seed; what came of it, from the machine as well.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::app::{App, Wish};
use super::cell::{Runner, SETTLE_BOUND, Scenario, finish};
use super::fault::{self, Fault, Which};
use super::judge::{Before, Target, Verdict, judge, serving};
use super::matrix::{Keep, Say};
use super::revive::Watch;
use super::site::{Setup, Site};
use super::units::Role;
use crate::host::{Running, pass, rss_kib};
use crate::load::{Failure, Load};

const TELL_EVERY: Duration = Duration::from_mins(1);
/// Its containers come back up to this much later.
const AFTERWARDS: Duration = Duration::from_secs(5);
/// A request sent again this close to the edge's absence is put down to it.
const NEAR: Duration = Duration::from_millis(300);

/// How long, and from which seed.
#[derive(Clone, Copy, Debug)]
pub struct RandomOptions {
    /// Minutes.
    pub minutes: u64,
    /// What to do follows from it.
    pub seed: u64,
}

/// Runs it and keeps its report. Returns whether all of it held.
pub fn random(
    setup: &Setup,
    options: RandomOptions,
    say: Say<'_>,
    keep: Keep<'_>,
) -> io::Result<bool> {
    let runner = Runner::new(Site::start(setup)?)?;
    let engine = runner.site.engine.describe()?;
    say(&format!("the app serves on {engine}; seed {}", options.seed));
    let load = Load::start(App::load(), "random")?;
    let mut run = Random::new(runner, options.seed);
    let end = Instant::now() + Duration::from_secs(options.minutes * 60);
    let mut next_tell = Instant::now() + TELL_EVERY;
    while Instant::now() < end {
        run.round(say)?;
        if Instant::now() >= next_tell {
            next_tell += TELL_EVERY;
            say(&run.progress(&load));
        }
    }
    say("asking for every acknowledged write");
    let began = run.began;
    let report = load.stop_blocking();
    let overlaps = |began_ms: f64, ended_ms: f64| {
        let at = |ms: f64| began + Duration::from_secs_f64(ms / 1000.0);
        let (first, last) = (at(began_ms), at(ended_ms));
        run.edge_away.iter().any(|(from, to)| last + NEAR >= *from && first <= *to + NEAR)
    };
    let is_excused = |failure: &Failure| {
        let at = began + Duration::from_secs_f64(failure.at_ms / 1000.0);
        run.engine_lost.iter().any(|(from, to)| (*from..=*to + AFTERWARDS).contains(&at))
    };
    let excused = report.failures.iter().filter(|failure| is_excused(failure)).count() as u64;
    let failed = report.total.failed + report.total.skipped - excused;
    let unexcused = report.failures.iter().filter(|failure| !is_excused(failure)).take(20);
    let unexcused: Vec<_> =
        unexcused.map(|failure| format!("a request failed: {failure}")).collect();
    run.broken.extend(unexcused);
    // A request that went out again was under way when the edge was killed, and only then.
    let retried = report.retried_ms.iter();
    let unexplained = retried.filter(|[from, to]| !overlaps(from.max(0.0), *to)).count();
    if unexplained > 0 {
        run.broken.push(format!("{unexplained} connections ended without an answer"));
    }
    let writes = &report.writes;
    let lost = writes.acknowledged - writes.found;
    if lost > 0 {
        run.broken.push(format!("{lost} acknowledged writes are missing"));
    }
    let text = run.report(
        &engine,
        options,
        report.total.sent,
        (failed, excused, report.total.retried),
        (writes.acknowledged, lost),
    );
    say(&text);
    keep("random run", &text)?;
    Ok(run.broken.is_empty())
}

/// A rollout that a person asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Wanted {
    Deploy,
    Broken,
    Replace,
    RollBack,
    Cancelled,
}

/// A fault at a moment after the rollout's begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Hit {
    AgentKilled,
    AgentStopped { for_ms: u64 },
    ClientKilled,
    EdgeKilled,
    Fault(Fault),
    DiskFreed,
}

/// A linear congruential generator: the same on every machine.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end.max(1)
    }

    fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }
}

struct Random {
    runner: Runner,
    dice: Dice,
    began: Instant,
    wishes: BTreeMap<&'static str, u64>,
    verdicts: BTreeMap<&'static str, u64>,
    hits: BTreeMap<String, u64>,
    /// Words of the releases that served, newest last, with their numbers.
    served: Vec<(u64, Wish)>,
    attempts: BTreeMap<String, u64>,
    edge_away: Vec<(Instant, Instant)>,
    /// How often what a hand took was of what serves.
    repaired: u64,
    /// When the engine had lost its way, until an operator had restarted it.
    engine_lost: Vec<(Instant, Instant)>,
    memory_kib: (u64, u64),
    broken: Vec<String>,
}

impl Random {
    fn new(runner: Runner, seed: u64) -> Self {
        Self {
            runner,
            dice: Dice(seed),
            began: Instant::now(),
            wishes: BTreeMap::new(),
            verdicts: BTreeMap::new(),
            hits: BTreeMap::new(),
            served: Vec::new(),
            attempts: BTreeMap::new(),
            edge_away: Vec::new(),
            repaired: 0,
            engine_lost: Vec::new(),
            memory_kib: (0, 0),
            broken: Vec::new(),
        }
    }

    fn wanted(&mut self) -> Wanted {
        match self.dice.below(100) {
            0..14 => Wanted::Broken,
            14..22 => Wanted::Replace,
            22..35 => Wanted::Cancelled,
            35..48 if self.served.len() > 1 => Wanted::RollBack,
            _ => Wanted::Deploy,
        }
    }

    /// Faults and their moments, in order. A disk that fills is freed later.
    fn hits(&mut self) -> Vec<(u64, Hit)> {
        let mut hits = Vec::new();
        let count = [0, 1, 1, 2, 2, 3][usize::try_from(self.dice.below(6)).unwrap_or(0)];
        for _ in 0..count {
            let at_ms = self.dice.below(4_000);
            let hit = match self.dice.below(100) {
                0..38 => Hit::AgentKilled,
                38..52 => Hit::AgentStopped { for_ms: 200 + self.dice.below(2_000) },
                52..64 => Hit::ClientKilled,
                64..70 => Hit::EdgeKilled,
                70..80 => {
                    let kill = self.dice.percent(50);
                    Hit::Fault(Fault::EngineEnds { kill, live: true })
                }
                80..85 => Hit::Fault(Fault::ContainerdKilled),
                85..91 => Hit::Fault(Fault::CandidateRemoved),
                _ => {
                    let disks = [Which::Engine, Which::Agent, Which::Edge];
                    let which = disks[usize::try_from(self.dice.below(3)).unwrap_or(0)];
                    hits.push((at_ms + 500 + self.dice.below(3_000), Hit::DiskFreed));
                    let leave_kib =
                        [0, 4, 64, 1024][usize::try_from(self.dice.below(4)).unwrap_or(0)];
                    Hit::Fault(Fault::DiskFull { which, leave_kib })
                }
            };
            hits.push((at_ms, hit));
        }
        hits.sort_unstable();
        hits
    }

    fn round(&mut self, say: Say<'_>) -> io::Result<()> {
        let (wanted, hits) = (self.wanted(), self.hits());
        let before = self.runner.before()?;
        let (began, mut engine) = (Instant::now(), Watch::begin(&self.runner.site)?);
        let (wish, client) = self.ask(wanted)?;
        let attempts = self.attempts.entry(wish.word.clone()).or_default();
        *attempts += 1;
        let target = Target { word: wish.word.clone(), runs_max: *attempts };
        let cancel_at = (wanted == Wanted::Cancelled).then(|| self.dice.below(3_000));
        let ordinary = hits.is_empty();
        let mut client = Some(client);
        let struck = self.strike_all(&hits, cancel_at, &mut client);
        let deploy = client.map(|client| finish(client, None)).transpose();
        fault::mend(&self.runner.site)?;
        let revived = self.revive(&mut engine, began);
        let settled = self.runner.site.host.wait_settled(App::NAME, SETTLE_BOUND);
        let revived = revived.and_then(|()| self.revive(&mut engine, began));
        let place = format!("{wanted:?} of {} with {hits:?}", wish.word);
        // The cutover may have come first: then it was a part of what serves.
        let of_a_hand = |hit: &Hit| matches!(hit, Hit::Fault(fault) if fault.is_of_a_hand());
        let righted = if hits.iter().any(|(_, hit)| of_a_hand(hit)) {
            self.runner.put_right().map(|was_needed| {
                self.repaired += u64::from(was_needed);
            })
        } else {
            Ok(())
        };
        let mut broken: Vec<String> = [struck.err(), revived.err(), settled.err(), righted.err()]
            .into_iter()
            .flatten()
            .map(|e| e.to_string())
            .collect();
        match judge(&self.runner.site, &before, &target, &self.runner.shape) {
            Ok(verdict) => self.served(&before, &wish, verdict)?,
            Err(wrong) => broken.extend(wrong),
        }
        match deploy {
            Ok(Some(deploy)) if ordinary && wanted == Wanted::Deploy && deploy.exit_code != 0 => {
                broken.push(format!("an ordinary deploy did not succeed: {deploy}"));
            }
            Ok(_) => {}
            Err(error) => broken.push(error.to_string()),
        }
        for what in broken {
            say(&format!("NOT HELD: {place}: {what}"));
            self.broken.push(format!("{place}: {what}"));
        }
        Ok(())
    }

    /// An operator's restart of an engine that has lost its way.
    fn revive(&mut self, engine: &mut Watch, since: Instant) -> io::Result<()> {
        if engine.revive(&self.runner.site)? {
            self.engine_lost.push((since, Instant::now()));
        }
        Ok(())
    }

    /// Begins what is wanted.
    fn ask(&mut self, wanted: Wanted) -> io::Result<(Wish, Running)> {
        let (name, scenario) = match wanted {
            Wanted::Deploy => ("deploys", Scenario::Upgrade),
            Wanted::Broken => ("deploys of a broken release", Scenario::Broken),
            Wanted::Replace => ("deploys that replace redis", Scenario::Replace),
            Wanted::Cancelled => ("cancelled deploys", Scenario::Upgrade),
            Wanted::RollBack => {
                *self.wishes.entry("rollbacks").or_default() += 1;
                let (release, wish) = self.served[self.served.len() - 2].clone();
                let project = self.runner.site.app.project(&wish)?;
                let words = ["rollback", &format!("r{release}")];
                return Ok((wish, self.runner.site.host.spawn_verb(&project, &words, &[])?));
            }
        };
        *self.wishes.entry(name).or_default() += 1;
        let wish = self.runner.wish(scenario);
        let client = self.runner.begin(&wish)?;
        Ok((wish, client))
    }

    fn strike_all(
        &mut self,
        hits: &[(u64, Hit)],
        mut cancel_at: Option<u64>,
        client: &mut Option<Running>,
    ) -> io::Result<()> {
        let began = Instant::now();
        let wait = |at_ms| {
            pass((began + Duration::from_millis(at_ms)).saturating_duration_since(Instant::now()));
        };
        for (at_ms, hit) in hits {
            if let Some(cancel_at_ms) = cancel_at.take_if(|cancel_at_ms| *cancel_at_ms <= *at_ms) {
                wait(cancel_at_ms);
                self.cancel()?;
            }
            wait(*at_ms);
            self.strike(*hit, client)?;
        }
        if let Some(cancel_at_ms) = cancel_at {
            wait(cancel_at_ms);
            self.cancel()?;
        }
        Ok(())
    }

    /// Calls off what is open; there may be nothing any more.
    fn cancel(&self) -> io::Result<()> {
        let mut command = self.runner.site.host.landfall();
        command.args(["cancel", "-p", App::NAME]).stdout(std::process::Stdio::null());
        command.stderr(std::process::Stdio::null()).status().map(drop)
    }

    fn strike(&mut self, hit: Hit, client: &mut Option<Running>) -> io::Result<()> {
        let site = &self.runner.site;
        let (name, there) = match hit {
            Hit::AgentKilled => {
                ("agent killed".to_owned(), site.units.signal(Role::Agent, Signal::KILL))
            }
            Hit::AgentStopped { for_ms } => {
                let there = site.units.signal(Role::Agent, Signal::STOP);
                pass(Duration::from_millis(for_ms));
                site.units.signal(Role::Agent, Signal::CONT);
                ("agent stopped and continued".to_owned(), there)
            }
            Hit::ClientKilled => {
                ("client killed".to_owned(), fault::strike(site, Fault::ClientKilled, client)?)
            }
            Hit::EdgeKilled => {
                let from = Instant::now();
                let there = site.units.signal(Role::Edge, Signal::KILL);
                site.wait_edge()?;
                self.edge_away.push((from, Instant::now()));
                ("edge killed".to_owned(), there)
            }
            Hit::Fault(fault) => {
                let name = match fault {
                    Fault::DiskFull { which, .. } => format!("{which:?} disk full").to_lowercase(),
                    _ => fault.title(),
                };
                (name, fault::strike(site, fault, client)?)
            }
            Hit::DiskFreed => {
                for disk in [&site.disks.engine, &site.disks.agent, &site.disks.edge] {
                    disk.free()?;
                }
                return Ok(());
            }
        };
        *self.hits.entry(name).or_default() += u64::from(there);
        Ok(())
    }

    /// Notes which release serves.
    fn served(&mut self, before: &Before, wish: &Wish, verdict: Verdict) -> io::Result<()> {
        let name = match verdict {
            Verdict::Succeeded => "succeeded",
            Verdict::Undone => "undone or refused",
        };
        *self.verdicts.entry(name).or_default() += 1;
        self.runner.serves(wish, verdict);
        let status = self.runner.site.status()?;
        if serving(&status) != before.rollout {
            let release = status["serving"]["release"].as_u64().unwrap_or_default();
            self.served.retain(|(known, _)| *known != release);
            self.served.push((release, wish.clone()));
        }
        let units = &self.runner.site.units;
        let rss = |role| {
            let pid = units.pid(role)?.as_raw_nonzero().get();
            rss_kib(u32::try_from(pid).ok()?)
        };
        let (agent, edge) = &mut self.memory_kib;
        *agent = (*agent).max(rss(Role::Agent).unwrap_or_default());
        *edge = (*edge).max(rss(Role::Edge).unwrap_or_default());
        Ok(())
    }

    fn progress(&self, load: &Load) -> String {
        let phases = load.phases();
        let (sent, failed) = phases.last().map_or((0, 0), |phase| (phase.sent, phase.failed));
        let rollouts: u64 = self.wishes.values().sum();
        let faults: u64 = self.hits.values().sum();
        format!(
            "{} min: {rollouts} rollouts, {faults} faults, {sent} requests, {failed} failed, {} not held",
            self.began.elapsed().as_secs() / 60,
            self.broken.len()
        )
    }

    fn report(
        &self,
        engine: &str,
        options: RandomOptions,
        sent: u64,
        (failed, excused, retried): (u64, u64, u64),
        (acknowledged, lost): (u64, u64),
    ) -> String {
        let list = |map: Vec<(String, u64)>| {
            map.iter().map(|(name, n)| format!("{n} {name}")).collect::<Vec<_>>().join(", ")
        };
        let owned = |map: &BTreeMap<&'static str, u64>| {
            list(map.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect())
        };
        let hits = list(self.hits.iter().map(|(name, n)| (name.clone(), *n)).collect());
        let rollouts: u64 = self.wishes.values().sum();
        let mut text = format!(
            "#### Random run\n\n{} minutes from seed {} on {engine}, live-restore on.\n\n\
             - {rollouts} rollouts asked for: {}; of these {}.\n\
             - {} faults: {hits}; what a hand took was repaired {} times, an engine that had lost its \
             way was restarted {} times.\n\
             - {sent} requests, {failed} failed, {excused} more while the engine had lost its way; \
             {retried} were sent again when the edge was killed ({} times).\n\
             - {acknowledged} acknowledged writes, {lost} lost.\n\
             - Most memory after a rollout: agent {} KiB, edge {} KiB.\n\
             - Broken invariants: {}.\n",
            options.minutes,
            options.seed,
            owned(&self.wishes),
            owned(&self.verdicts),
            self.hits.values().sum::<u64>(),
            self.repaired,
            self.engine_lost.len(),
            self.edge_away.len(),
            self.memory_kib.0,
            self.memory_kib.1,
            self.broken.len()
        );
        for broken in &self.broken {
            let words: Vec<&str> = broken.split_whitespace().collect();
            let line: String = words.join(" ").chars().take(500).collect();
            let _ = writeln!(text, "\n**Not held:** {line}");
        }
        text
    }
}
