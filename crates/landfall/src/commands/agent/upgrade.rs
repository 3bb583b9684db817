//! `landfall agent upgrade`: another version of landfall in the place of the one that runs.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;
use landfall_api::AgentClient;
use serde::Serialize;

use super::install::call;
use crate::cli::CommonArgs;
use crate::daemon::{Launch, PidFile, Role, launch, stop};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::settings::Paths;
use crate::units::{AGENT_UNIT, EDGE_UNIT, UNIT_DIR};

/// Arguments of a process that are read at most.
const ARGS_BYTES_MAX: u64 = 64 * 1024;

/// Put another version of landfall in the place of the one that runs.
///
/// Checks the new binary first: it must start and understand the store, else nothing is changed.
/// Then it takes the old one's place, which is kept beside it as `.previous`; the agent is restarted
/// (an open rollout is taken up again) and the edge hands its sockets over, so no connection is
/// refused. If the new agent does not answer, the previous binary is put back.
#[derive(Debug, Args)]
pub(crate) struct UpgradeArgs {
    /// The new binary; this one by default.
    #[arg(long, value_name = "PATH")]
    binary: Option<PathBuf>,
    #[command(flatten)]
    pub(super) common: CommonArgs,
}

/// Who runs agent and edge.
enum Host {
    Systemd,
    /// `agent start`, with these arguments for the agent.
    Background {
        args: Vec<OsString>,
    },
}

#[derive(Serialize)]
struct Upgraded {
    binary: PathBuf,
    previous: Option<PathBuf>,
    version: String,
}

pub(super) async fn run(args: &UpgradeArgs, invocation: &Invocation) -> Result<Exit, Failure> {
    let paths = &invocation.settings.paths;
    let failed = |error: io::Error| Failure::not_done("binary", "no such binary").cause(error);
    let new = args.binary.clone().map_or_else(std::env::current_exe, Ok).map_err(failed)?;
    let new = fs::canonicalize(new).map_err(failed)?;
    let (host, target) = running(paths)?;
    let version = check(&new, paths)?;
    let previous = replace(&new, &target)?;
    let printer = &invocation.printer;
    if let Err(failure) = restart_agent(&host, &target, paths).await {
        return Err(go_back(&host, &target, previous.as_deref(), paths, failure).await);
    }
    printer.say(&format!("the agent runs {version}"));
    hand_over(&host, &target).map_err(|failure| {
        failure.hint("the agent is upgraded; the previous edge serves on, `landfall edge upgrade` tries again")
    })?;
    printer.say("the edge has handed its sockets over");
    if printer.is_json() {
        printer.json(&Upgraded { binary: target, previous, version });
    }
    Ok(Exit::Done)
}

/// Who runs the agent, and the binary that it runs.
fn running(paths: &Paths) -> Result<(Host, PathBuf), Failure> {
    let unit = Path::new(UNIT_DIR).join(AGENT_UNIT);
    let is_active =
        || Command::new("systemctl").args(["is-active", "--quiet", AGENT_UNIT]).status();
    let Some(pid) = PidFile::holder(Role::Agent, paths)? else {
        return Err(Failure::not_done("agent_not_running", "the agent is not running")
            .hint("start the new version with `landfall agent start`"));
    };
    let proc = PathBuf::from(format!("/proc/{}", pid.as_raw_nonzero()));
    let failed = |error: io::Error| {
        Failure::not_done("agent", "cannot see what the agent runs").cause(error)
    };
    let target = fs::read_link(proc.join("exe")).map_err(failed)?;
    // What was replaced before has this behind its name.
    let text = target.to_string_lossy();
    let target = text.strip_suffix(" (deleted)").map_or(target.clone(), PathBuf::from);
    if unit.exists() && is_active().is_ok_and(|status| status.success()) {
        return Ok((Host::Systemd, target));
    }
    let mut line = Vec::new();
    let cmdline = File::open(proc.join("cmdline")).map_err(failed)?;
    cmdline.take(ARGS_BYTES_MAX).read_to_end(&mut line).map_err(failed)?;
    let words = line.split(|byte| *byte == 0).filter(|word| !word.is_empty());
    let args = words.skip(1).map(|word| OsString::from_vec(word.to_vec())).collect();
    Ok((Host::Background { args }, target))
}

/// What the new binary calls itself, once it is sure that it understands the store.
fn check(new: &Path, paths: &Paths) -> Result<String, Failure> {
    let refused = |what: &str| Failure::not_done("binary", format!("{} {what}", new.display()));
    let version = Command::new(new).arg("--version").output();
    let version = version.map_err(|error| refused("cannot be started").cause(error))?;
    let text = String::from_utf8_lossy(&version.stdout).trim().to_owned();
    let Some(number) = text.strip_prefix("landfall ").filter(|_| version.status.success()) else {
        return Err(refused("is no landfall"));
    };
    let checked = Command::new(new)
        .args(["agent", "check-state"])
        .env("LANDFALL_STATE_DIR", &paths.state_dir)
        .output()
        .map_err(|error| refused("cannot be started").cause(error))?;
    if checked.status.success() {
        return Ok(number.to_owned());
    }
    let mut failure = refused("does not understand the store of the agent that runs");
    failure.details = String::from_utf8_lossy(&checked.stderr).lines().map(str::to_owned).collect();
    Err(failure.hint("nothing was changed; a newer landfall made the store"))
}

/// Puts the new binary at its place, in one step, and keeps the old one. `None` if they are the same.
fn replace(new: &Path, target: &Path) -> Result<Option<PathBuf>, Failure> {
    if new == target {
        return Ok(None);
    }
    let beside = |ending: &str| {
        let mut name = target.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    let (draft, previous) = (beside(".new"), beside(".previous"));
    let replaced = || {
        fs::copy(new, &draft)?;
        fs::set_permissions(&draft, fs::Permissions::from_mode(0o755))?;
        File::open(&draft)?.sync_all()?;
        match fs::remove_file(&previous) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        fs::hard_link(target, &previous)?;
        fs::rename(&draft, target)
    };
    let failed = |error: io::Error| {
        Failure::not_done("binary", format!("cannot replace {}", target.display())).cause(error)
    };
    replaced().map_err(failed)?;
    Ok(Some(previous))
}

async fn restart_agent(host: &Host, target: &Path, paths: &Paths) -> Result<(), Failure> {
    let client = AgentClient::new(&paths.agent_socket);
    match host {
        // Returns once the agent said that it is ready.
        Host::Systemd => call("systemctl", &["restart", AGENT_UNIT]),
        Host::Background { args } => {
            stop(Role::Agent, paths).await?;
            let program = Some(target.to_owned());
            let agent = Launch { role: Role::Agent, program, args: args.clone() };
            launch(&agent, paths, || async { client.info().await.is_ok() }).await?;
            Ok(())
        }
    }
}

/// Puts the previous binary and its agent back.
async fn go_back(
    host: &Host,
    target: &Path,
    previous: Option<&Path>,
    paths: &Paths,
    mut failure: Failure,
) -> Failure {
    let Some(previous) = previous else { return failure };
    if let Err(error) = fs::rename(previous, target) {
        return failure.cause(error).hint("the previous binary could not be put back");
    }
    match restart_agent(host, target, paths).await {
        Ok(()) => {
            failure.exit = Exit::RolledBack;
            failure.hint("the previous version runs again; the edge was not touched")
        }
        Err(again) => {
            failure.exit = Exit::Stuck;
            failure.cause(&again.message).hint("the previous version does not start either")
        }
    }
}

fn hand_over(host: &Host, target: &Path) -> Result<(), Failure> {
    match host {
        Host::Systemd => call("systemctl", &["reload", EDGE_UNIT]),
        Host::Background { .. } => {
            let output = Command::new(target).args(["edge", "upgrade"]).output();
            let failed = || Failure::not_done("edge", "the edge did not hand over");
            let output = output.map_err(|error| failed().cause(error))?;
            if output.status.success() {
                return Ok(());
            }
            let mut failure = failed();
            let said = String::from_utf8_lossy(&output.stderr);
            failure.details = said.lines().map(str::to_owned).collect();
            Err(failure)
        }
    }
}
