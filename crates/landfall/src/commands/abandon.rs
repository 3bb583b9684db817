//! `landfall abandon`: end a stuck rollout where it stands.

use clap::Args;
use landfall_api::{AbandonRequest, Abandoned, RolloutId};
use landfall_core::id::AppName;

use crate::cli::SharedArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::output::confirm;
use crate::output::style::{Paint, Tone, harmless};
use crate::rollout;

/// End a stuck rollout where it stands, without another attempt.
///
/// The way out when `landfall resume` does not help. Nothing more is tried, nothing is stopped, undone
/// or removed, and no data is touched: what serves goes on serving, what is left in place is listed, and
/// the next deploy that succeeds removes it. The app is free for other rollouts then. On a terminal it
/// asks first; elsewhere it needs `--yes`.
#[derive(Debug, Args)]
pub(crate) struct AbandonArgs {
    /// Which rollout, for example `d3`; the open one by default.
    #[arg(
        value_name = "ROLLOUT",
        value_parser = rollout::parse_id,
        default_value = "latest",
        hide_default_value = true
    )]
    rollout: RolloutId,
    /// Do not ask.
    #[arg(short, long)]
    yes: bool,
    /// Only say what would be left.
    #[arg(long)]
    plan: bool,
    /// Why, for the audit record.
    #[arg(short, long, value_name = "TEXT")]
    message: Option<String>,
    #[command(flatten)]
    pub(crate) shared: SharedArgs,
}

pub(crate) async fn run(args: &AbandonArgs, invocation: &Invocation) -> Result<Exit, Failure> {
    let app = invocation.app()?;
    let printer = &invocation.printer;
    if !args.plan && !args.yes && !confirm::can_ask() {
        return Err(Failure::usage("nobody can be asked here whether to abandon the rollout")
            .hint("`--plan` says what would be left, `--yes` abandons it without asking"));
    }
    let client = invocation.client();
    let mut request = AbandonRequest {
        by: invocation.settings.by.clone(),
        message: args.message.clone(),
        plan_only: true,
    };
    if args.plan || !args.yes {
        let would = client.abandon(&app, args.rollout, &request).await?;
        if args.plan && printer.is_json() {
            printer.json(&would);
            return Ok(Exit::Done);
        }
        let paint = if args.plan { printer.paint_out() } else { printer.paint_err() };
        let lines = lines(&would, paint);
        if args.plan {
            printer.data_lines(&lines);
            return Ok(Exit::Done);
        }
        printer.announce_all(&lines);
        let question = format!("abandon rollout {} of {app} there?", would.rollout.rollout);
        if !confirm::is_confirmed(&question)? {
            printer.say("nothing was changed");
            return Ok(Exit::NotDone);
        }
    }
    request.plan_only = false;
    let done = client.abandon(&app, args.rollout, &request).await?;
    if printer.is_json() {
        printer.json(&done);
    } else {
        printer.data_lines(&lines(&done, printer.paint_out()));
    }
    Ok(Exit::Done)
}

fn lines(abandoned: &Abandoned, paint: Paint) -> Vec<String> {
    let app = &abandoned.rollout.app;
    let rollout = abandoned.rollout.rollout;
    let why = harmless(&abandoned.reason.to_string());
    let mut lines = vec![if abandoned.ended {
        format!("rollout {rollout} of {app} is abandoned; it was stuck: {why}")
    } else {
        format!("rollout {rollout} of {app} is stuck: {why}")
    }];
    lines.extend(left_lines(&abandoned.left));
    lines.push(serves(app, abandoned, paint));
    if abandoned.ended {
        let next =
            format!("next: `landfall deploy -p {app}`; `landfall drift -p {app}` looks first");
        lines.push(next);
    }
    lines
}

/// What stays in place.
pub(super) fn left_lines(left: &[String]) -> Vec<String> {
    if left.is_empty() {
        return vec!["nothing of it is left in place".to_owned()];
    }
    let mut lines = vec!["left in place, until the next deploy that succeeds:".to_owned()];
    lines.extend(left.iter().map(|thing| format!("  {}", harmless(thing))));
    lines
}

fn serves(app: &AppName, abandoned: &Abandoned, paint: Paint) -> String {
    match abandoned.serving {
        Some(release) => paint.text(Tone::Strong, format!("{app} {release} serves")),
        None => paint.text(Tone::Strong, format!("nothing of {app} serves")),
    }
}
