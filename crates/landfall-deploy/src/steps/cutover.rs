//! The pivot, and the drain after it. The edge's persisted table is the commit record.

use std::time::Duration;

use landfall_core::id::RolloutNumber;
use landfall_core::mutation::{Mutation, planted};
use landfall_core::reason::{Reason, ReasonKind};
use landfall_core::record::{Effect, Retry};
use landfall_core::route::{AppRoutes, RouteTable};

use super::{Context, StepError, last_look};
use crate::ports::{Clock, Edge, EdgeError, Engine, Observer, Progress};

/// Another app's cutover may come in between; each takes one generation.
const STALE_MAX: u32 = 20;

/// What becomes of a table.
pub(super) enum Change {
    /// It is as it should be.
    Done,
    /// This one follows it.
    To(RouteTable),
    /// A newer rollout has the app's routes: ours is over.
    Superseded(RolloutNumber),
}

/// Swaps the app's part of the table, unless that has happened already. A candidate that is not well
/// any more does not get its routes.
pub(super) async fn cut_over<E: Engine, G: Edge, J, C: Clock, F, O>(
    context: &Context<'_, E, G, J, C, F, O>,
    routes: Option<&AppRoutes>,
) -> Result<(), StepError> {
    let app = &context.plan.app;
    let wanted = |table: &RouteTable| match (routes, table.apps.get(app).map(|part| part.rollout)) {
        (_, Some(newer)) if newer > context.plan.rollout => Change::Superseded(newer),
        (Some(_), Some(ours)) if ours == context.plan.rollout => Change::Done,
        (None, None) => Change::Done,
        (Some(_), _) | (None, Some(_)) => Change::To(table.with_app(app, routes.cloned())),
    };
    for _ in 0..STALE_MAX {
        let table = read(context).await?;
        let Some(next) = next(wanted(&table))? else { return Ok(()) };
        let unwell = match routes {
            Some(_) => last_look::look(context).await?,
            None => None,
        };
        let failure = match unwell {
            Some(reason) => StepError { reason, effect: Effect::None, retry: Retry::Never },
            None => match swap(context, &next).await {
                Ok(true) => return Ok(()),
                Ok(false) => continue,
                Err(error) if error.effect == Effect::Unknown => return Err(error),
                Err(refused) => refused,
            },
        };
        if is_over(context, &table).await? {
            return Err(failure);
        }
    }
    Err(others_came_first())
}

/// Makes sure that nothing becomes of this cutover: a swap of an earlier attempt may still be on its
/// way. It comes too late once the table that was read has a successor; false when it came first.
async fn is_over<E, G: Edge, J, C, F, O>(
    context: &Context<'_, E, G, J, C, F, O>,
    table: &RouteTable,
) -> Result<bool, StepError> {
    if planted(Mutation::CutoverUnfenced) || planted(Mutation::CutoverNotReread) {
        return Ok(true);
    }
    let unsure = |error| StepError { effect: Effect::Unknown, retry: Retry::Later, ..error };
    swap(context, &table.fenced()).await.map_err(unsure)
}

/// Brings the table to what `wanted` makes of it; other writers may come in between.
pub(super) async fn change<E, G: Edge, J, C, F, O>(
    context: &Context<'_, E, G, J, C, F, O>,
    wanted: impl Fn(&RouteTable) -> Change,
) -> Result<(), StepError> {
    for _ in 0..STALE_MAX {
        match next(wanted(&read(context).await?))? {
            None => return Ok(()),
            Some(next) if swap(context, &next).await? => return Ok(()),
            Some(_) => {}
        }
    }
    Err(others_came_first())
}

/// The table to swap in, if there is one.
fn next(change: Change) -> Result<Option<RouteTable>, StepError> {
    match change {
        Change::Done => Ok(None),
        Change::To(next) => Ok(Some(next)),
        Change::Superseded(newer) => {
            let message = format!("rollout {newer} has the routes, and is newer than this one");
            let reason = Reason::new(ReasonKind::Edge, message);
            Err(StepError { reason, effect: Effect::None, retry: Retry::Never })
        }
    }
}

/// Swaps a table in; false when another writer came first.
async fn swap<E, G: Edge, J, C, F, O>(
    context: &Context<'_, E, G, J, C, F, O>,
    next: &RouteTable,
) -> Result<bool, StepError> {
    match context.ports.edge.swap(next).await {
        Ok(()) => Ok(true),
        Err(mut error) if planted(Mutation::CutoverNotReread) => {
            error.effect = Effect::None;
            error.retry = Retry::Never;
            Err(error.into())
        }
        Err(EdgeError { stale: true, .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn others_came_first() -> StepError {
    let message = format!("other writers of the route table came first {STALE_MAX} times");
    let reason = Reason::new(ReasonKind::Edge, message);
    StepError { reason, effect: Effect::None, retry: Retry::Later }
}

fn serves<E, G, J, C, F, O>(table: &RouteTable, context: &Context<'_, E, G, J, C, F, O>) -> bool {
    table.apps.get(&context.plan.app).is_some_and(|part| part.rollout == context.plan.rollout)
}

/// Not being able to read the table says nothing about an earlier attempt at swapping it.
async fn read<E, G: Edge, J, C, F, O>(
    context: &Context<'_, E, G, J, C, F, O>,
) -> Result<RouteTable, StepError> {
    context.ports.edge.table().await.map_err(|error| StepError {
        effect: Effect::Unknown,
        retry: Retry::Later,
        ..StepError::from(error)
    })
}

/// The undo of a cutover that surely did not happen: nothing, but sure it must be.
pub(super) async fn not_cut_over<E, G: Edge, J, C, F, O>(
    context: &Context<'_, E, G, J, C, F, O>,
) -> Result<(), StepError> {
    if serves(&read(context).await?, context) {
        let reason = Reason::new(ReasonKind::Edge, "the edge serves the release that failed");
        return Err(StepError { reason, effect: Effect::Unknown, retry: Retry::Later });
    }
    Ok(())
}

/// Waits until nothing is in flight to the previous release, at most until the deadline.
pub(super) async fn drain<E, G: Edge, J, C: Clock, F, O: Observer>(
    context: &Context<'_, E, G, J, C, F, O>,
    from: Option<RolloutNumber>,
    deadline_ms: u64,
) -> Result<(), StepError> {
    let Some(from) = from.filter(|_| !planted(Mutation::DrainSkipped)) else { return Ok(()) };
    let (edge, clock) = (&context.ports.edge, &context.ports.clock);
    let started = clock.now();
    let mut told = None;
    loop {
        let targets = edge.targets().await?;
        let old = targets.iter().filter(|t| t.app == context.plan.app && t.rollout == from);
        let in_flight: u64 = old.filter(|t| t.retired).map(|t| t.in_flight).sum();
        if in_flight == 0 {
            return Ok(());
        }
        let elapsed = clock.now().saturating_sub(started);
        if elapsed >= Duration::from_millis(deadline_ms) {
            return Ok(edge.close(&context.plan.app, from).await?);
        }
        if told != Some(elapsed.as_secs()) {
            told = Some(elapsed.as_secs());
            context.observer.progress(context.step, Progress::Draining { in_flight });
        }
        let pause = if elapsed < Duration::from_secs(2) { 5 } else { 50 };
        clock.sleep(Duration::from_millis(pause)).await;
    }
}
