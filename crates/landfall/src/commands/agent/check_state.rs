//! `landfall agent check-state`: does this version understand the store? Asked by `agent upgrade` of
//! the binary that is to come.

use clap::Args;

use crate::cli::CommonArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::invocation::Invocation;

/// Say whether this version understands what the agent has stored; changes nothing.
#[derive(Debug, Args)]
pub(crate) struct CheckStateArgs {
    #[command(flatten)]
    pub(super) common: CommonArgs,
}

pub(super) fn run(invocation: &Invocation) -> Result<Exit, Failure> {
    let state = invocation.settings.paths.agent_state();
    landfall_agent::inspect(&state).map_err(|error| {
        let message = format!("the store in {} is not understood", state.display());
        Failure::not_done("store", message).cause(error)
    })?;
    Ok(Exit::Done)
}
