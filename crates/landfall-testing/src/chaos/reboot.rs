//! Reboots: everything ends, by a power loss or in order, and engine, agent and edge come up in every
//! order. The same release must serve at the same addresses, and no one-off run again.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, getpid, kill_process};

use super::app::App;
use super::cell::{Runner, SETTLE_BOUND};
use super::fault::processes;
use super::judge::{Target, judge};
use super::matrix::{Keep, Say};
use super::site::{Setup, Site};
use super::units::Role;
use crate::host::{pass, run_ok, until};
use crate::load::{Load, Report};

/// Writers before and after a reboot.
const LOAD_FOR: Duration = Duration::from_secs(2);
/// Between the starts of two of the three.
const BETWEEN: Duration = Duration::from_secs(2);
const COMMAND_BOUND: Duration = Duration::from_secs(30);

const ORDERS: [[Part; 3]; 6] = [
    [Part::Engine, Part::Agent, Part::Edge],
    [Part::Engine, Part::Edge, Part::Agent],
    [Part::Agent, Part::Engine, Part::Edge],
    [Part::Agent, Part::Edge, Part::Engine],
    [Part::Edge, Part::Engine, Part::Agent],
    [Part::Edge, Part::Agent, Part::Engine],
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Engine,
    Agent,
    Edge,
}

/// What must be the same afterwards, by container name: image and addresses.
type Places = BTreeMap<String, (String, BTreeMap<String, String>)>;

/// Runs all of them and keeps the report. Returns whether all of it held.
pub fn reboot(setup: &Setup, say: Say<'_>, keep: Keep<'_>) -> io::Result<bool> {
    let mut runner = Runner::new(Site::start(setup)?)?;
    let engine = runner.site.engine.describe()?;
    say(&format!("the app serves on {engine}"));
    let mut text = format!(
        "#### Reboots\n\nAll processes end, what a host keeps below `/run` and its network go, and \
         the three start again in every order, {} s apart. A cell: seconds from the last start until \
         the same release serves with the same images at the same addresses, the one-off not run \
         again, every acknowledged write there and no request failed afterwards; whether redis was \
         started before all others.\n\n| order | power loss | orderly shutdown |\n| --- | --- | --- |\n",
        BETWEEN.as_secs()
    );
    let mut broken = Vec::new();
    for order in ORDERS {
        let name = order.map(|part| format!("{part:?}").to_lowercase()).join(", ");
        let mut cells = Vec::new();
        for power_loss in [true, false] {
            let kind = if power_loss { "power loss" } else { "orderly shutdown" };
            let (cell, wrong) = one(&mut runner, order, power_loss)?;
            say(&format!("{name}, {kind}: {cell} {}", wrong.join("; ")));
            broken.extend(wrong.into_iter().map(|w| format!("{name}, {kind}: {w}")));
            cells.push(cell);
        }
        let _ = writeln!(text, "| {name} | {} |", cells.join(" | "));
    }
    for wrong in &broken {
        let line: String = wrong.split_whitespace().collect::<Vec<_>>().join(" ");
        let line: String = line.chars().take(400).collect();
        let _ = writeln!(text, "\n**Not held:** {line}");
    }
    keep("reboots", &text)?;
    Ok(broken.is_empty())
}

fn one(
    runner: &mut Runner,
    order: [Part; 3],
    power_loss: bool,
) -> io::Result<(String, Vec<String>)> {
    runner.ordinary().map_err(|wrong| io::Error::other(wrong.join("; ")))?;
    let (before, places) = (runner.before()?, places(&runner.site)?);
    let mut wrong = judge_load("before", &load()?);
    let orders = orders()?;
    let site = &runner.site;
    end_all(site, power_loss)?;
    let mut last = Instant::now();
    for (index, part) in order.into_iter().enumerate() {
        if index > 0 {
            pass(BETWEEN);
        }
        last = Instant::now();
        match part {
            Part::Agent => site.units.start(Role::Agent),
            Part::Edge => site.units.start(Role::Edge),
            Part::Engine => site.engine.start(&site.units)?,
        }
    }
    site.wait_edge()?;
    site.wait_agent()?;
    site.host.wait_settled(App::NAME, SETTLE_BOUND)?;
    let target = Target { word: before.word.clone(), runs_max: 1 };
    if let Err(problems) = judge(site, &before, &target, &runner.shape) {
        wrong.extend(problems);
    }
    let seconds = last.elapsed().as_secs_f64();
    let now = self::places(site)?;
    for (name, there) in &places {
        if now.get(name) != Some(there) {
            wrong.push(format!("{name} was {there:?} and is {:?}", now.get(name)));
        }
    }
    if self::orders()? < orders {
        wrong.push(format!("{orders} orders were stored, and now {}", self::orders()?));
    }
    wrong.extend(judge_load("after", &load()?));
    let first = if redis_first(site)? { "redis first" } else { "all at once" };
    let verdict = if wrong.is_empty() { "S" } else { "**X**" };
    Ok((format!("{verdict} {seconds:.1} {first}"), wrong))
}

fn load() -> io::Result<Report> {
    let load = Load::start(App::load(), "load")?;
    pass(LOAD_FOR);
    Ok(load.stop_blocking())
}

fn judge_load(when: &str, report: &Report) -> Vec<String> {
    if report.is_clean() { Vec::new() } else { vec![format!("the load {when}: {report}")] }
}

fn orders() -> io::Result<u64> {
    Ok(App::stored("orders")?.and_then(|text| text.parse().ok()).unwrap_or_default())
}

fn places(site: &Site) -> io::Result<Places> {
    let world = site.world()?;
    let running = world.ours().filter(|one| one.running);
    Ok(running.map(|one| (one.name.clone(), (one.image.clone(), one.addresses.clone()))).collect())
}

/// Whether redis was started before every other container of ours.
fn redis_first(site: &Site) -> io::Result<bool> {
    let mut started = Vec::new();
    for one in site.world()?.ours().filter(|one| one.running) {
        let inspected = site.engine.json(&format!("/containers/{}/json", one.id))?;
        let at = inspected["State"]["StartedAt"].as_str().unwrap_or_default().to_owned();
        started.push((at, one.label("service").to_owned()));
    }
    Ok(started.into_iter().min().is_some_and(|(_, service)| service == "redis"))
}

/// Ends everything, and takes away what a reboot takes away.
fn end_all(site: &Site, power_loss: bool) -> io::Result<()> {
    let signal = if power_loss { Signal::KILL } else { Signal::TERM };
    for role in [Role::Agent, Role::Edge, Role::Dockerd, Role::Containerd] {
        site.units.stop(role, signal);
    }
    let alive = until(COMMAND_BOUND, || {
        let others = others().ok()?;
        for pid in &others {
            // It may have ended by itself meanwhile.
            let _ = kill_process(*pid, Signal::KILL);
        }
        others.is_empty().then_some(())
    });
    alive.ok_or_else(|| io::Error::other("processes stay alive"))?;
    unmount(site)?;
    for path in site.engine.volatile() {
        let removed =
            if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        match removed {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    for link in links()? {
        run_ok(Command::new("ip").args(["link", "delete", &link]), COMMAND_BOUND)?;
    }
    Ok(())
}

/// Every process of our namespace but the first, us, and whoever started us.
fn others() -> io::Result<Vec<Pid>> {
    let ours: BTreeSet<i32> = [1, getpid().as_raw_nonzero().get()].into();
    let all = processes()?;
    // Zombies have no arguments: somebody will reap them.
    let others = all.into_iter().filter(|(_, arguments)| !arguments.is_empty());
    Ok(others
        .map(|(pid, _)| pid)
        .filter(|pid| !ours.contains(&pid.as_raw_nonzero().get()))
        .collect())
}

/// The engine's mounts: all below its folders but the disk itself.
fn unmount(site: &Site) -> io::Result<()> {
    let roots = site.engine.mount_roots();
    let mounts = fs::read_to_string("/proc/self/mounts")?;
    let places = mounts.lines().filter_map(|line| line.split(' ').nth(1));
    let below = |place: &&str| roots.iter().any(|root| place.starts_with(root.as_str()));
    let mut below: Vec<&str> = places.filter(below).collect();
    below.sort_unstable();
    for place in below.into_iter().rev() {
        run_ok(Command::new("umount").args(["--lazy", place]), COMMAND_BOUND)?;
    }
    Ok(())
}

/// Network links that the engine made.
fn links() -> io::Result<Vec<String>> {
    let listed = run_ok(Command::new("ip").args(["-o", "link", "show"]), COMMAND_BOUND)?;
    let names = listed.lines().filter_map(|line| line.split(": ").nth(1));
    let names = names.map(|name| name.split('@').next().unwrap_or(name).to_owned());
    Ok(names.filter(|name| name.starts_with("br-") || name == "docker0").collect())
}
