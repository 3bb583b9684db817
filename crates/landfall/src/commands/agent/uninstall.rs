//! `landfall agent uninstall`: systemd runs agent and edge no more.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::install::{below, call};
use crate::cli::CommonArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::units::{self, AGENT_UNIT, EDGE_UNIT};

/// Take agent and edge out of systemd; apps and state stay.
///
/// Stops both services and removes their units. Containers go on running and volumes stay, but nobody
/// answers on the ports that the edge served until `landfall agent install` or `landfall agent start`
/// brings it back. Releases and journals stay in /var/lib/landfall unless `--purge-state` is given.
#[derive(Debug, Args)]
pub(crate) struct UninstallArgs {
    /// Remove releases, journals, routes and logs too: nothing can be rolled back afterwards.
    #[arg(long)]
    purge_state: bool,
    /// Remove the files below this folder and stop nothing: for images.
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    #[command(flatten)]
    pub(super) common: CommonArgs,
}

#[derive(Serialize)]
struct Uninstalled {
    removed: Vec<PathBuf>,
    state_removed: bool,
}

pub(super) fn run(args: &UninstallArgs, invocation: &Invocation) -> Result<Exit, Failure> {
    let root = args.root.clone().unwrap_or_else(|| "/".into());
    let files: Vec<_> = units::all(Path::new("landfall"), &[])
        .into_iter()
        .map(|file| below(&root, &file.path))
        .filter(|path| path.exists())
        .collect();
    let live = args.root.is_none();
    let is_installed = !files.is_empty();
    if live && is_installed {
        call("systemctl", &["disable", "--now", AGENT_UNIT, EDGE_UNIT])?;
    }
    for path in &files {
        remove(fs::remove_file(path), path)?;
    }
    if live && is_installed {
        call("systemctl", &["daemon-reload"])?;
    }
    let state = below(&root, Path::new("/var/lib/landfall"));
    if args.purge_state {
        remove(fs::remove_dir_all(&state), &state)?;
    }
    let printer = &invocation.printer;
    if printer.is_json() {
        printer.json(&Uninstalled { removed: files, state_removed: args.purge_state });
        return Ok(Exit::Done);
    }
    for path in &files {
        printer.say(&format!("removed {}", path.display()));
    }
    if !is_installed {
        printer.say("nothing was installed");
    } else if live {
        printer.say("containers go on running; nobody serves the ports of the edge now");
    }
    if !args.purge_state {
        printer.say(&format!("releases and journals stay in {}", state.display()));
    }
    Ok(Exit::Done)
}

fn remove(removed: io::Result<()>, path: &Path) -> Result<(), Failure> {
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Failure::not_done("unit", format!("cannot remove {}", path.display())).cause(error))
        }
        _ => Ok(()),
    }
}
