//! Held rollouts: consent, the end of patience, and the wish for a hold before there is a plan.
//!
//! A held rollout is a journal that says so and a lease that rests: nothing of it runs. How long it may
//! wait is counted on the monotonic clock, from when this agent first saw it held; only what had passed
//! before the agent was started is taken from the wall clock, and never as less than nothing.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use landfall_api::{Problem, ProblemCode, PromoteRequest, RolloutId, RolloutRef};
use landfall_core::control::ListenCheck;
use landfall_core::hash::sha256_hex;
use landfall_core::id::AppName;
use landfall_core::plan::{Plan, Step};
use landfall_core::planner::{HoldWish, preview_listeners};
use landfall_core::reason::{Reason, ReasonKind};
use landfall_core::record::Record;
use landfall_core::release::Release;
use landfall_core::rollout::Rollout;
use landfall_deploy::ports::Clock;

use crate::agent::Agent;
use crate::carry_out::RESUME_TOLD_MAX;
use crate::ground::{EdgeProcess, Ground};
use crate::lease::Lease;
use crate::problems;
use crate::store::now_ms;
use crate::wish::{self, Wish};
use crate::world::World;

/// Longest wait for whoever looks after a held rollout just now.
const TURN_WAIT_MAX: Duration = Duration::from_secs(20);
/// Pause between two looks.
const TURN_WAIT: Duration = Duration::from_millis(10);
/// Ports that previews get by default: below those that the kernel hands out by itself.
const PORTS: std::ops::Range<u16> = 15_000..16_000;
/// Places that are tried for one preview.
const PLACES_MAX: usize = 40;

/// When a rollout that is held since then is called off; milliseconds since 1970.
pub(crate) fn until_ms(plan: &Plan, held_at_ms: u64) -> Option<u64> {
    plan.hold?.max_ms.map(|max_ms| held_at_ms.saturating_add(max_ms))
}

/// How long it may still wait. A wall clock that was set back adds nothing.
fn left_ms(held_at_ms: u64, max_ms: u64, now_ms: u64) -> u64 {
    held_at_ms.saturating_add(max_ms).saturating_sub(now_ms).min(max_ms)
}

impl<G: Ground> Agent<G> {
    /// Lets a held rollout through. From here on it goes to its end by itself.
    pub(crate) async fn promote(
        &self,
        app: &AppName,
        id: RolloutId,
        request: PromoteRequest,
    ) -> Result<RolloutRef, Problem> {
        wish::check_text("by", &request.by)?;
        let lease = self.open_lease(app, id)?;
        let deadline = self.clock.now() + TURN_WAIT_MAX;
        loop {
            if !lease.is_held() {
                return Err(not_held(&lease));
            }
            if lease.try_drive() {
                break;
            }
            if self.clock.now() >= deadline {
                let message =
                    format!("rollout {} of {app} is being looked after", lease.of.rollout);
                return Err(Problem::new(ProblemCode::Busy, message).hint("try again"));
            }
            self.clock.sleep(TURN_WAIT).await;
        }
        let RolloutRef { app, rollout } = &lease.of;
        tracing::info!(%app, %rollout, by = request.by, "promoted");
        let mut told = lease.feed.subscribe();
        let (agent, task_lease) = (self.clone(), Arc::clone(&lease));
        self.supervise(Arc::clone(&lease), async move {
            agent.drive_with(&task_lease, Some(Record::Promoted { by: request.by })).await;
        });
        // The answer says that it is durable, and whoever watches next does not find it held still.
        drop(tokio::time::timeout(RESUME_TOLD_MAX, told.changed()).await);
        if lease.feed.look(|rollout| rollout.is_some_and(Rollout::is_promoted)) {
            return Ok(lease.of.clone());
        }
        let message =
            format!("rollout {rollout} of {app} could not be promoted: see the agent's log");
        Err(Problem::new(ProblemCode::Internal, message))
    }

    /// Calls a rollout off, and answers once that is durable, if it was held.
    pub(crate) async fn call_off_told(
        &self,
        app: &AppName,
        id: RolloutId,
    ) -> Result<RolloutRef, Problem> {
        let lease = self.open_lease(app, id)?;
        let (mut told, held) = (lease.feed.subscribe(), lease.is_held());
        let of = self.call_off(app, id)?;
        if held {
            drop(tokio::time::timeout(RESUME_TOLD_MAX, told.changed()).await);
        }
        Ok(of)
    }

    /// Nobody drives a held rollout any more; unless it was called off meanwhile.
    pub(crate) fn rest_held(&self, lease: &Arc<Lease>) {
        lease.rest();
        // The wish comes before the attempt to drive, and the rest before this look: one of both sees
        // the other.
        if lease.cancel.is_wished() {
            self.drive_held(lease);
        }
    }

    /// Drives a held rollout that was called off, unless somebody does.
    pub(crate) fn drive_held(&self, lease: &Arc<Lease>) {
        if lease.try_drive() {
            let (agent, task_lease) = (self.clone(), Arc::clone(lease));
            self.supervise(Arc::clone(lease), async move {
                agent.drive_with(&task_lease, None).await;
            });
        }
    }

    async fn drive_with(&self, lease: &Arc<Lease>, first: Option<Record>) {
        if let Err(problem) = self.drive_on(lease, first).await {
            let RolloutRef { app, rollout } = &lease.of;
            tracing::error!(%app, %rollout, problem = problem.message, "cannot go on");
            self.catch_up(lease).await;
            lease.rest();
        }
    }

    /// Calls off what was held for too long; and takes up what was called off, where the attempt at
    /// recording that failed.
    pub(crate) fn end_overdue_holds(&self) {
        for lease in self.leases.all() {
            if lease.is_held() && lease.cancel.is_wished() {
                self.drive_held(&lease);
                continue;
            }
            let max_ms = lease
                .feed
                .look(|rollout| rollout.filter(|rollout| rollout.is_held())?.plan().hold?.max_ms);
            let Some(max_ms) = max_ms else { continue };
            let now = self.clock.now();
            let ends_at = lease.hold_ends_at(|| {
                let held_at_ms = lease.feed.held_at_ms().unwrap_or_else(now_ms);
                now + Duration::from_millis(left_ms(held_at_ms, max_ms, now_ms()))
            });
            if now < ends_at {
                continue;
            }
            let message = format!("nobody promoted it within {}", span(max_ms));
            tracing::warn!(app = %lease.of.app, rollout = %lease.of.rollout, message);
            lease.cancel.call_off(Reason::new(ReasonKind::Deadline, message));
            self.drive_held(&lease);
        }
    }

    /// The hold that a wish asks for, with a place for its preview.
    pub(crate) async fn hold(
        &self,
        wish: &Wish,
        release: Option<&Release>,
        world: &World,
    ) -> Result<Option<HoldWish>, Problem> {
        let Some(release) = release else { return Ok(None) };
        let settings = &release.spec.settings;
        if !wish.is_held(settings) {
            return match wish.preview() {
                None => Ok(None),
                Some(_) => Err(Problem::new(
                    ProblemCode::Invalid,
                    "only a rollout that is held has a preview",
                )),
            };
        }
        let max_ms = Some(settings.hold_max_ms).filter(|ms| *ms > 0);
        let preview = match wish.preview() {
            Some(preview) if preview.port() == 0 => {
                return Err(Problem::new(ProblemCode::Invalid, "a preview needs a port"));
            }
            Some(preview) => preview,
            None => self.free_place(release, world).await?,
        };
        Ok(Some(HoldWish { preview, max_ms }))
    }

    /// A free place of the loopback for a preview: for one app the same each time, if it is free.
    async fn free_place(&self, release: &Release, world: &World) -> Result<SocketAddr, Problem> {
        let here = |port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
        let needed = u16::try_from(preview_listeners(release)).unwrap_or(u16::MAX);
        let known = world.table.listeners();
        let planned: BTreeSet<_> = world.open_plans.iter().flat_map(planned_listeners).collect();
        let mut places = places(release.app(), needed);
        for _ in 0..PLACES_MAX {
            let Some(first) = places.next() else { break };
            let listen: Vec<_> = (first..first + needed).map(here).collect();
            if listen.iter().any(|at| known.contains(at) || planned.contains(at)) {
                continue;
            }
            let checked = self.edge.listen_check(&ListenCheck { listen }).await;
            let checked = checked.map_err(|error| problems::edge_call(&error))?;
            if checked.unusable.is_empty() {
                return Ok(here(first));
            }
        }
        Err(Problem::new(ProblemCode::PortTaken, "there is no free port for a preview")
            .hint("name one with `--preview ADDRESS:PORT`"))
    }
}

/// First ports of places for a preview, each once, from one that depends on the app.
fn places(app: &AppName, needed: u16) -> impl Iterator<Item = u16> {
    let step = needed.max(1);
    let count = (PORTS.end - PORTS.start) / step;
    let hash = sha256_hex(app.as_str().as_bytes());
    let start = u16::from_str_radix(&hash[..4], 16).unwrap_or_default();
    (0..count).map(move |n| PORTS.start + ((start % count + n) % count) * step)
}

/// Addresses that a plan will have the edge listen on.
fn planned_listeners(plan: &Plan) -> Vec<SocketAddr> {
    let parts = plan.steps.iter().filter_map(|step| match step {
        Step::Cutover { routes } => routes.as_ref(),
        Step::OpenPreview { routes } => Some(routes),
        Step::PinImages { .. }
        | Step::CreateNetworks { .. }
        | Step::CreateVolumes { .. }
        | Step::WriteFiles
        | Step::StartStateful { .. }
        | Step::LinkStateful { .. }
        | Step::RunOneOff { .. }
        | Step::StartReplicas { .. }
        | Step::TakeNames { .. }
        | Step::Verify { .. }
        | Step::GateAgain { .. }
        | Step::HandOver { .. }
        | Step::Drain { .. }
        | Step::StopOld { .. }
        | Step::Prune { .. } => None,
    });
    parts.flat_map(|part| &part.routes).map(|route| route.listen).collect()
}

fn not_held(lease: &Lease) -> Problem {
    let RolloutRef { app, rollout } = &lease.of;
    let promoted = lease.feed.look(|rollout| rollout.is_some_and(Rollout::is_promoted));
    let message = if promoted {
        format!("rollout {rollout} of {app} was promoted already")
    } else {
        format!("rollout {rollout} of {app} is not held")
    };
    Problem::new(ProblemCode::Invalid, message).hint("`landfall attach` shows where it stands")
}

/// A time for people, in the largest unit that tells it whole.
fn span(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        s if s > 0 && s % 86_400 == 0 => format!("{} d", s / 86_400),
        s if s > 0 && s % 3600 == 0 => format!("{} h", s / 3600),
        s if s > 0 && s % 60 == 0 => format!("{} min", s / 60),
        s if s > 0 => format!("{s} s"),
        _ => format!("{ms} ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// I22: only the past of before this agent's life is read from the wall clock.
    #[test]
    fn a_wall_clock_that_jumps_never_lengthens_a_hold() {
        for (held_at, max, now, left) in [
            (1_000, 500, 1_000, 500),
            (1_000, 500, 1_400, 100),
            (1_000, 500, 1_500, 0),
            (1_000, 500, 9_000, 0),
            (1_000, 500, 20, 500),
            (u64::MAX, 500, 0, 500),
        ] {
            assert_eq!(left_ms(held_at, max, now), left, "held at {held_at}, now {now}");
        }
    }

    #[test]
    fn spans_are_told_in_the_unit_that_fits() {
        for (ms, words) in
            [(604_800_000, "7 d"), (5_400_000, "90 min"), (7_200_000, "2 h"), (90_000, "90 s")]
        {
            assert_eq!(span(ms), words);
        }
        assert_eq!(span(1_500), "1 s");
        assert_eq!(span(20), "20 ms");
    }

    #[test]
    fn an_app_has_its_place_and_others_to_fall_back_on() {
        let app = |name: &str| name.parse::<AppName>().unwrap();
        let all: Vec<_> = places(&app("shop"), 3).collect();
        assert_eq!(all, places(&app("shop"), 3).collect::<Vec<_>>());
        assert_ne!(all[0], places(&app("blog"), 3).next().unwrap());
        let distinct: BTreeSet<_> = all.iter().collect();
        assert_eq!((distinct.len(), all.len()), (333, 333));
        assert!(all.iter().all(|first| PORTS.contains(first) && PORTS.contains(&(first + 2))));
        assert_eq!(places(&app("shop"), 0).count(), 1000);
        assert_eq!(places(&app("shop"), 2000).count(), 0);
    }
}
