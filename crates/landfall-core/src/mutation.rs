//! Protocol bugs that can be planted on purpose: the simulation must find each one.
//!
//! Without the cargo feature `mutations` nothing can be planted and [`planted`] is constantly false.

/// A planted bug. Each is asked for at one place of the product, or of the simulated neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mutation {
    /// A failure after the pivot unwinds as if there were none.
    NoPivot,
    /// The pivot is taken for the step after the cutover.
    PivotOneStepLate,
    /// The failed step itself is not undone.
    SkipFailedStepUndo,
    /// The oldest step is undone first.
    UndoOldestFirst,
    /// A step before the pivot is tried without end.
    AttemptsWithoutEnd,
    /// A cutover whose answer was lost unwinds.
    UnwindCutoverInDoubt,
    /// After a restart a step in doubt counts as done.
    ResumeGuessesDone,
    /// A rollout can be called off past its cutover.
    CancelPastPivot,
    /// One good answer passes a gate.
    GateAfterFirstAnswer,
    /// Nothing but the newest release is kept.
    KeepNothing,
    /// The old release is stopped before the cutover.
    StopOldBeforeCutover,
    /// What nothing uses after the cutover is removed before it.
    PruneBeforeCutover,
    /// Nobody waits for a gate.
    GateSkipped,
    /// Candidates are not asked through the edge, nor once more.
    VerifySkipped,
    /// Nobody looks at the candidate once more before the cutover.
    LastLookSkipped,
    /// A cutover is given up while a swap of it may still be on its way.
    CutoverUnfenced,
    /// Nobody waits for requests in flight.
    DrainSkipped,
    /// A one-off that ended is run again.
    OneOffRunAgain,
    /// A refused cutover counts as not done without reading the table.
    CutoverNotReread,
    /// The sweep takes the image tags of other apps too.
    SweepForeignTags,
    /// The undo of a replaced stateful service does not start the old one.
    UnstartForgetsOld,
    /// The undo of a handed-over singleton does not start the old one.
    HandBackForgetsOld,
    /// The old singleton is stopped after the new one was started.
    HandOverStartsFirst,
    /// Replicas of a failed step are left.
    LeaveReplicas,
    /// The intent is written after the effect.
    IntentAfterEffect,
    /// A second rollout of an app gets a lease.
    TwoLeases,
    /// Open rollouts found at the start hold no lease.
    RecoveryWithoutLease,
    /// Reconciling starts containers of any rollout.
    ReconcileAnyRollout,
    /// Numbers of rollouts that never began are given again.
    RolloutNumberReused,
    /// A new release is not stored with its first record.
    ReleaseNotStored,
    /// A rollout that is undone takes the serving release's content with it.
    ForgetServing,
    /// Two apps plan at the same time.
    PlanningUnguarded,
    /// What served until now is not kept when a newer release is there.
    KeepForgetsServing,
    /// What cannot be read for a moment blocks its app.
    ReadOnce,
    /// What was durable and not told stays untold.
    FeedForgets,
    /// A rollout may begin while its app is reconciled.
    ReconcileUnguarded,
    /// The edge answers before its table is on disk.
    EdgeAcksBeforePersisting,
    /// The edge takes any generation.
    EdgeIgnoresGeneration,
    /// The engine adopts a container by its name alone.
    AdoptByName,
    /// The store answers before its records are on disk.
    StoreSkipsSync,
}

impl Mutation {
    /// All of them.
    pub const ALL: [Self; 40] = [
        Self::NoPivot,
        Self::PivotOneStepLate,
        Self::SkipFailedStepUndo,
        Self::UndoOldestFirst,
        Self::AttemptsWithoutEnd,
        Self::UnwindCutoverInDoubt,
        Self::ResumeGuessesDone,
        Self::CancelPastPivot,
        Self::GateAfterFirstAnswer,
        Self::KeepNothing,
        Self::StopOldBeforeCutover,
        Self::PruneBeforeCutover,
        Self::GateSkipped,
        Self::VerifySkipped,
        Self::LastLookSkipped,
        Self::CutoverUnfenced,
        Self::DrainSkipped,
        Self::OneOffRunAgain,
        Self::CutoverNotReread,
        Self::SweepForeignTags,
        Self::UnstartForgetsOld,
        Self::HandBackForgetsOld,
        Self::HandOverStartsFirst,
        Self::LeaveReplicas,
        Self::IntentAfterEffect,
        Self::TwoLeases,
        Self::RecoveryWithoutLease,
        Self::ReconcileAnyRollout,
        Self::RolloutNumberReused,
        Self::ReleaseNotStored,
        Self::ForgetServing,
        Self::PlanningUnguarded,
        Self::KeepForgetsServing,
        Self::ReadOnce,
        Self::FeedForgets,
        Self::ReconcileUnguarded,
        Self::EdgeAcksBeforePersisting,
        Self::EdgeIgnoresGeneration,
        Self::AdoptByName,
        Self::StoreSkipsSync,
    ];
}

#[cfg(feature = "mutations")]
mod switch {
    use std::cell::Cell;

    use super::Mutation;

    thread_local! {
        static PLANTED: Cell<Option<Mutation>> = const { Cell::new(None) };
    }

    /// Plants one bug in this thread, or none.
    pub fn plant(mutation: Option<Mutation>) {
        PLANTED.set(mutation);
    }

    /// Whether a bug is planted in this thread.
    pub fn planted(mutation: Mutation) -> bool {
        PLANTED.get() == Some(mutation)
    }
}

#[cfg(feature = "mutations")]
pub use switch::{plant, planted};

/// Never, in what is shipped.
#[cfg(not(feature = "mutations"))]
pub const fn planted(_: Mutation) -> bool {
    false
}
