//! The matrix: every step of a deploy against every fault.

mod left;

use std::io;

use serde_json::Value;

use super::app::App;
use super::cell::{At, Runner, Scenario};
use super::fault::{Fault, Requests, Which};
use super::judge::{Target, judge};
use super::outcome::Outcome;
use super::points::{Point, points};
use super::registry;
use super::site::{Setup, Site};
use super::table::{Table, text};
use super::{half_done, kept_back};

/// What of the matrix to run.
#[derive(Clone, Debug)]
pub struct MatrixOptions {
    /// Parts; all when empty: `kills`, `faults`, `engine`, `hands`, `disks`, `lost`, `half`, `registry`;
    /// `short` is a little of each.
    pub parts: Vec<String>,
    /// Only every n-th step.
    pub every: usize,
    /// Only steps in whose name one of these stands; all when empty.
    pub steps: Vec<String>,
}

pub(super) type Say<'a> = &'a mut dyn FnMut(&str);
/// Takes a title and a text in Markdown.
pub(super) type Keep<'a> = &'a mut dyn FnMut(&str, &str) -> io::Result<()>;

/// Runs it; `keep` gets each table when it is complete. Returns whether all of it held.
pub fn matrix(
    setup: &Setup,
    options: &MatrixOptions,
    say: Say<'_>,
    keep: Keep<'_>,
) -> io::Result<bool> {
    let mut runner = Runner::new(Site::start(setup)?)?;
    let engine = runner.site.engine.describe()?;
    say(&format!("the app serves on {engine}"));
    keep("engine", &format!("{engine}."))?;
    let wanted = |part: &str| {
        options.parts.iter().any(|p| p == part) || (options.parts.is_empty() && part != "short")
    };
    let mut held = true;
    let mut matrix = Matrix { runner: &mut runner, options, say };
    if wanted("short") {
        held &= done(&matrix.short()?, keep)?;
    }
    if wanted("kills") {
        let upgrade = matrix.learn(Scenario::Upgrade)?;
        held &= done(&matrix.kills(Scenario::Upgrade, &upgrade)?, keep)?;
        for scenario in [Scenario::Broken, Scenario::Replace] {
            // What every deploy does was struck above.
            let mut points = matrix.learn(scenario)?;
            points.retain(|point| upgrade.iter().all(|known| known.name != point.name));
            held &= done(&matrix.kills(scenario, &points)?, keep)?;
        }
    }
    if wanted("faults") {
        held &= done(&matrix.faults(&PROCESSES, "What else may die, at each step")?, keep)?;
    }
    if wanted("engine") {
        held &= done(&matrix.faults(&ENGINES, "The engine ends, at each step")?, keep)?;
    }
    if wanted("hands") {
        held &= done(&matrix.faults(&HANDS, "Things removed, disks full, at each step")?, keep)?;
    }
    if wanted("disks") {
        held &= done(&matrix.disks()?, keep)?;
    }
    if wanted("lost") {
        held &= done(&matrix.lost()?, keep)?;
    }
    if wanted("half") {
        held &= done(&matrix.half_done()?, keep)?;
    }
    if wanted("registry") {
        held &= done(&matrix.registry()?, keep)?;
    }
    held &= matrix.all_orders()?;
    Ok(held)
}

fn done(table: &Table, keep: Keep<'_>) -> io::Result<bool> {
    keep(&table.title, &table.markdown())?;
    Ok(table.broken.is_empty())
}

const PROCESSES: [Fault; 5] = [
    Fault::AgentStopped,
    Fault::ClientKilled,
    Fault::EdgeKilled,
    Fault::ContainerdKilled,
    Fault::ShimKilled,
];
const ENGINES: [Fault; 4] = [
    Fault::EngineEnds { kill: false, live: true },
    Fault::EngineEnds { kill: true, live: true },
    Fault::EngineEnds { kill: false, live: false },
    Fault::EngineEnds { kill: true, live: false },
];
const HANDS: [Fault; 5] = [
    Fault::ContainerRemoved,
    Fault::NetworkRemoved,
    Fault::DiskFull { which: Which::Engine, leave_kib: 0 },
    Fault::DiskFull { which: Which::Agent, leave_kib: 0 },
    Fault::DiskFull { which: Which::Edge, leave_kib: 0 },
];
const LEVELS_KIB: [u64; 5] = [0, 4, 64, 1024, 16_384];

struct Matrix<'a> {
    runner: &'a mut Runner,
    options: &'a MatrixOptions,
    say: Say<'a>,
}

impl Matrix<'_> {
    /// The steps of a scenario, from a deploy that nothing disturbs.
    fn learn(&mut self, scenario: Scenario) -> io::Result<Vec<Point>> {
        self.runner.site.trace()?;
        let (before, wish) = (self.runner.before()?, self.runner.wish(scenario));
        let deploy = self.runner.begin(&wish)?.wait()?;
        let expected = if scenario == Scenario::Broken { 3 } else { 0 };
        if deploy.exit_code != expected {
            return Err(io::Error::other(format!("undisturbed, this must end well:\n{deploy}")));
        }
        let verdict = judge(&self.runner.site, &before, &Target::new(&wish), &self.runner.shape);
        let verdict = verdict.map_err(|wrong| io::Error::other(wrong.join("; ")))?;
        self.runner.serves(&wish, verdict);
        let trace = self.runner.site.trace()?;
        let events: &[Value] = &deploy.events;
        let points = points(&trace, events);
        (self.say)(&format!("{scenario:?}: {} steps and ends", points.len()));
        Ok(points)
    }

    /// The steps that are to be struck.
    fn chosen(&self, points: &[Point]) -> Vec<Point> {
        let MatrixOptions { steps, every, .. } = self.options;
        let wanted = |point: &&Point| {
            steps.is_empty() || steps.iter().any(|step| point.name.contains(step.as_str()))
        };
        points.iter().filter(wanted).step_by((*every).max(1)).cloned().collect()
    }

    fn cell(
        &mut self,
        table: &mut Table,
        row: &str,
        (scenario, fault, at): (Scenario, Fault, At),
    ) -> io::Result<Outcome> {
        let place = format!("{row}, {}", fault.title());
        let outcome = self.runner.run(scenario, fault, at)?;
        (self.say)(&format!("{scenario:?}: {place}: {}", text(&outcome)));
        for broken in outcome.broken.iter().chain(&outcome.failures) {
            (self.say)(&format!("    {broken}"));
        }
        // Whoever takes away the network of what serves ends its requests himself.
        let cut_off = fault == Fault::NetworkRemoved && outcome.repaired;
        // What the engine left half done starts again when it is repaired.
        let restarted = outcome.repaired && !fault.is_of_a_hand();
        let requests = if cut_off || restarted { Requests::MayFail } else { fault.requests() };
        table.cell(&place, &outcome, requests);
        Ok(outcome)
    }

    /// The agent killed at every record of the journal, before and after it is durable.
    fn kills(&mut self, scenario: Scenario, points: &[Point]) -> io::Result<Table> {
        let title = match scenario {
            Scenario::Upgrade => "Agent killed at every record: an upgrade",
            Scenario::Broken => "Agent killed at every record while a deploy is undone",
            Scenario::Replace => "Agent killed at every record while redis is replaced in place",
        };
        let columns = ["before intent", "after intent", "before outcome", "after outcome"];
        let mut table = Table::new(title, "step", &columns.map(str::to_owned));
        for point in self.chosen(points) {
            table.row(&point.name);
            for seq in [Some(point.intent), point.outcome] {
                for before in [true, false] {
                    let Some(seq) = seq else {
                        table.skip();
                        continue;
                    };
                    let at = At { seq: Some(seq), before };
                    let fault = Fault::AgentKilled { before };
                    self.cell(&mut table, &point.name, (scenario, fault, at))?;
                }
            }
        }
        Ok(table)
    }

    /// Each fault at each step, after its intent.
    fn faults(&mut self, faults: &[Fault], title: &str) -> io::Result<Table> {
        let columns: Vec<String> = faults.iter().map(|fault| fault.title()).collect();
        let mut table = Table::new(title, "step", &columns);
        let steps = self.learn(Scenario::Upgrade)?;
        for point in self.chosen(&steps).iter().filter(|p| p.is_step) {
            table.row(&point.name);
            for fault in faults {
                let at = At { seq: Some(point.intent), before: false };
                self.cell(&mut table, &point.name, (Scenario::Upgrade, *fault, at))?;
            }
        }
        Ok(table)
    }

    /// Each disk with different room left, from before the deploy on.
    fn disks(&mut self) -> io::Result<Table> {
        let columns = LEVELS_KIB.map(|kib| format!("{kib} KiB left"));
        let mut table = Table::new("Disks full before a deploy", "disk", &columns);
        let disks = [(Which::Engine, "engine"), (Which::Agent, "agent"), (Which::Edge, "edge")];
        for (which, name) in disks {
            table.row(name);
            for leave_kib in LEVELS_KIB {
                let fault = Fault::DiskFull { which, leave_kib };
                let at = At { seq: None, before: true };
                self.cell(&mut table, name, (Scenario::Upgrade, fault, at))?;
            }
        }
        Ok(table)
    }

    fn tell(&mut self, table: &mut Table, place: &str, outcome: &Outcome, requests: Requests) {
        (self.say)(&format!("{place}: {}", text(outcome)));
        for broken in outcome.broken.iter().chain(&outcome.failures) {
            (self.say)(&format!("    {broken}"));
        }
        table.cell(place, outcome, requests);
    }

    /// The registry goes away at different moments of a deploy whose image only it has.
    fn registry(&mut self) -> io::Result<Table> {
        let mut table = Table::new("Registry cut off", "the registry", &["result".to_owned()]);
        registry::add(&self.runner.site)?;
        for cut in registry::CUTS {
            let outcome = self.runner.cut_off(cut)?;
            table.row(cut.title());
            let place = format!("registry {}", cut.title());
            self.tell(&mut table, &place, &outcome, Requests::Hold);
        }
        Ok(table)
    }

    /// A few cells of each kind, for every run of the tests.
    fn short(&mut self) -> io::Result<Table> {
        let mut table = Table::new("A little of each", "step", &["fault".to_owned()]);
        let steps = self.learn(Scenario::Upgrade)?;
        let find = |name: &str| steps.iter().find(|point| point.name.starts_with(name));
        let after = |point: &Point| At { seq: Some(point.intent), before: false };
        let cells = [
            ("start", Fault::AgentKilled { before: false }),
            ("cutover", Fault::AgentKilled { before: false }),
            ("verify", Fault::AgentStopped),
            ("stop", Fault::ClientKilled),
            ("hand", Fault::EngineEnds { kill: true, live: true }),
            ("drain", Fault::ContainerdKilled),
            ("verify", Fault::ContainerRemoved),
            ("cutover", Fault::DiskFull { which: Which::Agent, leave_kib: 0 }),
        ];
        for (name, fault) in cells {
            let point = find(name).ok_or_else(|| {
                let names: Vec<_> = steps.iter().map(|p| p.name.as_str()).collect();
                io::Error::other(format!("no step {name} among {names:?}"))
            })?;
            table.row(&point.name);
            self.cell(&mut table, &point.name, (Scenario::Upgrade, fault, after(point)))?;
        }
        let [(name, services), ..] = half_done::CASES;
        let outcome = self.runner.mistaken_before(services)?;
        self.left_behind(&mut table, name, &outcome);
        self.kept_back(&mut table, &[kept_back::End::BeforeItIsReplaced])?;
        Ok(table)
    }

    /// Every order that was ever acknowledged is still counted.
    fn all_orders(&mut self) -> io::Result<bool> {
        let stored = App::stored("orders")?.and_then(|text| text.parse::<u64>().ok());
        let stored = stored.unwrap_or_default();
        let acknowledged = self.runner.acknowledged;
        (self.say)(&format!("{acknowledged} writes acknowledged in all, {stored} stored"));
        Ok(stored >= acknowledged)
    }
}
