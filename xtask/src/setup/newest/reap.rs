//! What an engine leaves behind when it is killed: shims, containers, its data. Processes are told
//! by the engine's own folder in their arguments, never by a name that others might have.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::cmd::{cmd, say, succeeds};
use crate::wait;

/// Ends the engines of earlier runs whose xtask is gone (interrupted, or killed).
pub(super) fn abandoned(runs: &Path) -> Result<()> {
    let Ok(entries) = fs::read_dir(runs) else { return Ok(()) };
    for entry in entries {
        let state = entry?.path();
        let owner = state.file_name().unwrap_or_default();
        let alive = Path::new("/proc").join(owner).exists();
        if !alive {
            say(&format!("newest engine: clearing away {}", state.display()));
            leftovers(&state)?;
        }
    }
    Ok(())
}

/// Kills every process of the engine in `state`, with all it started, and removes the folder.
pub(super) fn leftovers(state: &Path) -> Result<()> {
    wait::until(Duration::from_secs(10), || {
        let pids = family(state);
        for pid in &pids {
            succeeds(&mut cmd("kill", ["-9", &pid.to_string()]));
        }
        pids.is_empty().then_some(())
    })
    .with_context(|| format!("processes of the engine in {} stay alive", state.display()))?;
    match fs::remove_dir_all(state) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("remove {}", state.display()))
        }
        _ => Ok(()),
    }
}

/// Processes with the folder in their arguments (daemon, containerd, shims, proxies), and their
/// descendants (containers).
fn family(state: &Path) -> BTreeSet<u32> {
    let processes: Vec<Process> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Process::read(&entry.file_name().to_string_lossy()))
        .collect();
    let mark = format!("{}/", state.display());
    let mut family: BTreeSet<u32> = processes
        .iter()
        .filter(|process| process.arguments.contains(&mark))
        .map(|process| process.pid)
        .collect();
    loop {
        let before = family.len();
        let children = processes.iter().filter(|process| family.contains(&process.parent));
        let children: Vec<u32> = children.map(|process| process.pid).collect();
        family.extend(children);
        if family.len() == before {
            return family;
        }
    }
}

struct Process {
    pid: u32,
    parent: u32,
    arguments: String,
}

impl Process {
    fn read(name: &str) -> Option<Self> {
        let pid = name.parse().ok()?;
        let arguments = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // After the name, which may hold anything, come the state and the parent.
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
        if fields.next()? == "Z" {
            return None;
        }
        let parent = fields.next()?.parse().ok()?;
        Some(Self { pid, parent, arguments: String::from_utf8_lossy(&arguments).into_owned() })
    }
}
