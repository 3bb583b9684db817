//! What is tried on the machine, one after the other.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use super::app::{self, Load};
use super::machine::Machine;
use super::services::{self, AGENT, BINARY, EDGE, SERVICES};
use crate::cmd::print;
use crate::wait::pass;

/// Load before and after something happens.
const AROUND: Duration = Duration::from_secs(1);
/// Into a deploy, which takes a few seconds.
const INTO: Duration = Duration::from_millis(1_500);

pub(super) fn run(folder: &Path, product: &Path, image: &Path) -> Result<()> {
    let mut story = Story { machine: Machine::make(folder)?, deploys: 0 };
    story.part("the machine starts, with its engine", |story| story.begin(product, image))?;
    story.part("agent and edge installed as services", Story::install)?;
    story.part("a deploy serves at port 80", Story::deploy)?;
    story.part("upgrades: nothing refused, nothing sent again", Story::upgrades)?;
    story.part("both killed in the middle of a deploy", Story::killed)?;
    story.part("both stopped: the watchdog starts them again", Story::hung)?;
    story.part("the machine restarts", Story::restarts)?;
    story.part("the power fails in the middle of a deploy", Story::power_fails)?;
    story.part("taken out of systemd, and installed again", Story::uninstall)?;
    story.machine.shut_down()
}

struct Story {
    machine: Machine,
    deploys: u32,
}

impl Story {
    fn part(&mut self, what: &str, part: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        let began = Instant::now();
        part(self).with_context(|| what.to_owned())?;
        print(&format!("held: {what:50} {:6.1} s", began.elapsed().as_secs_f64()));
        Ok(())
    }

    fn begin(&mut self, product: &Path, image: &Path) -> Result<()> {
        self.machine.boot()?;
        let machine = &self.machine;
        fs::copy(product, machine.file(BINARY)).context("copy the product")?;
        fs::create_dir_all(machine.file(app::FOLDER))?;
        fs::write(machine.file(app::FILE), app::COMPOSE)?;
        fs::copy(image, machine.file(app::IMAGE_FILE))?;
        machine.read(["docker", "load", "--quiet", "--input", app::IMAGE_FILE]).map(drop)
    }

    fn install(&mut self) -> Result<()> {
        let first = services::install(&self.machine)?;
        ensure!(first.len() == 4, "it should write four files, and wrote {first:?}");
        let again = services::install(&self.machine)?;
        ensure!(again.is_empty(), "a second time it should write nothing, and wrote {again:?}");
        services::run(&self.machine)?;
        services::are_confined(&self.machine)
    }

    /// A deploy that nothing disturbs, to its end.
    fn deploy(&mut self) -> Result<()> {
        self.deploys += 1;
        app::deploy(&self.machine, self.deploys)?.done()?;
        app::serves(&self.machine, &[self.deploys]).map(drop)
    }

    /// Of the edge by `systemctl reload`, of both by `agent upgrade`, with a deploy in between.
    fn upgrades(&mut self) -> Result<()> {
        let load = Load::strict()?;
        for _ in 0..3 {
            let before = services::pid(&self.machine, EDGE)?;
            self.machine.read(["systemctl", "reload", EDGE])?;
            pass(AROUND);
            ensure!(
                services::pid(&self.machine, EDGE)? != before,
                "the edge is the same as before"
            );
        }
        self.deploy()?;
        let before = SERVICES.map(|service| services::pid(&self.machine, service).ok());
        self.machine.read([BINARY, "agent", "upgrade"])?;
        pass(AROUND);
        let after = SERVICES.map(|service| services::pid(&self.machine, service).ok());
        ensure!(before[0] != after[0] && before[1] != after[1], "{before:?} became {after:?}");
        services::run(&self.machine)?;
        load.clean()
    }

    /// A killed edge takes the connections with it that it had: a read goes out again, once.
    fn killed(&mut self) -> Result<()> {
        let load = Load::that_repeats()?;
        self.deploys += 1;
        let deploy = app::deploy(&self.machine, self.deploys)?;
        pass(INTO);
        for service in SERVICES {
            let before = services::starts(&self.machine, service)?;
            self.machine.read(["systemctl", "kill", "--signal", "KILL", service])?;
            services::started_again(&self.machine, service, before)?;
        }
        deploy.done()?;
        app::serves(&self.machine, &[self.deploys])?;
        load.clean()
    }

    /// Two processes that do nothing any more. Nobody answers meanwhile: no load.
    fn hung(&mut self) -> Result<()> {
        services::set_watchdogs(&self.machine)?;
        for service in SERVICES {
            let before = services::starts(&self.machine, service)?;
            self.machine.read(["systemctl", "kill", "--signal", "STOP", service])?;
            services::started_again(&self.machine, service, before)?;
        }
        app::serves(&self.machine, &[self.deploys]).map(drop)
    }

    fn restarts(&mut self) -> Result<()> {
        let before = app::state(&self.machine)?;
        self.machine.shut_down()?;
        self.machine.boot()?;
        app::serves(&self.machine, &[self.deploys])?;
        let after = app::state(&self.machine)?;
        ensure!(before == after, "before: {before:?}\nafter: {after:?}");
        Load::strict()?.clean()
    }

    /// Then one whole release serves, and the next deploy works.
    fn power_fails(&mut self) -> Result<()> {
        self.deploys += 1;
        let deploy = app::deploy(&self.machine, self.deploys)?;
        pass(INTO);
        self.machine.lose_power()?;
        deploy.lost()?;
        self.machine.boot()?;
        app::settled(&self.machine)?;
        app::serves(&self.machine, &[self.deploys, self.deploys - 1])?;
        self.deploy()
    }

    /// The app's containers run on.
    fn uninstall(&mut self) -> Result<()> {
        let before = app::state(&self.machine)?;
        self.machine.read([BINARY, "agent", "uninstall"])?;
        for service in [AGENT, EDGE] {
            if self.machine.read(["systemctl", "cat", service]).is_ok() {
                bail!("systemd still knows {service}");
            }
        }
        let after = app::state(&self.machine)?;
        ensure!(before == after, "before: {before:?}\nafter: {after:?}");
        ensure!(app::answer().is_err(), "somebody answers at port 80");
        services::install(&self.machine)?;
        app::serves(&self.machine, &[self.deploys]).map(drop)
    }
}
