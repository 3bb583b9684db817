//! The random run: rollouts in a row under load, with random faults in them, for as long as one
//! likes. What it did follows from its seed; what came of it, from the machine as well.

mod plan;
mod strikes;
mod tally;

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

use self::plan::{Dice, Hit, Plan, Wanted};
use self::tally::Tally;
use super::app::{App, Wish};
use super::cell::{Runner, SETTLE_BOUND, Scenario, finish};
use super::fault::{self, Fault};
use super::judge::{Before, Target, Verdict, judge, judge_but_ended, serving};
use super::matrix::{Keep, Say};
use super::revive::Watch;
use super::site::{Setup, Site};
use super::units::Role;
use crate::host::{Running, rss_kib};
use crate::load::{Load, LoadConfig};

const TELL_EVERY: Duration = Duration::from_mins(1);

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
    // Each fault of a round may be the end of an edge, and a request may meet every one of them.
    let load = LoadConfig { repeats_max: plan::HITS_MAX, ..App::load() };
    let load = Load::start(load, "random")?;
    let mut run = Random::new(runner, options.seed);
    let end = Instant::now() + Duration::from_secs(options.minutes * 60);
    let mut next_tell = Instant::now() + TELL_EVERY;
    while Instant::now() < end {
        if let Err(error) = run.round(say) {
            // What was counted so far is told all the same.
            say(&format!("NOT HELD: the run cannot go on: {error}"));
            run.tally.broken.push(format!("the run cannot go on: {error}"));
            break;
        }
        if Instant::now() >= next_tell {
            next_tell += TELL_EVERY;
            say(&run.tally.progress(&load));
        }
    }
    say("asking for every acknowledged write");
    run.tally.kept = run.runner.site.kept_networks(0)?.len();
    let text = run.tally.report(&engine, options, &load.stop_blocking());
    say(&text);
    keep("random run", &text)?;
    Ok(run.tally.broken.is_empty())
}

struct Random {
    runner: Runner,
    dice: Dice,
    tally: Tally,
    /// Words of the releases that served, newest last, with their numbers.
    served: Vec<(u64, Wish)>,
    attempts: BTreeMap<String, u64>,
}

impl Random {
    fn new(runner: Runner, seed: u64) -> Self {
        let (served, attempts) = (Vec::new(), BTreeMap::new());
        Self { runner, dice: Dice(seed), tally: Tally::new(), served, attempts }
    }

    fn round(&mut self, say: Say<'_>) -> io::Result<()> {
        let plan = self.dice.plan(self.served.len() > 1);
        let before = self.runner.before()?;
        let (began, mut engine) = (Instant::now(), Watch::begin(&self.runner.site)?);
        let (wish, client) = self.ask(plan.wanted)?;
        let attempts = self.attempts.entry(wish.word.clone()).or_default();
        *attempts += 1;
        let target = Target { word: wish.word.clone(), runs_max: *attempts };
        let mut client = Some(client);
        let struck = self.strike_all(&plan, &mut client);
        let deploy = client.map(|client| finish(client, None)).transpose();
        fault::mend(&self.runner.site)?;
        let lost = self.tally.engine_lost.len();
        let revived = self.revive(&mut engine, began);
        let settled = self.runner.site.host.wait_settled(App::NAME, SETTLE_BOUND);
        let revived = revived.and_then(|()| self.revive(&mut engine, began));
        let was_lost = self.tally.engine_lost.len() > lost;
        let righted = self.put_right(&plan, began);
        let mut broken: Vec<String> = [struck.err(), revived.err(), settled.err(), righted.err()]
            .into_iter()
            .flatten()
            .map(|e| e.to_string())
            .collect();
        let judged = match judge(&self.runner.site, &before, &target, &self.runner.shape) {
            Ok(verdict) => self.served(&before, &wish, verdict).map_err(|e| vec![e.to_string()]),
            Err(_) if was_lost => self.sweep(&before, &wish, &target),
            Err(wrong) => Err(wrong),
        };
        if let Err(wrong) = judged {
            broken.extend(wrong);
            broken.extend(self.take_up(&before, &wish).err().map(|error| error.to_string()));
        }
        let ordinary = plan.hits.is_empty() && plan.wanted == Wanted::Deploy;
        match deploy {
            Ok(Some(deploy)) if ordinary && deploy.exit_code != 0 => {
                broken.push(format!("an ordinary deploy did not succeed: {deploy}"));
            }
            Ok(_) => {}
            Err(error) => broken.push(error.to_string()),
        }
        let place = format!("{:?} of {} with {:?}", plan.wanted, wish.word, plan.hits);
        for what in broken {
            say(&format!("NOT HELD: {place}: {what}"));
            self.tally.broken.push(format!("{place}: {what}"));
        }
        Ok(())
    }

    /// What ended and the engine did not know comes back with it. Nothing else may be wrong, and the next
    /// deploy removes it.
    fn sweep(&mut self, before: &Before, wish: &Wish, target: &Target) -> Result<(), Vec<String>> {
        let (site, shape) = (&self.runner.site, &self.runner.shape);
        let verdict = judge_but_ended(site, before, target, shape)?;
        self.served(before, wish, verdict).map_err(|error| vec![error.to_string()])?;
        self.runner.ordinary()?;
        self.tally.swept += 1;
        Ok(())
    }

    /// The next round is judged by what serves, so that one fault is told once.
    fn take_up(&mut self, before: &Before, wish: &Wish) -> io::Result<()> {
        let has_changed = serving(&self.runner.site.status()?) != before.rollout;
        let verdict = if has_changed { Verdict::Succeeded } else { Verdict::Undone };
        self.served(before, wish, verdict)
    }

    /// Brings back what a hand took (the cutover may have come first: then it was of what serves), and
    /// what an engine left half done, which starts again then.
    fn put_right(&mut self, plan: &Plan, since: Instant) -> io::Result<()> {
        let any = |is: fn(Fault) -> bool| {
            plan.hits.iter().any(|(_, hit)| matches!(hit, Hit::Fault(fault) if is(*fault)))
        };
        if any(Fault::is_looked_after) && self.runner.put_right()? {
            self.tally.repaired += 1;
            if !any(Fault::is_of_a_hand) {
                self.tally.engine_lost.push((since, Instant::now()));
            }
        }
        Ok(())
    }

    /// An operator's restart of an engine that has lost its way, and the repair that it needs.
    fn revive(&mut self, engine: &mut Watch, since: Instant) -> io::Result<()> {
        if engine.revive(&self.runner.site)? {
            self.runner.site.host.wait_settled(App::NAME, SETTLE_BOUND)?;
            self.runner.put_right()?;
            self.tally.engine_lost.push((since, Instant::now()));
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
                *self.tally.wishes.entry("rollbacks").or_default() += 1;
                let (release, wish) = self.served[self.served.len() - 2].clone();
                let project = self.runner.site.app.project(&wish)?;
                let words = ["rollback", &format!("r{release}")];
                return Ok((wish, self.runner.site.host.spawn_verb(&project, &words, &[])?));
            }
        };
        *self.tally.wishes.entry(name).or_default() += 1;
        let wish = self.runner.wish(scenario);
        let client = self.runner.begin(&wish)?;
        Ok((wish, client))
    }

    /// Notes which release serves.
    fn served(&mut self, before: &Before, wish: &Wish, verdict: Verdict) -> io::Result<()> {
        let name = match verdict {
            Verdict::Succeeded => "succeeded",
            Verdict::Undone => "undone or refused",
        };
        *self.tally.verdicts.entry(name).or_default() += 1;
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
        let (agent, edge) = &mut self.tally.memory_kib;
        *agent = (*agent).max(rss(Role::Agent).unwrap_or_default());
        *edge = (*edge).max(rss(Role::Edge).unwrap_or_default());
        Ok(())
    }
}
