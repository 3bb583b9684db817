//! `landfall audit`: who changed what, when, and what came of it.

use clap::Args;
use landfall_api::{AuditAction, AuditEntry, AuditFact, AuditQuery, AuditResult, Who};

use crate::cli::SharedArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::output::humane;
use crate::output::style::{Paint, Tone, harmless};
use crate::output::table::Table;
use crate::project;
use crate::watch::now_ms;
use crate::words;

/// Entries that are shown when nothing else is asked for.
const SHOWN: usize = 50;

/// Show the audit record: who changed what, when, and what came of it.
///
/// Everything that was asked of the agent and changes something is written down, newest first: deploys,
/// rollbacks, downs, and what was called off, resumed, abandoned, built or refused. USER is what the
/// kernel says of the process that asked, SAYS what it says of itself. The newest 10000 entries are
/// kept, none is ever changed. Where there is no compose file, shows all apps of the host.
#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    /// All apps, and what is about the host itself.
    #[arg(short, long)]
    all: bool,
    /// Not older than this, for example `30m`, `12h` or `7d`.
    #[arg(long, value_name = "AGE", value_parser = parse_age)]
    since: Option<u64>,
    /// Show so many, the newest ones; 0 is all. By default 50 as text, all as JSON.
    #[arg(short = 'n', long, value_name = "COUNT")]
    number: Option<usize>,
    #[command(flatten)]
    pub(crate) shared: SharedArgs,
}

/// An age as typed, in milliseconds.
fn parse_age(text: &str) -> Result<u64, &'static str> {
    let rule = "write it as `90s`, `30m`, `12h` or `7d`";
    let unit = text.chars().last().ok_or(rule)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return Err(rule),
    };
    let number: u64 = text[..text.len() - unit.len_utf8()].parse().map_err(|_| rule)?;
    number.checked_mul(seconds * 1_000).ok_or(rule)
}

pub(crate) async fn run(args: &AuditArgs, invocation: &Invocation) -> Result<Exit, Failure> {
    let printer = &invocation.printer;
    let settings = &invocation.settings.project;
    let app = match (&settings.name, args.all) {
        (_, true) => None,
        (Some(name), false) => Some(name.clone()),
        (None, false) => project::name_if_any(settings, printer)?,
    };
    let max = match args.number {
        Some(0) => None,
        Some(number) => Some(number),
        None if printer.is_json() => None,
        None => Some(SHOWN),
    };
    let since_ms = args.since.map(|age_ms| now_ms().saturating_sub(age_ms));
    let query = AuditQuery { app: app.clone(), since_ms, max };
    let entries = invocation.client().audit(&query).await?;
    if printer.is_json() {
        for entry in &entries {
            printer.json(entry);
        }
    } else if entries.is_empty() {
        let whose = app.map(|app| format!(" of {app}")).unwrap_or_default();
        printer.say(&format!("no change{whose} is written down for that time"));
    } else {
        let paint = printer.paint_out();
        printer.data_lines(&table(&entries, paint).lines(paint));
        if max == Some(entries.len()) {
            printer.say("there may be older ones; `-n 0` shows all");
        }
    }
    Ok(Exit::Done)
}

fn table(entries: &[AuditEntry], paint: Paint) -> Table {
    let heading = ["when (UTC)", "user", "says", "what", "app", "rollout", "what came of it"];
    let mut table = Table::new(heading);
    for entry in entries {
        let fact = &entry.fact;
        let (user, says) = who(&fact.who);
        table.row([
            humane::date_utc(entry.at_ms),
            user,
            says,
            what(fact),
            fact.app.as_ref().map(ToString::to_string).unwrap_or_default(),
            fact.rollout.map(|rollout| rollout.to_string()).unwrap_or_default(),
            result(fact, paint),
        ]);
    }
    table
}

fn who(who: &Who) -> (String, String) {
    match who {
        Who::Agent => ("(agent)".to_owned(), String::new()),
        Who::Peer { uid, user, claimed, .. } => {
            let user = match user {
                Some(name) => format!("{} ({uid})", harmless(name)),
                None => format!("uid {uid}"),
            };
            (user, claimed.as_deref().map(harmless).unwrap_or_default())
        }
    }
}

fn what(fact: &AuditFact) -> String {
    let verb = match fact.action {
        AuditAction::Deploy => "deploy",
        AuditAction::RollBack => "rollback",
        AuditAction::Down => "down",
        AuditAction::Cancel => "cancel",
        AuditAction::Resume => "resume",
        AuditAction::Abandon => "abandon",
        AuditAction::Promote => "promote",
        AuditAction::Repair => "repair",
        AuditAction::Build => "build",
        AuditAction::Start => "agent started",
        AuditAction::Recover => "recover",
        AuditAction::Other => "(unknown to this version)",
    };
    match fact.release {
        Some(release) => format!("{verb} to {release}"),
        None => verb.to_owned(),
    }
}

fn result(fact: &AuditFact, paint: Paint) -> String {
    let result = match &fact.result {
        AuditResult::Accepted => "begun".to_owned(),
        AuditResult::Done => "done".to_owned(),
        AuditResult::Refused { problem } => {
            format!("{}: {}", paint.text(Tone::Bad, "refused"), harmless(&problem.message))
        }
        AuditResult::Ended { outcome } => words::ended(outcome, paint),
        AuditResult::Stuck { reason } => {
            paint.text(Tone::Bad, format!("stuck: {}", words::reason(reason)))
        }
    };
    let commit = fact.commit.as_deref().map(|commit| words::commit(Some(commit)));
    let message = fact.message.as_deref().map(harmless);
    std::iter::once(result).chain(message).chain(commit).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_read_with_their_unit() {
        assert_eq!(parse_age("90s"), Ok(90_000));
        assert_eq!(parse_age("7d"), Ok(604_800_000));
        for bad in ["", "7", "d", "-1h", "1w", "99999999999999999999d", "7д"] {
            assert!(parse_age(bad).is_err(), "{bad}");
        }
    }
}
