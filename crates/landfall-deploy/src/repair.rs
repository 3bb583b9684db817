//! Doing again what a finished plan did: making a lost replica or network as the plan has it. There is
//! no undo, since what is made was there before; and it is only what the plan's own labels say.

use landfall_core::plan::{Plan, PlannedReplica};
use landfall_core::reason::Reason;
use landfall_core::release::Release;

use crate::driver::Driver;
use crate::ports::{Clock, Edge, Engine, Files, JournalStore, Observer};
use crate::steps::{self, Context};

impl<E, G, J, C, F> Driver<E, G, J, C, F>
where
    E: Engine,
    G: Edge,
    J: JournalStore,
    C: Clock,
    F: Files,
{
    /// Makes a replica of a plan anew, starts it, and waits for its gate. One that is there is adopted.
    pub async fn remake(
        &self,
        plan: &Plan,
        release: &Release,
        (step, replica): (usize, &PlannedReplica),
        observer: &impl Observer,
    ) -> Result<(), Reason> {
        let release = Some(release);
        let context = Context { ports: self, plan, step, release, observer, cancel: None };
        // Places on networks that went with the previous release are no more.
        let mut replica = replica.clone();
        replica.attachments.retain(|place| plan.keeps_network(&place.network));
        steps::remake(&context, &replica).await.map_err(|error| error.reason)
    }

    /// Does a step of a plan again. Only for steps that adopt what is there: networks, files, pins.
    pub async fn redo(
        &self,
        plan: &Plan,
        release: &Release,
        step: usize,
        observer: &impl Observer,
    ) -> Result<(), Reason> {
        let release = Some(release);
        let context = Context { ports: self, plan, step, release, observer, cancel: None };
        steps::run(&context).await.map_err(|error| error.reason)
    }
}
