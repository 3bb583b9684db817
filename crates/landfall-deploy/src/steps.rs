//! What each step does and how it is undone. Every step looks before it touches, so that doing it
//! twice, or after an interruption at any point, is as good as once.

use landfall_core::plan::{Plan, PlannedReplica, Step};
use landfall_core::reason::{Reason, ReasonKind};
use landfall_core::record::{Effect, Retry};
use landfall_core::release::Release;

use crate::driver::{Cancel, Driver};
use crate::ports::{
    Clock, Edge, EdgeError, Engine, EngineError, Files, FilesError, JournalStore, Observer,
};

mod clean_up;
mod cutover;
mod gatekeeper;
mod last_look;
mod one_off;
mod preview;
mod replicas;
mod request;
mod resources;
mod stateful;
mod take_names;
mod verify;

/// What a step works with.
pub(crate) struct Context<'a, E, G, J, C, F, O> {
    pub(crate) ports: &'a Driver<E, G, J, C, F>,
    pub(crate) plan: &'a Plan,
    pub(crate) step: usize,
    pub(crate) release: Option<&'a Release>,
    pub(crate) observer: &'a O,
    /// Heard in waits before the pivot.
    pub(crate) cancel: Option<&'a Cancel>,
}

/// Why a step, or its undo, did not work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StepError {
    pub(crate) reason: Reason,
    pub(crate) effect: Effect,
    pub(crate) retry: Retry,
}

impl StepError {
    /// The candidate's own fault: trying again does not help.
    pub(crate) fn verdict(reason: Reason) -> Self {
        Self { reason, effect: Effect::Unknown, retry: Retry::Never }
    }
}

impl From<EngineError> for StepError {
    fn from(error: EngineError) -> Self {
        let reason = Reason::new(ReasonKind::Engine, error.message);
        Self { reason, effect: error.effect, retry: error.retry }
    }
}

impl From<EdgeError> for StepError {
    fn from(error: EdgeError) -> Self {
        let reason = Reason::new(ReasonKind::Edge, error.message);
        Self { reason, effect: error.effect, retry: error.retry }
    }
}

impl From<FilesError> for StepError {
    fn from(error: FilesError) -> Self {
        let reason = Reason::new(ReasonKind::Files, error.0);
        Self { reason, effect: Effect::Unknown, retry: Retry::Later }
    }
}

impl<'a, E, G, J, C, F, O> Context<'a, E, G, J, C, F, O> {
    /// The target release; a plan whose steps need one has it.
    pub(crate) fn release(&self) -> Result<&'a Release, StepError> {
        self.release.ok_or_else(|| {
            let message = "the release of this rollout is not in the store";
            StepError::verdict(Reason::new(ReasonKind::Files, message))
        })
    }

    /// Fails once a person wishes to call the rollout off.
    pub(crate) fn check_cancel(&self) -> Result<(), StepError> {
        match self.cancel {
            Some(cancel) => match cancel.reason() {
                Some(reason) => Err(StepError::verdict(reason.clone())),
                None => Ok(()),
            },
            None => Ok(()),
        }
    }
}

/// Does the context's step.
pub(crate) async fn run<E, G, J, C, F, O>(
    context: &Context<'_, E, G, J, C, F, O>,
) -> Result<(), StepError>
where
    E: Engine,
    G: Edge,
    J: JournalStore,
    C: Clock,
    F: Files,
    O: Observer,
{
    match &context.plan.steps[context.step] {
        Step::PinImages { pins } => resources::pin_images(context, pins).await,
        Step::CreateNetworks { networks } => resources::create_networks(context, networks).await,
        Step::CreateVolumes { volumes } => resources::create_volumes(context, volumes).await,
        Step::WriteFiles => Ok(context.ports.files.write(context.release()?).await?),
        Step::StartStateful { replica, replaces, .. } => {
            stateful::start(context, replica, replaces).await
        }
        Step::LinkStateful { links } => stateful::link(context, links).await,
        Step::TakeNames { links } => take_names::take(context, links).await,
        Step::RunOneOff { replica } => one_off::run(context, replica).await,
        Step::StartReplicas { replicas } => replicas::start(context, replicas).await,
        Step::Verify { checks } => verify::verify(context, checks).await,
        Step::OpenPreview { routes } => preview::open(context, routes).await,
        Step::GateAgain { replicas } => replicas::gate_again(context, replicas).await,
        Step::HandOver { replica, .. } => replicas::hand_over(context, replica).await,
        Step::Cutover { routes } => cutover::cut_over(context, routes.as_ref()).await,
        Step::Drain { from, deadline_ms } => cutover::drain(context, *from, *deadline_ms).await,
        Step::StopOld { keep, grace_ms } => clean_up::stop_old(context, keep, grace_ms).await,
        Step::Prune { keep, networks } => clean_up::prune(context, keep, networks).await,
    }
}

/// Makes one of a plan's replicas anew and waits for its gate.
pub(crate) async fn remake<E, G, J, C, F, O>(
    context: &Context<'_, E, G, J, C, F, O>,
    replica: &PlannedReplica,
) -> Result<(), StepError>
where
    E: Engine,
    C: Clock,
    F: Files,
    O: Observer,
{
    replicas::launch(context, replica).await?;
    gatekeeper::pass(context, replica).await
}

/// Undoes the context's step: whatever of it may have happened.
pub(crate) async fn undo<E, G, J, C, F, O>(
    context: &Context<'_, E, G, J, C, F, O>,
) -> Result<(), StepError>
where
    E: Engine,
    G: Edge,
    J: JournalStore,
    C: Clock,
    F: Files,
    O: Observer,
{
    match &context.plan.steps[context.step] {
        Step::PinImages { pins } => resources::unpin_images(context, pins).await,
        Step::CreateNetworks { .. } => resources::remove_networks(context).await,
        Step::CreateVolumes { .. } => resources::remove_volumes(context).await,
        Step::WriteFiles => resources::remove_files(context).await,
        Step::StartStateful { replaces, within, .. } => {
            stateful::unstart(context, replaces, within).await
        }
        Step::LinkStateful { links } => stateful::unlink(context, links).await,
        Step::RunOneOff { .. } | Step::StartReplicas { .. } => replicas::remove(context).await,
        Step::HandOver { replica, from, within } => {
            replicas::hand_back(context, replica, *from, within).await
        }
        Step::OpenPreview { .. } => preview::close(context).await,
        Step::Cutover { .. } => cutover::not_cut_over(context).await,
        // Its containers are removed next, and the names with them.
        Step::TakeNames { .. } | Step::GateAgain { .. } => Ok(()),
        // Changes nothing; or comes after the pivot, where nothing is undone.
        Step::Verify { .. } | Step::Drain { .. } | Step::StopOld { .. } | Step::Prune { .. } => {
            Ok(())
        }
    }
}
