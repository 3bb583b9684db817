//! A registry of our own, cut off at different moments of a deploy whose image only it has.

use std::fs;
use std::io;
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::app::App;
use super::cell::{Runner, SETTLE_BOUND, Scenario, finish};
use super::outcome::Outcome;
use super::site::Site;
use super::units::Role;
use crate::host::{pass, until};

const ADDRESS: &str = "127.0.0.1:5000";
const FROZEN_FOR: Duration = Duration::from_secs(3);
const START_BOUND: Duration = Duration::from_secs(20);

/// When it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    BeforeDeploy,
    BetweenPlanAndDeploy,
    FrozenForAWhile,
    FrozenThenGone,
    AfterBegin,
}

pub(super) const CUTS: [Cut; 5] = [
    Cut::BeforeDeploy,
    Cut::BetweenPlanAndDeploy,
    Cut::FrozenForAWhile,
    Cut::FrozenThenGone,
    Cut::AfterBegin,
];

impl Cut {
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::BeforeDeploy => "is gone before the deploy",
            Self::BetweenPlanAndDeploy => "goes between `plan` and `deploy`",
            Self::FrozenForAWhile => "does not answer for 3 s, then does",
            Self::FrozenThenGone => "does not answer for 3 s, then is gone",
            Self::AfterBegin => "goes when the rollout has begun",
        }
    }
}

/// Makes it known to the supervisor.
pub(super) fn add(site: &Site) -> io::Result<()> {
    let folder = site.folder.join("registry");
    let config = site.folder.join("registry.yml");
    let text = format!(
        "version: 0.1\nlog: {{level: warn}}\nstorage: {{filesystem: {{rootdirectory: \"{}\"}}}}\n\
         http: {{addr: \"{ADDRESS}\"}}\n",
        folder.display()
    );
    fs::write(&config, text)?;
    site.units.add(Role::Registry, site.folder.join("registry.log"), move || {
        let mut command = Command::new("docker-registry");
        command.arg("serve").arg(&config);
        command
    });
    Ok(())
}

impl Runner {
    /// One cell.
    pub(super) fn cut_off(&mut self, cut: Cut) -> io::Result<Outcome> {
        self.live_restore(true)?;
        self.site.units.start(Role::Registry);
        until(START_BOUND, || TcpStream::connect(ADDRESS).ok())
            .ok_or_else(|| io::Error::other("the registry does not answer"))?;
        let mut wish = self.wish(Scenario::Upgrade);
        wish.image = format!("{ADDRESS}/chaos:{}", wish.word);
        self.site.app.publish(&self.site.engine, &wish.image)?;
        self.under_load(|runner, outcome| {
            let (before, site) = (runner.before()?, &runner.site);
            let gone = || site.units.stop(Role::Registry, Signal::KILL);
            match cut {
                Cut::BeforeDeploy => gone(),
                Cut::BetweenPlanAndDeploy => {
                    site.host.verb(&site.app.project(&wish)?, &["plan"], &[])?;
                    gone();
                }
                Cut::FrozenForAWhile | Cut::FrozenThenGone => {
                    site.units.signal(Role::Registry, Signal::STOP);
                }
                Cut::AfterBegin => {}
            }
            let began = Instant::now();
            let client = match cut {
                Cut::AfterBegin => runner.begin_to_stand(&wish, (1, "after"))?,
                _ => runner.begin(&wish)?,
            };
            match cut {
                Cut::BeforeDeploy | Cut::BetweenPlanAndDeploy => {}
                Cut::FrozenForAWhile => {
                    pass(FROZEN_FOR);
                    site.units.signal(Role::Registry, Signal::CONT);
                }
                Cut::FrozenThenGone => {
                    pass(FROZEN_FOR);
                    gone();
                }
                Cut::AfterBegin => {
                    gone();
                    site.units.signal(Role::Agent, Signal::CONT);
                }
            }
            outcome.struck = true;
            let deploy = finish(client, None)?;
            site.host.wait_settled(App::NAME, SETTLE_BOUND)?;
            runner.settle(&before, &wish, outcome);
            outcome.seconds = began.elapsed().as_secs_f64();
            outcome.compare(&deploy);
            runner.site.units.stop(Role::Registry, Signal::KILL);
            Ok(())
        })
    }
}
