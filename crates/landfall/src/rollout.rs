//! From the agent's first answer to the exit code: shows a plan, or watches the rollout to its end.

use clap::Args;
use landfall_api::{ClientError, NothingToDo, ProblemCode, RolloutAnswer, RolloutId, RolloutRef};
use landfall_core::id::{AppName, InvalidName};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::watch::Since;
use crate::{plan_view, watch};

/// Flags of every verb that begins or changes a rollout.
#[derive(Debug, Default, Args)]
pub(crate) struct WatchArgs {
    /// Return as soon as the agent has taken it over.
    #[arg(short, long)]
    pub(crate) detach: bool,
}

/// A rollout as typed.
pub(crate) fn parse_id(text: &str) -> Result<RolloutId, &'static str> {
    text.parse().map_err(|error: InvalidName| error.rule)
}

/// Concludes a verb with what the agent answered.
pub(crate) async fn conclude(
    invocation: &Invocation,
    app: &AppName,
    answer: RolloutAnswer,
    args: &WatchArgs,
) -> Result<Exit, Failure> {
    match answer {
        RolloutAnswer::Started(rollout) => {
            watch_to_end(invocation, &rollout, args, Since::Beginning).await
        }
        RolloutAnswer::Planned(plan) => {
            plan_view::show(&plan, &invocation.printer);
            Ok(Exit::Done)
        }
        RolloutAnswer::NothingToDo(nothing) => {
            nothing_to_do(invocation, app, &nothing);
            Ok(Exit::Done)
        }
    }
}

/// Watches a rollout, shows how it ended, and gives its exit code.
pub(crate) async fn watch_to_end(
    invocation: &Invocation,
    rollout: &RolloutRef,
    args: &WatchArgs,
    since: Since,
) -> Result<Exit, Failure> {
    if args.detach {
        left_to_the_agent(invocation, rollout);
        return Ok(Exit::Done);
    }
    let verdict = watch::follow(invocation, rollout, since).await?;
    verdict.show(&invocation.printer);
    Ok(verdict.exit())
}

/// The rollout that is meant when none is named: the newest.
pub(crate) async fn resolve(
    invocation: &Invocation,
    app: &AppName,
    id: RolloutId,
) -> Result<RolloutRef, Failure> {
    let rollout = match id {
        RolloutId::Number(number) => Some(number),
        RolloutId::Latest => {
            let rollouts = invocation.client().rollouts(app).await?;
            rollouts.first().map(|newest| newest.rollout)
        }
    };
    let none = || {
        Failure::not_done("not_found", format!("there was no rollout of {app} yet"))
            .hint("`landfall deploy` begins one")
    };
    Ok(RolloutRef { app: app.clone(), rollout: rollout.ok_or_else(none)? })
}

/// Adds what serves now to a failure before the rollout began, if the agent can tell.
pub(crate) async fn with_what_serves(
    invocation: &Invocation,
    app: &AppName,
    mut failure: Failure,
) -> Failure {
    if failure.exit != Exit::NotDone {
        return failure;
    }
    let line = match invocation.client().app(app).await {
        Ok(status) => watch::unchanged(app, status.serving.map(|serving| serving.release)),
        Err(ClientError::Problem(problem)) if problem.code == ProblemCode::NotFound => {
            watch::unchanged(app, None)
        }
        Err(_) => return failure,
    };
    failure.last_line = Some(line);
    failure
}

fn left_to_the_agent(invocation: &Invocation, rollout: &RolloutRef) {
    let printer = &invocation.printer;
    if printer.is_json() {
        printer.json(rollout);
    } else {
        let RolloutRef { app, rollout } = rollout;
        printer.say(&format!("rollout {rollout} of {app} goes on at the agent"));
        let flag = invocation.host_flag();
        printer.say(&format!("  watch it:     landfall attach -p {app}{flag}"));
    }
}

fn nothing_to_do(invocation: &Invocation, app: &AppName, nothing: &NothingToDo) {
    let printer = &invocation.printer;
    if printer.is_json() {
        printer.json(&RolloutAnswer::NothingToDo(nothing.clone()));
        return;
    }
    printer.announce(&match nothing.serving {
        Some(release) => format!("{app} {release} serves already: nothing to do"),
        None => format!("{app} is down already: nothing to do"),
    });
}
