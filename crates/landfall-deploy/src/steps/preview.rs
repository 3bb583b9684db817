//! The preview: a held candidate at addresses of its own. A part of the edge's table like what serves,
//! so that it survives restarts, and so that the cutover takes it away in its own generation.

use landfall_core::route::{AppRoutes, RouteTable};

use super::cutover::{Change, change};
use super::{Context, StepError};
use crate::ports::Edge;

/// Opens it, unless it is open already.
pub(super) async fn open<E, G: Edge, J, C, F, O>(
    context: &Context<'_, E, G, J, C, F, O>,
    routes: &AppRoutes,
) -> Result<(), StepError> {
    let app = &context.plan.app;
    change(context, |table| match table.previews.get(app) {
        Some(open) if open == routes => Change::Done,
        Some(_) | None => Change::To(table.with_preview(app, Some(routes.clone()))),
    })
    .await
}

/// Closes it, and takes one generation even if it is closed already: a call that opens it and is still
/// on its way then comes too late.
pub(super) async fn close<E, G: Edge, J, C, F, O>(
    context: &Context<'_, E, G, J, C, F, O>,
) -> Result<(), StepError> {
    let app = &context.plan.app;
    let newer = |table: &RouteTable| {
        table.previews.get(app).is_some_and(|open| open.rollout > context.plan.rollout)
    };
    change(context, |table| {
        if newer(table) { Change::Done } else { Change::To(table.with_preview(app, None)) }
    })
    .await
}
