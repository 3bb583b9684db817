//! An engine that was killed and starts where it cannot write: it goes on without containers that run.
//! Nothing is put beside them; once an operator has restarted it, all is as it should be.

use std::io;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::app::App;
use super::cell::{Runner, SETTLE_BOUND, Scenario, finish};
use super::outcome::Outcome;
use super::points::Point;
use super::revive::{end_engine, restart};
use super::site::Site;
use super::units::Role;
use crate::host::run_ok;

const COMMAND_BOUND: Duration = Duration::from_secs(30);
/// What a refusal and `doctor` say.
const SAID: &str = "does not know";

/// Before a deploy, and at the steps of these names.
pub(super) const STEPS: [&str; 5] = ["write files", "start replicas", "cutover", "drain", "stop"];

impl Runner {
    /// The engine loses its way before a deploy: it is refused.
    pub(super) fn lost_before(&mut self) -> io::Result<Outcome> {
        self.live_restore(true)?;
        let wish = self.wish(Scenario::Upgrade);
        self.under_load(|runner, outcome| {
            let (before, began) = (runner.before()?, Instant::now());
            outcome.struck = lose(&runner.site)?;
            let deploy = finish(runner.begin(&wish)?, None)?;
            let said = deploy.to_string();
            if outcome.struck && !(deploy.exit_code == 1 && said.contains(SAID)) {
                outcome.broken.push(format!("a deploy beside what the engine lost: {said}"));
            }
            let doctor = runner.site.host.landfall().arg("doctor").output()?;
            let checks = String::from_utf8_lossy(&doctor.stdout);
            if outcome.struck && !(doctor.status.code() == Some(1) && checks.contains(SAID)) {
                outcome.broken.push(format!("`doctor` does not tell it: {checks}"));
            }
            restart(&runner.site)?;
            outcome.repaired = runner.put_right()?;
            runner.settle(&before, &wish, outcome);
            outcome.seconds = began.elapsed().as_secs_f64();
            outcome.compare(&deploy);
            Ok(())
        })
    }

    /// It loses its way in the middle of one.
    pub(super) fn lost_at(&mut self, point: &Point) -> io::Result<Outcome> {
        self.live_restore(true)?;
        let wish = self.wish(Scenario::Upgrade);
        self.under_load(|runner, outcome| {
            let before = runner.before()?;
            let client = runner.begin_to_stand(&wish, (point.intent, "after"))?;
            let (site, began) = (&runner.site, Instant::now());
            outcome.struck = lose(site)?;
            site.units.signal(Role::Agent, Signal::CONT);
            let deploy = finish(client, None)?;
            restart(site)?;
            site.host.wait_settled(App::NAME, SETTLE_BOUND)?;
            outcome.repaired = runner.put_right()?;
            runner.settle(&before, &wish, outcome);
            outcome.seconds = began.elapsed().as_secs_f64();
            outcome.compare(&deploy);
            Ok(())
        })
    }
}

/// Kills the engine, and lets the next one find that it cannot write down what it knows of our
/// containers: what a full disk does to it when it is full at just that moment. Whether it has lost any.
fn lose(site: &Site) -> io::Result<bool> {
    let running = || -> io::Result<Vec<String>> {
        let world = site.world()?;
        Ok(world.ours().filter(|one| one.running).map(|one| one.id.clone()).collect())
    };
    let before = running()?;
    let folders: Vec<_> = before.iter().map(|id| site.engine.container_folder(id)).collect();
    let mark = |how: &str| {
        let mut command = Command::new("chattr");
        run_ok(command.arg(how).arg("--").args(&folders), COMMAND_BOUND).map(drop)
    };
    mark("+i")?;
    let ended = end_engine(site, Signal::KILL);
    mark("-i")?;
    ended?;
    Ok(running()?.len() < before.len())
}
