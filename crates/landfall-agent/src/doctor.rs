//! Checks of the host: engine, edge, store, disk, subnets, clock, what is left over. It only looks.
//!
//! Each check says how it is, why it matters and what to do. A check that cannot be made says so; it
//! never counts as well.

use std::collections::BTreeSet;
use std::future::Future;
use std::path::Path;
use std::time::Duration;

use landfall_api::{Check, EngineInfo, Level, OpenPhase, Problem};
use landfall_core::id::AppName;
use landfall_core::label::{Labels, Scope};
use landfall_core::subnet;
use landfall_deploy::ports::{Edge, Engine, Files, Selector};

use crate::agent::Agent;
use crate::ground::{EdgeProcess, Ground, HostView, Store};
use crate::platform::{EngineFacts, LostContainer, Platform};
use crate::problems;
use crate::store::now_ms;

mod host;

/// Time for one neighbour's answer.
const LOOK_TIMEOUT: Duration = Duration::from_secs(15);
/// A pool that is fuller than this is a note; in percent.
const POOL_FULL: usize = 80;

impl<G: Ground> Agent<G> {
    /// All checks, in the order in which a person would make them.
    pub(crate) async fn examine(&self) -> Vec<Check> {
        let mut checks = Vec::new();
        let info = within(self.platform.info()).await;
        checks.extend(engine(&info));
        let facts = match &info {
            Ok(_) => within(self.platform.facts()).await.unwrap_or_default(),
            Err(_) => None,
        };
        if info.is_ok() {
            checks.push(containers(within(self.platform.lost()).await));
        }
        checks.extend(self.edge_checks().await);
        checks.push(self.store_check().await);
        checks.extend(self.open_checks());
        let engine_root = facts.as_ref().map(|facts| facts.root_dir.clone());
        let state_dir = self.config.state_dir.clone();
        checks.extend(self.disk_checks(&state_dir, engine_root.as_deref()));
        checks.extend(facts.iter().map(leaks));
        checks.push(self.subnet_check(&info).await);
        checks.extend(facts.iter().map(|facts| host::clock(facts.now_ms, now_ms())));
        checks.push(host::permissions(&self.config));
        checks.push(self.leftovers(facts.as_ref()).await);
        checks
    }

    async fn edge_checks(&self) -> Vec<Check> {
        let status = match within(self.edge.status()).await {
            Ok(status) => status,
            Err(message) => {
                let text = format!("the edge does not answer: {message}");
                let hint = "it serves without the agent; if it is down nothing is served: `landfall agent start`";
                return vec![Check::new("edge", Level::Error, text).hint(hint)];
            }
        };
        let ours = env!("CARGO_PKG_VERSION");
        let mut checks = vec![if status.version == ours {
            Check::new(
                "edge",
                Level::Ok,
                format!("{}, generation {}", status.version, status.generation),
            )
        } else {
            let text = format!("the edge is {}, the agent {ours}", status.version);
            Check::new("edge", Level::Warning, text).hint("restart the older one with this binary")
        }];
        match within(self.edge.table()).await {
            Ok(table) => {
                let deaf: Vec<_> = table
                    .listeners()
                    .into_iter()
                    .filter(|listen| !status.listeners.contains(listen))
                    .map(|listen| listen.to_string())
                    .collect();
                checks.push(if deaf.is_empty() {
                    Check::new("ports", Level::Ok, format!("{} listeners", status.listeners.len()))
                } else {
                    let text = "the edge does not listen where routes want it";
                    Check::new("ports", Level::Error, text)
                        .details(deaf)
                        .hint("something else has the port: free it, then restart the edge")
                });
            }
            Err(message) => checks.push(unknown("ports", &message)),
        }
        checks
    }

    async fn store_check(&self) -> Check {
        match self.store.verify().await {
            Ok(found) => {
                let text = format!(
                    "{} rollouts, {} records and {} audit entries are as they were written",
                    found.rollouts, found.records, found.audit
                );
                Check::new("store", Level::Ok, text)
            }
            Err(error) => Check::new("store", Level::Error, error.to_string())
                .hint("stop the agent and save its state folder before anything else"),
        }
    }

    fn open_checks(&self) -> Vec<Check> {
        let leases = self.leases.all();
        if leases.is_empty() {
            return vec![Check::new("rollouts", Level::Ok, "none is open")];
        }
        let check = |lease: &std::sync::Arc<crate::lease::Lease>| {
            let (app, rollout) = (&lease.of.app, lease.of.rollout);
            match lease.view().phase {
                OpenPhase::Stuck { reason } => {
                    let text = format!("rollout {rollout} of {app} is stuck: {reason}");
                    let hint = format!(
                        "`landfall show -p {app}` tells it; `landfall resume` or `landfall abandon` end it"
                    );
                    Check::new("rollouts", Level::Error, text).hint(hint)
                }
                OpenPhase::Preparing
                | OpenPhase::Held { .. }
                | OpenPhase::Forward { .. }
                | OpenPhase::Back { .. } => Check::new(
                    "rollouts",
                    Level::Note,
                    format!("rollout {rollout} of {app} is open"),
                ),
            }
        };
        leases.iter().map(check).collect()
    }

    fn disk_checks(&self, state_dir: &Path, engine_root: Option<&str>) -> Vec<Check> {
        let mut checks = Vec::new();
        let mut look = |name: &str, path: &Path| {
            if let Some(space) = self.host.disk_space(path) {
                checks.push(host::disk(name, path, space));
            }
        };
        look("disk", state_dir);
        if let Some(root) = engine_root {
            look("engine disk", Path::new(root));
        }
        checks
    }

    async fn subnet_check(&self, info: &Result<EngineInfo, String>) -> Check {
        if info.is_err() {
            return unknown("subnets", "the engine does not answer");
        }
        let pool = self.config.subnet_pool;
        let engine = match within(self.platform.subnets()).await {
            Ok(subnets) => subnets,
            Err(message) => return unknown("subnets", &message),
        };
        let routed = self.host.routed_subnets().unwrap_or_default();
        let strange: Vec<_> = routed
            .iter()
            .filter(|net| subnet::overlap(pool, **net) && !engine.contains(*net))
            .map(|net| format!("{net} is routed by the host and no network of the engine"))
            .collect();
        let used = engine.iter().filter(|net| subnet::overlap(pool, **net)).count();
        let all = 1_usize << 26_u8.saturating_sub(pool.prefix_len()).min(30);
        let text = format!("{used} of about {all} subnets of {pool} are in use");
        if !strange.is_empty() {
            return Check::new("subnets", Level::Warning, text)
                .details(strange)
                .hint("release networks avoid them; give the agent another pool if they are many");
        }
        if used * 100 > all * POOL_FULL {
            return Check::new("subnets", Level::Warning, text)
                .hint("take down apps that nobody needs, or remove networks of others in it");
        }
        Check::new("subnets", Level::Ok, text)
    }

    /// Things with our labels that no rollout stands for.
    async fn leftovers(&self, facts: Option<&EngineFacts>) -> Check {
        match self.find_leftovers(facts).await {
            Ok(found) if found.is_empty() => {
                Check::new("leftovers", Level::Ok, "nothing of ours is left over")
            }
            Ok(found) => {
                let text = format!("{} things of ours serve nothing", found.len());
                Check::new("leftovers", Level::Warning, text).details(found).hint(
                    "the next deploy of their app removes them; of an app that is not known, `landfall recover` takes it up",
                )
            }
            Err(problem) => unknown("leftovers", &problem.message),
        }
    }

    async fn find_leftovers(&self, facts: Option<&EngineFacts>) -> Result<Vec<String>, Problem> {
        let apps = self.store.apps().await?;
        let mut left = Vec::new();
        let known: BTreeSet<_> = apps.iter().collect();
        let unknown = facts.into_iter().flat_map(|facts| &facts.apps);
        for app in unknown.filter(|app| !known.contains(app)) {
            left.push(format!("containers of app {app}, which this agent does not know"));
        }
        for app in &apps {
            // An open rollout's things are not left over.
            if self.leases.held(app).is_none() {
                left.extend(self.left_of(app).await?);
            }
        }
        Ok(left)
    }

    async fn left_of(&self, app: &AppName) -> Result<Vec<String>, Problem> {
        let serving = self.past(app).await?.serving.map(|(since, _)| since.rollout);
        let failed = |error| problems::engine(&error);
        let is_left =
            |labels: &Labels| labels.scope == Scope::Release && Some(labels.rollout) != serving;
        let containers = self.platform.containers(&Selector::app(app)).await.map_err(failed)?;
        let networks = self.platform.networks(app).await.map_err(failed)?;
        let volumes = self.platform.volumes(app).await.map_err(failed)?;
        let containers = containers.iter().filter(|found| is_left(&found.labels));
        let networks = networks.iter().filter(|found| is_left(&found.labels));
        let volumes = volumes.iter().filter(|found| is_left(&found.labels));
        let mut left: Vec<_> = containers.map(|c| format!("container {}", c.name)).collect();
        left.extend(networks.map(|n| format!("network {}", n.name)));
        left.extend(volumes.map(|v| format!("volume {} of one release", v.name)));
        let kept = self.store.releases(app).await?;
        let kept: BTreeSet<_> =
            kept.iter().filter(|row| row.release.is_some()).map(|row| row.number).collect();
        if let Ok(files) = self.files.releases(app).await {
            let stray = files.iter().filter(|release| !kept.contains(release));
            left.extend(stray.map(|release| format!("sealed files of {app} {release}")));
        }
        Ok(left)
    }
}

fn engine(info: &Result<EngineInfo, String>) -> Vec<Check> {
    let info = match info {
        Ok(info) => info,
        Err(message) => {
            let text = format!("the engine does not answer: {message}");
            return vec![
                Check::new("engine", Level::Error, text).hint("is the Docker Engine running?"),
            ];
        }
    };
    let text = format!("{} (API {}), {}", info.version, info.api_version, info.storage);
    let mut checks = vec![if info.warnings.is_empty() {
        Check::new("engine", Level::Ok, text)
    } else {
        Check::new("engine", Level::Warning, text).details(info.warnings.clone())
    }];
    checks.push(if info.live_restore {
        Check::new("live-restore", Level::Ok, "containers outlive a restart of the engine")
    } else {
        let text = "off: when the engine restarts, every container stops until it is back";
        Check::new("live-restore", Level::Warning, text).hint(
            "put {\"live-restore\": true} into /etc/docker/daemon.json, then send dockerd SIGHUP (`systemctl reload docker`): nothing is restarted",
        )
    });
    checks
}

fn containers(lost: Result<Vec<LostContainer>, String>) -> Check {
    match lost {
        Err(message) => unknown("containers", &message),
        Ok(lost) if lost.is_empty() => {
            Check::new("containers", Level::Ok, "the engine knows all of ours that run")
        }
        Ok(lost) => {
            let text = format!("the engine does not know {} of ours that run", lost.len());
            let names = lost.into_iter().map(|lost| format!("{} of {}", lost.name, lost.app));
            Check::new("containers", Level::Error, text)
                .details(names.collect())
                .hint(problems::RESTART_THE_ENGINE)
        }
    }
}

fn leaks(facts: &EngineFacts) -> Check {
    match facts.leaked_loads {
        None => unknown("layers", "the engine's folder cannot be read"),
        Some(0) => Check::new("layers", Level::Ok, "no load of an image was cut off"),
        Some(count) => {
            let text = format!("{count} loads or pulls of images were cut off and left layers");
            Check::new("layers", Level::Note, text).hint(
                "the engine never gives that space back by itself, not even to `docker system prune`",
            )
        }
    }
}

fn unknown(name: &str, why: &str) -> Check {
    Check::new(name, Level::Warning, format!("cannot be checked: {why}"))
}

async fn within<T, E: std::fmt::Display>(
    call: impl Future<Output = Result<T, E>>,
) -> Result<T, String> {
    match tokio::time::timeout(LOOK_TIMEOUT, call).await {
        Ok(answer) => answer.map_err(|error| error.to_string()),
        Err(_) => Err(format!("no answer within {} s", LOOK_TIMEOUT.as_secs())),
    }
}
