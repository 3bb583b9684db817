//! `landfall recover`: a lost or damaged store rebuilt on this host, without an agent.

use clap::Args;
use landfall_agent::{AgentConfig, RecoverOptions, RecoveredApp, Recovery};
use landfall_docker::DockerEngine;

use crate::cli::CommonArgs;
use crate::engine::HostEngine;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::output::style::{Paint, Tone, harmless};

/// Rebuild the agent's lost or damaged store from what is left.
///
/// For a host whose agent does not start because its database is lost or damaged. Looks at the sealed
/// copies of releases, at the edge's routes and at the labels of containers, and says what it would
/// write; with `--yes` it writes it. The agent must be stopped and the edge must run: it serves on
/// meanwhile. The old database is kept aside, nothing that runs is touched, and what is not
/// understood is reported and left alone.
#[derive(Debug, Args)]
pub(crate) struct RecoverArgs {
    /// Do it; otherwise nothing is changed.
    #[arg(short, long)]
    yes: bool,
    /// Rebuild even a database that can be opened, for example an older copy of it.
    #[arg(long)]
    anew: bool,
    /// Remove containers of rollouts that do not serve, which the next deploy would remove too.
    #[arg(long, requires = "yes")]
    clean_up: bool,
    #[command(flatten)]
    pub(crate) common: CommonArgs,
}

pub(crate) async fn run(args: &RecoverArgs, invocation: &Invocation) -> Result<Exit, Failure> {
    let settings = &invocation.settings;
    let paths = &settings.paths;
    let config =
        AgentConfig::new(paths.agent_state(), paths.agent_socket.clone(), paths.edge_socket());
    let docker = DockerEngine::connect_to(settings.docker_host.as_deref());
    let docker = docker.map_err(|error| Failure::not_done("engine", error.to_string()))?;
    let engine = HostEngine::new(docker, settings.docker_config.clone());
    let options = RecoverOptions { apply: args.yes, anew: args.anew, clean_up: args.clean_up };
    let recovery = landfall_agent::recover(&config, &engine, options).await?;
    let printer = &invocation.printer;
    if printer.is_json() {
        printer.json(&recovery);
    } else {
        printer.data_lines(&lines(&recovery, printer.paint_out()));
    }
    Ok(Exit::Done)
}

fn lines(recovery: &Recovery, paint: Paint) -> Vec<String> {
    let mut lines = vec![format!("store   {}", harmless(&recovery.store))];
    for app in &recovery.known {
        lines.push(format!("known   {app}, left as it is"));
    }
    for app in &recovery.apps {
        lines.extend(about(app, paint));
    }
    for remark in &recovery.remarks {
        lines.push(format!("{} {}", paint.text(Tone::Busy, "left:"), harmless(remark)));
    }
    if let Some(aside) = &recovery.kept_aside {
        lines.push(format!("aside   {}", aside.display()));
    }
    lines.push(match (recovery.applied, recovery.apps.len()) {
        (false, 0) => "nothing to recover".to_owned(),
        (false, _) => "nothing was changed; `landfall recover --yes` does it".to_owned(),
        (true, count) => {
            let apps = if count == 1 { "app" } else { "apps" };
            format!("{count} {apps} recovered; `landfall agent start` starts the agent")
        }
    });
    lines
}

fn about(app: &RecoveredApp, paint: Paint) -> Vec<String> {
    let serves = match (app.serving, app.rollout) {
        (Some(release), Some(rollout)) => format!("{release} serves, brought by {rollout}"),
        (Some(_) | None, _) => "nothing serves".to_owned(),
    };
    let mut lines = vec![format!("app     {}: {serves}", paint.text(Tone::Strong, &app.app))];
    let releases: Vec<_> = app.releases.iter().map(ToString::to_string).collect();
    if !releases.is_empty() {
        lines.push(format!("        releases to roll back to: {}", releases.join(", ")));
    }
    lines.push(format!("        its next rollout will be {}", app.next_rollout));
    if !app.leftovers.is_empty() {
        lines.push(format!(
            "        left over, until the next deploy: {}",
            app.leftovers.join(", ")
        ));
    }
    lines.extend(app.remarks.iter().map(|remark| format!("        {}", harmless(remark))));
    lines
}
