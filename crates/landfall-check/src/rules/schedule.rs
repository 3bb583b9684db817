//! Things that have to happen once.

use landfall_core::diagnostic::Severity::{Error, Warning};

use crate::facts::App;
use crate::finding::Out;
use crate::know;
use crate::rule::Rule;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "scheduler-twice",
        severity: Warning,
        title: "a scheduler that may run twice",
        why: "A scheduler decides when things happen, and two of them decide twice: two mails, two \
            invoices, two backups at once. During a deploy the new release runs beside the old one, so \
            without a word there are two for a while at every deploy.",
        fix: "write `x-landfall: {singleton: true}`: the old one stops before the new one starts",
        before: "services:\n  beat:\n    image: web:1.4.2\n    command: celery -A shop beat\n",
        after: "services:\n  beat:\n    image: web:1.4.2\n    command: celery -A shop beat\n    x-landfall: \
            {singleton: true}\n",
        run: twice,
    },
    Rule {
        id: "sleep-loop",
        severity: Warning,
        title: "a loop that sleeps, for want of cron",
        why: "`while true; do job; sleep 86400; done` runs the job at every start, so at every deploy and \
            every restart, drifts by its own duration, ignores failures, is killed in the middle of a \
            run, and is there twice while two releases overlap.",
        fix: "let a scheduler of the host or of the app start the job, or make the loop a singleton",
        before: "services:\n  job:\n    image: web:1.4.2\n    command: sh -c \"while true; do ./refresh; sleep \
            86400; done\"\n",
        after: "services:\n  job:\n    image: web:1.4.2\n    command: supercronic /etc/crontab\n    \
            x-landfall: {singleton: true}\n",
        run: sleep_loop,
    },
];

fn twice(app: &App<'_>, out: &mut Out) {
    for service in app.services().filter(|s| !s.is_one_off) {
        let runs = service.runs(app);
        let scheduler = runs.as_ref().and_then(|runs| know::is_scheduler(&runs.line()));
        let named = matches!(
            service.name.replace('-', "_").as_str(),
            "beat" | "celery_beat" | "celerybeat" | "scheduler" | "cron"
        );
        let (at, what) = match (runs, scheduler) {
            (Some(runs), Some(scheduler)) => (runs.at, format!("runs the scheduler `{scheduler}`")),
            (None, _) if named => (service.view.key_at(), "is a scheduler by its name".to_owned()),
            _ => continue,
        };
        let name = service.name;
        if service.replicas() > 1 {
            let message = format!("`{name}` {what} in {} replicas", service.replicas());
            out.service(service, at, message).severity(Error);
        } else if !service.is_single() {
            let message = format!("`{name}` {what}, and two of them run during a deploy");
            out.service(service, at, message);
        }
    }
}

fn sleep_loop(app: &App<'_>, out: &mut Out) {
    for service in app.services() {
        let Some(runs) = service.runs(app) else { continue };
        if know::sleeps_in_a_loop(&runs.line()) {
            let message =
                format!("`{}` sleeps in a loop to do something from time to time", service.name);
            let finding = out.service(service, runs.at, message);
            if service.is_single() {
                finding.hint("let a scheduler of the host or of the app start the job");
            }
        }
    }
}
