//! The run: deploys without a pause, cuts at random moments, a new life from some of them.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use landfall_testing::host::{Host, Project, Running};
use serde_json::Value;

use super::Args;
use super::app::{self, APP};
use super::control::Writer;
use super::disk::Disk;
use super::judge::{self, Told, acknowledged, losses, table};
use crate::cmd::{build_folder, cmd, print, read, say};
use crate::product::executable;
use crate::setup::{engine, images, packages};
use crate::stage::free_port;
use crate::wait::pause;

const PORT: u16 = 18484;
/// Cuts follow each other within this time.
const APART_MAX_MS: u64 = 700;
/// Every so manieth release is broken.
const BROKEN_EVERY: u32 = 5;
const SETTLE_BOUND: Duration = Duration::from_mins(2);

pub(crate) fn run(args: &Args) -> Result<()> {
    if !args.inside {
        return Err(again_inside(args)?);
    }
    packages::install_tools()?;
    let engine = engine::ensure()?;
    images::ensure(&engine)?;
    let product = match std::env::var_os("LANDFALL_BIN") {
        Some(given) => fs::canonicalize(given)?,
        None => executable(&["build", "--package", "landfall", "--bin", "landfall"])?,
    };
    let folder = build_folder()?.join("powercut");
    drop(fs::remove_dir_all(&folder));
    let disk = Disk::make(&folder)?;
    let host = Host::new(product.clone(), disk.mount.clone(), engine.host())?;
    host.clear(APP)?;
    let port = free_port(PORT)?;
    let project = app::project(&folder.join("app"), port)?;
    let seed = args.seed.unwrap_or_else(|| u64::from(std::process::id()) << 20 | 1);
    say(&format!("powercut: seed {seed}"));
    let mut play = Play {
        product,
        disk,
        host,
        project,
        port,
        random: seed.max(1),
        deploys: 0,
        running: None,
        seen: Vec::new(),
        words: BTreeMap::new(),
        tally: Tally::default(),
    };
    let outcome = play.play(args);
    let cleared = play.host.stop().and_then(|()| play.host.clear(APP));
    outcome.and(cleared.context("clear the app away"))?;
    play.disk.unmount_all()
}

/// Becomes this very command in a mount namespace of its own.
fn again_inside(args: &Args) -> Result<anyhow::Error> {
    let mut command = cmd("unshare", ["--mount", "--propagation", "private", "--"]);
    command.arg(std::env::current_exe()?).args(["powercut", "--inside"]);
    command.args(["--cuts", &args.cuts.to_string()]);
    command.args(["--restart-every", &args.restart_every.to_string()]);
    if let Some(seed) = args.seed {
        command.args(["--seed", &seed.to_string()]);
    }
    Ok(command.exec().into())
}

struct Play {
    product: PathBuf,
    disk: Disk,
    host: Host,
    project: Project,
    port: u16,
    random: u64,
    deploys: u32,
    running: Option<Running>,
    /// Events of clients that have ended.
    seen: Vec<Value>,
    /// What each release answers.
    words: BTreeMap<u64, String>,
    tally: Tally,
}

#[derive(Default)]
struct Tally {
    cuts: u32,
    in_rollout: u32,
    restarts: u32,
    records: usize,
    losses: Vec<String>,
    control_synced: u64,
    control_unsynced: u64,
    unsynced_cuts: u32,
}

impl Play {
    fn play(&mut self, args: &Args) -> Result<()> {
        let began = Instant::now();
        self.host.start()?;
        let mut writers = self.writers()?;
        for cut in 1..=args.cuts {
            self.keep_deploying()?;
            let wait = self.below(APART_MAX_MS);
            pause(Duration::from_millis(wait));
            let dies = args.restart_every > 0 && cut.is_multiple_of(args.restart_every);
            let copy = self.cut(&writers, dies)?;
            if dies {
                for writer in writers {
                    writer.stop()?;
                }
                self.live_again(&copy).with_context(|| format!("the life after cut {cut}"))?;
                writers = self.writers()?;
                say(&format!("{cut}/{}: {} losses", args.cuts, self.tally.losses.len()));
            } else {
                fs::remove_file(copy)?;
            }
        }
        for writer in writers {
            writer.stop()?;
        }
        self.give_up_client()?;
        self.host.wait_settled(APP, SETTLE_BOUND)?;
        self.report(began.elapsed())
    }

    fn writers(&self) -> Result<[Writer; 2]> {
        let dir = &self.disk.mount;
        Ok([Writer::start(dir, "synced", true)?, Writer::start(dir, "unsynced", false)?])
    }

    /// xorshift: moments need no better one.
    fn below(&mut self, limit: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % limit
    }

    /// One deploy is always under way.
    fn keep_deploying(&mut self) -> Result<()> {
        let is_over = |running: &Running| {
            let over = |event: &Value| event["event"] == "ended" || event["event"] == "stuck";
            running.events().iter().any(over)
        };
        if let Some(running) = self.running.take_if(|running| is_over(running)) {
            let deploy = running.wait()?;
            if !matches!(deploy.exit_code, 0 | 3) {
                bail!("a deploy did not end as it should:\n{deploy}");
            }
            self.saw(deploy.events);
        }
        if self.running.is_none() {
            self.deploys += 1;
            let word = format!("w{}", self.deploys);
            let broken = self.deploys.is_multiple_of(BROKEN_EVERY);
            let variables = app::variables(&word, broken);
            let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
            self.running = Some(self.host.spawn_deploy(&self.project, &variables)?);
        }
        Ok(())
    }

    fn saw(&mut self, events: Vec<Value>) {
        for event in &events {
            if let Some(release) = event["plan"]["release"].as_u64() {
                self.words.insert(release, format!("w{}", self.deploys));
            }
        }
        self.seen.extend(events);
    }

    fn give_up_client(&mut self) -> Result<()> {
        if let Some(running) = self.running.take() {
            let events = running.kill()?.events;
            self.saw(events);
        }
        Ok(())
    }

    /// What the world knows, then the cut, then the judgement of its copy.
    fn cut(&mut self, writers: &[Writer; 2], dies: bool) -> Result<PathBuf> {
        let mut events = self.seen.clone();
        events.extend(self.running.iter().flat_map(Running::events));
        let told = Told { events, table: table(&self.host)? };
        let said = [writers[0].said(), writers[1].said()];
        if dies {
            self.host.kill_agent()?;
            self.host.kill_edge()?;
        }
        let copy = self.disk.cut()?;
        let after = if dies { told.table.clone() } else { table(&self.host)? };
        let product = &self.product;
        let (found, lost) = self.disk.look(&copy, |mount| {
            let lost = [0, 1].map(|writer| writers[writer].lost(said[writer], mount));
            Ok((inspect(product, mount)?, lost))
        })?;
        let tally = &mut self.tally;
        tally.cuts += 1;
        tally.records += acknowledged(&told);
        let open =
            |rollout: &Value| rollout["next"] != "succeeded" && rollout["next"] != "rolled back";
        let rollouts = found["agent"]["rollouts"].as_array();
        tally.in_rollout += u32::from(rollouts.is_some_and(|all| all.iter().any(open)));
        // The edge may have swapped once more between its answer and its death.
        let losses = losses(&told, &after, &found)?;
        tally.losses.extend(losses.into_iter().map(|loss| format!("cut {}: {loss}", tally.cuts)));
        tally.control_synced += lost[0];
        tally.control_unsynced += lost[1];
        tally.unsynced_cuts += u32::from(lost[1] > 0);
        Ok(copy)
    }

    /// The machine starts again from a copy, and what was open ends well.
    fn live_again(&mut self, copy: &Path) -> Result<()> {
        self.give_up_client()?;
        self.disk.become_copy(copy)?;
        self.host.start()?;
        let status = self.host.wait_settled(APP, SETTLE_BOUND)?;
        if !status["open"].is_null() {
            bail!("a rollout is stuck: {}", status["open"]);
        }
        self.tally.restarts += 1;
        let Some(release) = status["serving"]["release"].as_u64() else { return Ok(()) };
        let answer = app::answer(self.port)?;
        let expected = self.words.get(&release);
        if expected.is_some_and(|expected| *expected != answer) {
            let loss = format!("r{release} should serve {expected:?}, it is {answer}");
            self.tally.losses.push(loss);
        }
        Ok(())
    }

    fn report(&self, took: Duration) -> Result<()> {
        let tally = &self.tally;
        let rows = [
            ("power cuts", tally.cuts.to_string()),
            ("of them in the middle of a rollout", tally.in_rollout.to_string()),
            ("lives that began from a copy", tally.restarts.to_string()),
            ("deploys", self.deploys.to_string()),
            ("acknowledged records looked for", tally.records.to_string()),
            ("losses", tally.losses.len().to_string()),
            ("control, synced: lines lost", tally.control_synced.to_string()),
            ("control, not synced: lines lost", tally.control_unsynced.to_string()),
            ("control, not synced: cuts that lost", tally.unsynced_cuts.to_string()),
            ("seconds", took.as_secs().to_string()),
        ];
        for (what, value) in rows {
            print(&format!("{what:36} {value:>8}"));
        }
        tally.losses.iter().take(20).for_each(|loss| print(&format!("LOST {loss}")));
        if !tally.losses.is_empty() || tally.control_synced > 0 {
            bail!("something acknowledged is not there after a power cut");
        }
        if tally.control_unsynced == 0 {
            bail!("the writer that does not sync lost nothing: these cuts prove nothing");
        }
        Ok(())
    }
}

/// The product's own reading of a state folder.
fn inspect(product: &Path, mount: &Path) -> Result<Value> {
    let mut command = cmd(product, ["--format", "json", "agent", "inspect"]);
    Ok(serde_json::from_str(&read(command.arg(mount.join("state")))?)?)
}
