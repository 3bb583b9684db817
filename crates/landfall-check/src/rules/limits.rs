//! How long and how much: restarts, memory, logs, the time to stop.

use landfall_compose::View;
use landfall_core::diagnostic::Severity::{Error, Note, Warning};

use crate::facts::{App, Service};
use crate::finding::Out;
use crate::know;
use crate::rule::Rule;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "no-restart-policy",
        severity: Warning,
        title: "a service that stays down",
        why: "Without a restart policy a container that crashes, or that stops because the host was \
            rebooted, stays down until somebody looks.",
        fix: "write `restart: unless-stopped`",
        before: "services:\n  web:\n    image: web:1.4.2\n",
        after: "services:\n  web:\n    image: web:1.4.2\n    restart: unless-stopped\n",
        run: no_restart,
    },
    Rule {
        id: "one-off-restarts",
        severity: Error,
        title: "a one-off that never ends",
        why: "Others wait for this service to complete, but its restart policy starts it again when it \
            does. Compose waits for ever, or a migration runs again and again.",
        fix: "write `restart: \"no\"` or `restart: on-failure`",
        before: "services:\n  web:\n    image: web:1.4.2\n    depends_on:\n      migrate: {condition: \
            service_completed_successfully}\n  migrate:\n    image: web:1.4.2\n    restart: always\n",
        after: "services:\n  web:\n    image: web:1.4.2\n    depends_on:\n      migrate: {condition: \
            service_completed_successfully}\n  migrate:\n    image: web:1.4.2\n    restart: \"no\"\n",
        run: one_off_restarts,
    },
    Rule {
        id: "no-memory-limit",
        severity: Note,
        title: "services that may eat all memory",
        why: "Without a limit, one leak takes the memory of all. The kernel then kills the largest \
            process of the host, which is often the database and not the culprit. During a deploy two \
            releases run at once, so the need is doubled.",
        fix: "set `mem_limit`, or `deploy.resources.limits.memory`, some way above what it uses",
        before: "services:\n  web:\n    image: web:1.4.2\n",
        after: "services:\n  web:\n    image: web:1.4.2\n    mem_limit: 512m\n",
        run: no_memory_limit,
    },
    Rule {
        id: "no-log-limit",
        severity: Note,
        title: "logs that grow until the disk is full",
        why: "The engine's default log driver keeps everything a container ever wrote in one file. A \
            chatty service fills the disk in weeks, and then everything stops, the database first.",
        fix: "set `logging: {driver: local}`, or `max-size` and `max-file` of `json-file`",
        before: "services:\n  web:\n    image: web:1.4.2\n",
        after: "services:\n  web:\n    image: web:1.4.2\n    logging: {driver: local}\n",
        run: no_log_limit,
    },
    Rule {
        id: "stop-grace-short",
        severity: Warning,
        title: "a worker that is killed in the middle of a task",
        why: "A container gets ten seconds to stop, then it is killed. A queue worker that works on \
            longer tasks loses them at every deploy, or does them twice when the queue hands them out \
            again.",
        fix: "set `stop_grace_period` to the longest task, for example `5m`",
        before: "services:\n  worker:\n    image: web:1.4.2\n    command: [celery, -A, shop, worker]\n",
        after: "services:\n  worker:\n    image: web:1.4.2\n    command: [celery, -A, shop, worker]\n\
            \u{20}   stop_grace_period: 5m\n",
        run: stop_grace,
    },
];

fn long_running<'s, 'a>(app: &'s App<'a>) -> impl Iterator<Item = &'s Service<'a>> {
    app.services().filter(|s| !s.is_one_off && !s.has_profiles() && !s.is_job(app))
}

/// Compose makes a setting of a number or a word; only that it is there counts.
fn has(service: &Service<'_>, path: &str) -> bool {
    service.view.at_path(path).is_some()
}

fn no_restart(app: &App<'_>, out: &mut Out) {
    let lacking =
        long_running(app).filter(|s| !has(s, "restart") && !has(s, "deploy.restart_policy"));
    out.group(lacking, |names, _| {
        format!("nothing starts {names} again after a crash or a reboot")
    });
}

fn one_off_restarts(app: &App<'_>, out: &mut Out) {
    for service in app.services().filter(|service| service.is_one_off) {
        let restart = service.view.get("restart");
        let again = |r: &View<'_>| matches!(r.text(), Some("always" | "unless-stopped"));
        if let Some(restart) = restart.filter(again) {
            let message =
                format!("`{}` has to complete, and is started again when it does", service.name);
            out.service(service, restart.at(), message);
        }
    }
}

fn no_memory_limit(app: &App<'_>, out: &mut Out) {
    let lacking = long_running(app)
        .filter(|s| !has(s, "mem_limit") && !has(s, "deploy.resources.limits.memory"));
    out.group(lacking, |names, _| format!("{names} may take all memory of the host"));
}

fn no_log_limit(app: &App<'_>, out: &mut Out) {
    let unbounded = |service: &&Service<'_>| {
        let Some(logging) = service.view.get("logging") else { return true };
        let driver = logging.get("driver").and_then(View::text).unwrap_or("json-file");
        driver == "json-file" && logging.at_path("options.max-size").is_none()
    };
    out.group(long_running(app).filter(unbounded), |names, _| {
        format!("the logs of {names} grow without a limit")
    });
}

fn stop_grace(app: &App<'_>, out: &mut Out) {
    for service in long_running(app).filter(|s| !has(s, "stop_grace_period")) {
        let Some(runs) = service.runs(app) else { continue };
        let line = runs.line();
        if let Some(worker) = know::is_worker(&line).filter(|_| know::is_scheduler(&line).is_none())
        {
            let message =
                format!("`{}` runs `{worker}` and has ten seconds to finish a task", service.name);
            out.service(service, runs.at, message);
        }
    }
}
