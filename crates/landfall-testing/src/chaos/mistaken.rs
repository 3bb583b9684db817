//! An engine that takes containers that run for ones between an exit and the next start: it neither
//! signals them nor lets them go. Nothing gets stuck on them, and `repair` brings them back.

use std::fs;
use std::io;
use std::time::Instant;

use rustix::process::Signal;
use serde_json::Value;

use super::cell::{Outcome, Runner, Scenario, finish};
use super::site::Site;
use super::units::Role;

/// Services whose containers are taken so, at once: what a release has of its own, and what outlives it.
pub(super) const CASES: [(&str, &[&str]); 2] = [
    ("a release's taken for restarting", &["web", "worker", "beat"]),
    ("redis taken for restarting", &["redis"]),
];

impl Runner {
    /// Before a deploy, which may go through or be undone.
    pub(super) fn mistaken_before(&mut self, services: &[&str]) -> io::Result<Outcome> {
        self.live_restore(true)?;
        let wish = self.wish(Scenario::Upgrade);
        self.under_load(|runner, outcome| {
            let (before, began) = (runner.before()?, Instant::now());
            let count = mistake(&runner.site, services)?;
            let (_, drift) = runner.site.operator("drift")?;
            let findings = drift["findings"].as_array().into_iter().flatten();
            let told =
                findings.filter(|one| one["kind"] == "restarting" && one["mend"] == "repair");
            outcome.struck = count > 0;
            if told.count() != count {
                outcome.broken.push(format!("`drift` should tell of {count}: {drift}"));
            }
            let deploy = finish(runner.begin(&wish)?, None)?;
            outcome.repaired = runner.put_right()?;
            runner.settle(&before, &wish, outcome);
            outcome.seconds = began.elapsed().as_secs_f64();
            outcome.compare(&deploy);
            Ok(())
        })
    }
}

/// Lets the next engine find on its disk what one leaves that ended between a failed start and the next,
/// when `containerd` has the container running. How many containers it takes for restarting then.
fn mistake(site: &Site, services: &[&str]) -> io::Result<usize> {
    let world = site.world()?;
    let of_these = |service: &str| services.contains(&service);
    let struck: Vec<_> =
        world.ours().filter(|one| one.running && of_these(one.label("service"))).collect();
    site.units.stop(Role::Dockerd, Signal::KILL);
    for one in &struck {
        let path = site.engine.container_folder(&one.id).join("config.v2.json");
        let mut config: Value = serde_json::from_slice(&fs::read(&path)?)?;
        let state = &mut config["State"];
        (state["Restarting"], state["Pid"]) = (true.into(), 0.into());
        fs::write(&path, serde_json::to_vec(&config)?)?;
    }
    site.engine.start(&site.units)?;
    Ok(struck.len())
}
