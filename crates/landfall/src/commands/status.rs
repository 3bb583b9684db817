//! `landfall status`: what serves, on which replicas, through which routes.

use clap::Args;
use landfall_api::{AppStatus, OpenPhase, OpenRollout, ReplicaState, ReplicaView, ServiceStatus};
use landfall_core::plan::RolloutKind;
use landfall_core::spec::Workload;

use crate::cli::SharedArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::output::humane;
use crate::output::printer::Printer;
use crate::output::style::{Paint, Tone, harmless};
use crate::output::table::Table;
use crate::preview;
use crate::project;
use crate::watch::now_ms;
use crate::words;

/// Show what serves, on which replicas, through which routes.
///
/// Shows what serves, on which replicas, through which routes. Where there is no compose file, shows
/// all apps of the host. With `-v`, one line a container.
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// All apps of the host.
    #[arg(short, long)]
    all: bool,
    #[command(flatten)]
    pub(crate) shared: SharedArgs,
}

pub(crate) async fn run(args: &StatusArgs, invocation: &Invocation) -> Result<Exit, Failure> {
    let printer = &invocation.printer;
    let settings = &invocation.settings.project;
    let app = match (&settings.name, args.all) {
        (_, true) => None,
        (Some(name), false) => Some(name.clone()),
        (None, false) => project::name_if_any(settings, printer)?,
    };
    let client = invocation.client();
    let apps = match &app {
        Some(app) => vec![client.app(app).await?],
        None => client.apps().await?,
    };
    match (printer.is_json(), app.is_some()) {
        (true, _) => apps.iter().for_each(|app| printer.json(app)),
        (false, true) => apps.iter().for_each(|app| show(app, printer)),
        (false, false) => show_all(&apps, printer),
    }
    Ok(Exit::Done)
}

fn show_all(apps: &[AppStatus], printer: &Printer) {
    if apps.is_empty() {
        printer.say("there is no app on this host yet; `landfall deploy` makes one");
        return;
    }
    let paint = printer.paint_out();
    let mut table = Table::new(["app", "serves", "since", "replicas", "rollout"]);
    for app in apps {
        let since = |since_ms| humane::age(since_ms, now_ms());
        let running: usize = app.services.iter().map(running).sum();
        table.row([
            app.app.to_string(),
            app.serving.as_ref().map(|s| s.release.to_string()).unwrap_or_default(),
            app.serving.as_ref().map(|s| since(s.since_ms)).unwrap_or_default(),
            running.to_string(),
            app.open.as_ref().map(|open| opened(open, paint)).unwrap_or_default(),
        ]);
    }
    printer.data_lines(&table.lines(paint));
}

fn show(status: &AppStatus, printer: &Printer) {
    let paint = printer.paint_out();
    let app = paint.text(Tone::Strong, &status.app);
    printer.data(&match &status.serving {
        Some(serving) => {
            let release = paint.text(Tone::Good, format!("{} serves", serving.release));
            let since = humane::date_utc(serving.since_ms);
            let age = humane::age(serving.since_ms, now_ms());
            format!("{app} {release} since {since} UTC ({age})")
        }
        None => format!("{app}: {}", paint.text(Tone::Busy, "nothing serves")),
    });
    if let Some(open) = &status.open {
        printer.data(&opened(open, paint));
        printer.data_lines(&previews(open));
    }
    let tables = [services(status, paint, printer.is_verbose()), routes(status)];
    for table in tables.iter().filter(|table| !table.is_empty()) {
        printer.data("");
        printer.data_lines(&table.lines(paint));
    }
    if !status.problems.is_empty() {
        printer.data("");
    }
    for problem in &status.problems {
        printer.data(&format!("{} {}", paint.text(Tone::Bad, "problem:"), harmless(problem)));
    }
}

/// `rollout d3 deploys r3: on its way, may be called off (ann@laptop, 5 s)`
fn opened(open: &OpenRollout, paint: Paint) -> String {
    let verb = match open.kind {
        RolloutKind::Deploy => "deploys",
        RolloutKind::RollBack => "rolls back to",
        RolloutKind::Down => "takes it down",
        RolloutKind::Recovered => "recovered",
    };
    let target = open.release.map(|release| format!(" {release}")).unwrap_or_default();
    let phase = words::stands(&open.phase, paint);
    let age = humane::age(open.since_ms, now_ms());
    format!("rollout {} {verb}{target}: {phase} ({}, {age})", open.rollout, harmless(&open.by))
}

/// Where a held candidate is reached, and what may become of it.
fn previews(open: &OpenRollout) -> Vec<String> {
    let OpenPhase::Held { preview, .. } = &open.phase else { return Vec::new() };
    let mut lines: Vec<_> =
        preview::places(preview).iter().map(|place| format!("  preview: {place}")).collect();
    lines.push("  `landfall promote` lets it through, `landfall cancel` calls it off".to_owned());
    lines
}

fn services(status: &AppStatus, paint: Paint, each: bool) -> Table {
    let mut table = if each {
        Table::new(["service", "workload", "release", "container", "state", "address"])
    } else {
        Table::new(["service", "workload", "release", "running", "state", "image"])
    };
    for service in &status.services {
        let workload = service.workload.map(|w| w.as_str().to_owned()).unwrap_or_default();
        let name = service.service.to_string();
        for replica in service.replicas.iter().filter(|_| each) {
            table.row([
                name.clone(),
                workload.clone(),
                replica.release.to_string(),
                harmless(&replica.name),
                state(replica, paint),
                replica.address.map(|a| a.to_string()).unwrap_or_default(),
            ]);
        }
        if !each {
            table.row([
                name,
                workload,
                releases(service),
                match service.workload {
                    Some(Workload::OneOff) => String::new(),
                    Some(Workload::Replicated | Workload::Singleton | Workload::Stateful)
                    | None => format!("{}/{}", running(service), service.wanted),
                },
                states(service, paint),
                harmless(&service.image),
            ]);
        }
    }
    table
}

fn running(service: &ServiceStatus) -> usize {
    service.replicas.iter().filter(|r| r.status == ReplicaState::Running).count()
}

/// The releases that a service's containers are of, without repetition.
fn releases(service: &ServiceStatus) -> String {
    let mut all: Vec<_> = service.replicas.iter().map(|r| r.release).collect();
    all.sort_unstable();
    all.dedup();
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn states(service: &ServiceStatus, paint: Paint) -> String {
    let mut all: Vec<String> = service.replicas.iter().map(|r| state(r, paint)).collect();
    all.dedup();
    all.join(", ")
}

fn state(replica: &ReplicaView, paint: Paint) -> String {
    let code = replica.exit_code.map(|code| format!(" ({code})")).unwrap_or_default();
    match replica.status {
        ReplicaState::Created => paint.text(Tone::Busy, "created"),
        ReplicaState::Running if replica.exits == 0 => paint.text(Tone::Good, "running"),
        ReplicaState::Running => {
            let restarts = humane::count(replica.exits as usize, "restart");
            paint.text(Tone::Busy, format!("running, {restarts}"))
        }
        ReplicaState::Restarting => paint.text(Tone::Bad, format!("restarting{code}")),
        ReplicaState::Exited => {
            let tone = if replica.exit_code == Some(0) { Tone::Faint } else { Tone::Bad };
            paint.text(tone, format!("exited{code}"))
        }
    }
}

fn routes(status: &AppStatus) -> Table {
    let mut table = Table::new(["route", "service", "endpoint", "in flight"]);
    for route in &status.routes {
        for endpoint in &route.upstream.endpoints {
            let target = status.targets.iter().find(|t| t.endpoint == *endpoint);
            table.row([
                route.place(),
                route.upstream.service.to_string(),
                endpoint.to_string(),
                target.map(|t| t.in_flight.to_string()).unwrap_or_default(),
            ]);
        }
    }
    for target in status.targets.iter().filter(|target| target.retired) {
        table.row([
            format!("draining ({})", target.release),
            target.service.to_string(),
            target.endpoint.to_string(),
            target.in_flight.to_string(),
        ]);
    }
    table
}
