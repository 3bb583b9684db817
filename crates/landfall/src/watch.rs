//! Watches a rollout: its events in, lines or a live block out, an exit code at the end.
//!
//! [`view`] folds events into what is known; [`lines`] and [`block`] put it into words for a log and
//! for a terminal; [`verdict`] says how it ended. Only this file waits.

mod block;
mod lines;
mod verdict;
mod view;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use landfall_api::{
    ClientError, Event, EventKind, Lines, Problem, ProblemCode, RolloutRef, TransportError,
};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

pub(crate) use verdict::{Verdict, unchanged};
use view::View;

use crate::failure::Failure;
use crate::invocation::{Invocation, OnInterrupt};
use crate::remote::Tunnel;

/// Pause between two drawings of the block: 25 a second.
const FRAME: Duration = Duration::from_millis(40);
/// What takes less than this is over before a block would help.
const QUIET_START: Duration = Duration::from_millis(250);
/// How long an agent that is gone is waited for.
const AGENT_AWAY_MAX: Duration = Duration::from_mins(1);
/// How long a host that is gone is waited for.
const HOST_AWAY_MAX: Duration = Duration::from_mins(3);
/// Pause between two attempts to reach it.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// Which events of a rollout are told as lines; the live block always shows the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Since {
    /// All, those of long ago included.
    Beginning,
    /// Those from now on.
    Now,
    /// Those since it was let through; that it was held before is taken as known.
    Promoted,
}

/// Follows a rollout to its end, or until it is held or stuck.
pub(crate) async fn follow(
    invocation: &Invocation,
    rollout: &RolloutRef,
    since: Since,
) -> Result<Verdict, Failure> {
    invocation
        .on_interrupt(OnInterrupt::Lines(verdict::left_alone(rollout, &invocation.host_flag())));
    let told_from_ms = match since {
        Since::Beginning | Since::Promoted => 0,
        Since::Now => now_ms(),
    };
    let watch = Watch { invocation, rollout, told_from_ms, since };
    let mut view = View::new(rollout.clone());
    watch.run(&mut view).await?;
    let printer = &invocation.printer;
    if printer.is_live() && view.plan.is_some() {
        printer.draw(&block::lines(&view, printer.paint_err(), now_ms()));
        printer.leave();
    } else {
        printer.clear();
    }
    Ok(verdict::of(view, invocation.host_flag()))
}

/// A rollout that only prepared is forgotten when the agent restarts; nothing was touched for it.
fn lost(view: &View, problem: Problem) -> Failure {
    if problem.code != ProblemCode::NotFound || view.plan.is_some() || view.last_seq() == 0 {
        return problem.into();
    }
    let app = &view.rollout.app;
    let message = format!("the agent was restarted while it prepared {app}: nothing was changed");
    Failure::not_done("lost", message).hint("do it again")
}

struct Watch<'a> {
    invocation: &'a Invocation,
    rollout: &'a RolloutRef,
    /// Earlier events are taken in without a word.
    told_from_ms: u64,
    since: Since,
}

impl Watch<'_> {
    /// Reads events until the last one, over restarts of the agent.
    async fn run(&self, view: &mut View) -> Result<(), Failure> {
        let mut away_since: Option<Instant> = None;
        while !self.is_over(view) {
            let after = view.last_seq();
            let client = self.invocation.client();
            let stream = client.events(&self.rollout.app, self.rollout.rollout, after).await;
            let broken = match stream {
                Ok(events) => self.read(events, view).await.err().map(ClientError::from),
                Err(error) => Some(error),
            };
            if self.is_over(view) {
                break;
            }
            if view.last_seq() > after {
                away_since = None;
            }
            let error = match broken {
                Some(ClientError::Problem(problem)) => return Err(lost(view, *problem)),
                Some(ClientError::Transport(error)) => Some(error),
                None => None,
            };
            match self.invocation.tunnel() {
                Some(tunnel) => self.host_is_away(view, &mut away_since, tunnel).await?,
                None => self.agent_is_away(view, &mut away_since, error)?,
            }
            sleep(ASK_AGAIN).await;
        }
        Ok(())
    }

    /// That it was held says nothing to one who knows that it was let through.
    fn is_over(&self, view: &View) -> bool {
        let is_past = self.since == Since::Promoted && view.held.is_some();
        view.is_over() && !is_past
    }

    /// Says once that the agent is gone, and gives up after a while.
    fn agent_is_away(
        &self,
        view: &mut View,
        since: &mut Option<Instant>,
        error: Option<TransportError>,
    ) -> Result<(), Failure> {
        let printer = &self.invocation.printer;
        let first = since.is_none();
        let since = *since.get_or_insert_with(Instant::now);
        view.set_agent_away(true);
        if first && !printer.is_live() {
            printer.say("the agent went away; waiting for it, the rollout goes on when it is back");
        }
        if since.elapsed() < AGENT_AWAY_MAX {
            return Ok(());
        }
        let message = format!("the agent is gone since {} s", AGENT_AWAY_MAX.as_secs());
        let mut failure = Failure::internal(message);
        failure.causes.extend(error.map(|error| error.to_string()));
        let app = &self.rollout.app;
        Err(failure
            .hint("start it with `landfall agent start`: it takes the rollout up where it was")
            .hint(format!("then watch it with `landfall attach -p {app}`")))
    }

    /// Says once that another host is gone, and tries to reach it again; gives up after a while, or
    /// when it is of no use.
    async fn host_is_away(
        &self,
        view: &mut View,
        since: &mut Option<Instant>,
        tunnel: &Tunnel,
    ) -> Result<(), Failure> {
        let printer = &self.invocation.printer;
        let host = tunnel.host();
        let first = since.is_none();
        let since = *since.get_or_insert_with(Instant::now);
        view.set_agent_away(true);
        if first && !printer.is_live() {
            printer.say(&format!(
                "no word from {host}; the rollout goes on there, this command tries to reach it"
            ));
        }
        let Err(error) = tunnel.open_again().await else {
            if !printer.is_live() {
                printer.say(&format!("{host} answers again"));
            }
            return Ok(());
        };
        if error.may_pass() && since.elapsed() < HOST_AWAY_MAX {
            return Ok(());
        }
        let why = Failure::from(error);
        let after = since.elapsed().as_secs();
        let mut failure = Failure::internal(format!("{host} could not be reached for {after} s"));
        failure.causes.push(why.message.clone());
        failure.causes.extend(why.causes.iter().cloned());
        let (app, flag) = (&self.rollout.app, self.invocation.host_flag());
        Err(failure
            .hint("the rollout does not need this command: it ends by itself")
            .hint(format!("see how with `landfall attach -p {app}{flag}`, from here or there")))
    }

    /// Reads one stream to its end, drawing meanwhile.
    async fn read(&self, mut events: Lines<Event>, view: &mut View) -> Result<(), TransportError> {
        let printer = &self.invocation.printer;
        let begun = Instant::now();
        let mut frames = interval(FRAME);
        frames.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                event = events.next() => match event? {
                    Some(event) => self.take(&event, view),
                    None => return Ok(()),
                },
                _ = frames.tick(), if printer.is_live() => {
                    if begun.elapsed() >= QUIET_START {
                        printer.draw(&block::lines(view, printer.paint_err(), now_ms()));
                    }
                }
            }
        }
    }

    fn take(&self, event: &Event, view: &mut View) {
        let printer = &self.invocation.printer;
        view.set_agent_away(false);
        let is_promotion = matches!(event.kind, EventKind::Promoted { .. });
        let is_told = event.at_ms >= self.told_from_ms
            && (self.since != Since::Promoted || view.is_promoted() || is_promotion);
        if printer.is_json() && is_told {
            printer.json(event);
        } else if is_told && !printer.is_live() {
            for line in lines::of(event, view, printer.is_verbose()) {
                printer.say(&line);
            }
        }
        view.apply(event);
    }
}

/// Now, in milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
