//! The run: a deploy to its end, another one in the middle of which the power fails, a start from
//! what was left; again and again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use landfall_testing::host::{Host, Project, Running, Things};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::app::{self, REPLICAS, Wish};
use super::disk::Disks;
use super::judge::{self, Left, Loss, Of, Told, losses};
use super::listen::Listener;
use super::tally::Tally;
use super::{APP, Args};
use crate::cmd::{build_folder, read, say};
use crate::stage::free_port;
use crate::wait::{pause, until};

const PORT: u16 = 18484;
const SETTLE_BOUND: Duration = Duration::from_mins(2);
/// What a rollout removes at its end may still be on its way.
const GONE_BOUND: Duration = Duration::from_secs(20);
/// An upgrade takes about this long, until one was measured.
const UPGRADE: Duration = Duration::from_secs(2);
/// The power fails again within this time after a start.
const RECOVERY_MS: u64 = 1_000;
/// So often.
const RECOVERY_ONE_IN: u64 = 4;
const SAY_EVERY: u32 = 10;
/// Cuts of the product that does not sync.
const CONTROL_CUTS: u32 = 2;

pub(super) fn run(args: &Args, product: PathBuf, engine: String) -> Result<()> {
    let folder = build_folder()?.join("powercut").join(args.engine.name());
    drop(fs::remove_dir_all(&folder));
    let host = Host::new(product, folder.join("host"), engine)?;
    let disks = Disks::make(&folder, &host.state_dir())?;
    host.clear(APP)?;
    let port = free_port(PORT)?;
    let project = app::project(&folder.join("app"), port)?;
    let clock = std::time::UNIX_EPOCH.elapsed().map_or(1, |since| since.as_secs());
    let seed = args.seed.unwrap_or(clock);
    say(&format!("powercut: seed {seed}"));
    let mut play = Play {
        disks,
        host,
        project,
        port,
        random: seed.max(1),
        upgrade: UPGRADE,
        deploys: 0,
        events: Vec::new(),
        words: BTreeMap::new(),
        tally: Tally::default(),
    };
    let outcome = play.all(args.cuts);
    let cleared = play.host.stop().and_then(|()| play.host.clear(APP));
    outcome.and(cleared.context("clear the app away"))
}

pub(super) struct Play {
    disks: Disks,
    pub(super) host: Host,
    project: Project,
    port: u16,
    random: u64,
    /// How long the last upgrade took.
    upgrade: Duration,
    deploys: u32,
    /// Every event that any client printed.
    pub(super) events: Vec<Value>,
    /// What each release answers.
    words: BTreeMap<u64, String>,
    tally: Tally,
}

/// A deploy under way, and who listens to the edge meanwhile.
pub(super) struct UnderWay {
    running: Running,
    listener: Listener,
    word: String,
}

impl Play {
    fn all(&mut self, cuts: u32) -> Result<()> {
        let began = Instant::now();
        if let Err(error) = self.cuts(cuts) {
            self.tally.tell_losses();
            return Err(error);
        }
        let (deploys, took) = (self.deploys, began.elapsed());
        let control = self.control(CONTROL_CUTS).context("the control")?;
        self.tally.report(deploys, took, &control)
    }

    fn cuts(&mut self, cuts: u32) -> Result<()> {
        self.host.start()?;
        // So that there is something to roll back to.
        self.deploy_whole()?;
        let mut said = 0;
        while self.tally.cuts < cuts {
            self.deploy_whole()?;
            let wish = match self.below(5) {
                0 => Wish::Broken,
                1 => Wish::RollBack,
                _ => Wish::Upgrade,
            };
            let under_way = self.begin(wish)?;
            self.let_pass(wish);
            self.cut(under_way).with_context(|| format!("the cut of {wish:?}"))?;
            if self.tally.cuts < cuts && self.below(RECOVERY_ONE_IN) == 0 {
                self.cut_recovery().context("the cut of a recovery")?;
            }
            let cut = self.tally.cuts;
            self.settled().with_context(|| format!("after cut {cut}, of {wish:?}"))?;
            if cut >= said + SAY_EVERY {
                said = cut;
                say(&format!("{cut}/{cuts}: {} losses", self.tally.losses.len()));
            }
        }
        self.deploy_whole()
    }

    /// xorshift: moments need no better one.
    fn below(&mut self, limit: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % limit
    }

    pub(super) fn begin(&mut self, wish: Wish) -> Result<UnderWay> {
        self.deploys += 1;
        let word = format!("w{}", self.deploys);
        let listener = Listener::start(self.host.edge_socket());
        let running = app::ask_for(&self.host, &self.project, wish, &word)?;
        Ok(UnderWay { running, listener, word })
    }

    /// A random moment of what is under way, or shortly after its end.
    pub(super) fn let_pass(&mut self, wish: Wish) {
        let span = wish.span(self.upgrade).as_millis() * 11 / 10;
        let moment = self.below(u64::try_from(span).unwrap_or(u64::MAX).max(1));
        pause(Duration::from_millis(moment));
    }

    /// A deploy that nothing disturbs works, and serves.
    pub(super) fn deploy_whole(&mut self) -> Result<()> {
        let UnderWay { running, word, .. } = self.begin(Wish::Upgrade)?;
        let deploy = running.wait()?;
        if deploy.exit_code != 0 {
            bail!("a deploy that nothing disturbed did not work:\n{deploy}");
        }
        self.upgrade = Duration::from_secs_f64(deploy.seconds);
        self.saw(deploy.events, &word);
        let serving = self.settled()?;
        if self.words.get(&serving) != Some(&word) {
            bail!("r{serving} serves after the deploy of {word}");
        }
        Ok(())
    }

    fn saw(&mut self, events: Vec<Value>, word: &str) {
        for event in &events {
            if let Some(release) = event["plan"]["release"].as_u64() {
                // A roll back plans a release that has its word already.
                self.words.entry(release).or_insert_with(|| word.to_owned());
            }
        }
        self.events.extend(events);
    }

    fn signal(&mut self, signal: Signal) -> Result<()> {
        for pid in [self.host.agent_pid(), self.host.edge_pid()] {
            let pid = pid.and_then(|pid| Pid::from_raw(pid.cast_signed()));
            kill_process(pid.context("agent or edge has ended by itself")?, signal)?;
        }
        Ok(())
    }

    /// The power fails: nobody says anything any more, the disks are what they are, and all of it
    /// starts again.
    fn cut(&mut self, under_way: UnderWay) -> Result<()> {
        let UnderWay { running, listener, word } = under_way;
        self.signal(Signal::STOP)?;
        self.disks.cut()?;
        let table = listener.table();
        let events = running.kill()?.events;
        let at = judge::under_way(&events);
        self.saw(events, &word);
        self.start_again(listener, table, at)
    }

    /// The same while recovery from an earlier cut goes on.
    fn cut_recovery(&mut self) -> Result<()> {
        let listener = Listener::start(self.host.edge_socket());
        let moment = self.below(RECOVERY_MS);
        pause(Duration::from_millis(moment));
        self.signal(Signal::STOP)?;
        self.disks.cut()?;
        let table = listener.table();
        self.start_again(listener, table, "recovery".to_owned())
    }

    /// Ends what was stopped, judges what the cut left, and starts from it.
    fn start_again(&mut self, listener: Listener, table: Value, at: String) -> Result<()> {
        self.host.kill_agent()?;
        self.host.kill_edge()?;
        drop(listener);
        let lost = self.judge(table)?;
        self.tally.count(at, judge::acknowledged(&self.events), &lost);
        self.disks.start_again()?;
        Ok(self.host.start()?)
    }

    /// As a cut, but those who were stopped go on.
    pub(super) fn cut_and_go_on(&mut self, under_way: UnderWay) -> Result<(Vec<Loss>, Running)> {
        let UnderWay { running, listener, word } = under_way;
        self.signal(Signal::STOP)?;
        self.disks.cut()?;
        let (table, told) = (listener.table(), running.events());
        self.signal(Signal::CONT)?;
        let before = self.events.len();
        self.saw(told, &word);
        let lost = self.judge(table);
        // They will be seen again, with the others, at the end of the deploy.
        self.events.truncate(before);
        Ok((lost?, running))
    }

    fn judge(&self, table: Value) -> Result<Vec<Loss>> {
        let told = Told { events: self.events.clone(), table };
        let inspected = self.disks.look(|state| {
            let mut command = self.host.landfall();
            read(command.args(["--format", "json", "agent", "inspect"]).arg(state))
        })?;
        match inspected {
            Ok(text) => Ok(losses(&told, &Left::new(&serde_json::from_str(&text)?))),
            Err(error) => Ok(vec![Loss { of: Of::Agent, what: format!("unreadable: {error:#}") }]),
        }
    }

    /// Waits until nothing is on its way. Then exactly one whole release must serve, and none that
    /// is older than what was told to serve. Returns which.
    pub(super) fn settled(&mut self) -> Result<u64> {
        let status = self.host.wait_settled(APP, SETTLE_BOUND)?;
        if !status["open"].is_null() {
            bail!("a rollout is stuck: {}", status["open"]);
        }
        let number = |field: &str| {
            let number = status["serving"][field].as_u64();
            number.with_context(|| format!("nothing serves: {status}"))
        };
        let (release, rollout) = (number("release")?, number("rollout")?);
        let told = judge::cut_over(&self.events.iter().collect::<Vec<_>>());
        if told > Some(rollout) {
            bail!("d{rollout} serves, but {told:?} was cut over");
        }
        // A release that nobody was told of before is the one that was asked for last: its deploy was
        // cut before its plan was told.
        self.words.entry(release).or_insert_with(|| format!("w{}", self.deploys));
        let mut seen = String::new();
        let whole = until(GONE_BOUND, || {
            let found = self.whole(release, rollout);
            seen = found.as_ref().map_or_else(|error| format!("{error:#}"), String::clone);
            (found.is_ok() && seen.is_empty()).then_some(())
        });
        whole.with_context(|| format!("r{release} of d{rollout} should serve alone: {seen}"))?;
        Ok(release)
    }

    /// What keeps it from being true that this release is whole, serves, and is alone; empty if so.
    fn whole(&self, release: u64, rollout: u64) -> Result<String> {
        let answers = app::answers(self.port)?;
        let expected = &self.words[&release];
        if answers.len() != 1 || !answers.contains(expected) {
            return Ok(format!("it answers {answers:?}, expected was {expected:?}"));
        }
        let things: Things = self.host.things(APP)?.of_scope("release");
        let rollouts: BTreeSet<&str> = things.iter().map(|one| one.rollout.as_str()).collect();
        let web = things.containers.iter().filter(|one| one.service == "web").count();
        let alone = rollouts.iter().all(|one| one.parse().ok() == Some(rollout));
        Ok(if alone && web == REPLICAS { String::new() } else { things.to_string() })
    }
}
