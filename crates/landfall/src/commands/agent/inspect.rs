//! `landfall agent inspect`: what stands in the state folders, read and checked as at a start.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::cli::CommonArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::invocation::Invocation;

/// Print what stands in a state folder that no agent and no edge uses.
///
/// Reads a state folder as a starting agent and a starting edge would, checks all of it and prints it
/// as JSON. Nothing is driven. For tests that cut the power.
#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// The folder, as `LANDFALL_STATE_DIR` would name it.
    #[arg(value_name = "DIR")]
    state_dir: PathBuf,
    #[command(flatten)]
    pub(super) common: CommonArgs,
}

#[derive(Serialize)]
struct Inspected {
    agent: landfall_agent::Inspection,
    table: landfall_core::route::RouteTable,
}

pub(super) fn run(args: &InspectArgs, invocation: &Invocation) -> Result<Exit, Failure> {
    let damaged = |what: &str, error: &dyn std::fmt::Display| {
        Failure::not_done("inspect", format!("the {what}'s state cannot be used: {error}"))
    };
    let agent = landfall_agent::read_state(&args.state_dir.join("agent"));
    let agent = agent.map_err(|error| damaged("agent", &error))?;
    let table = landfall_edge::stored_table(&args.state_dir.join("edge"));
    let table = table.map_err(|error| damaged("edge", &error))?;
    invocation.printer.json(&Inspected { agent, table });
    Ok(Exit::Done)
}
