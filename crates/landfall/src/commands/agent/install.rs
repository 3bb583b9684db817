//! `landfall agent install`: agent and edge as systemd's services.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;
use serde::Serialize;

use super::run::HostArgs;
use crate::cli::CommonArgs;
use crate::daemon::{PidFile, Role};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::units::{self, AGENT_UNIT, EDGE_UNIT, FOLDERS, USERS, UnitFile};

/// Exists exactly where systemd runs the machine.
const SYSTEMD_RUNS: &str = "/run/systemd/system";

/// Let systemd run agent and edge, from now on and after each reboot.
///
/// Writes two units, a user `landfall-edge` for the edge, and the folders of both; enables and starts
/// them. What is so already is left alone. The edge may bind low ports and write its own routes, and
/// nothing else; the agent needs the engine's socket and is root. Sockets are in /run/landfall,
/// everything that lasts is in /var/lib/landfall.
#[derive(Debug, Args)]
pub(crate) struct InstallArgs {
    /// The binary that the services run; this one by default.
    #[arg(long, value_name = "PATH")]
    binary: Option<PathBuf>,
    /// Print the files and change nothing.
    #[arg(long, conflicts_with = "root")]
    print: bool,
    /// Write the files below this folder and start nothing: for images.
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    #[command(flatten)]
    host: HostArgs,
    #[command(flatten)]
    pub(super) common: CommonArgs,
}

#[derive(Serialize)]
struct Installed {
    files: Vec<PathBuf>,
    changed: Vec<PathBuf>,
    started: bool,
}

pub(super) fn run(args: &InstallArgs, invocation: &Invocation) -> Result<Exit, Failure> {
    let host = args.host.again();
    let host: Vec<_> = host.iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
    let files = units::all(&binary(args)?, &host);
    let printer = &invocation.printer;
    if args.print {
        for file in &files {
            printer.raw(&format!("# {}\n{}\n", file.path.display(), file.text));
        }
        return Ok(Exit::Done);
    }
    let live = args.root.is_none();
    if live {
        may_install(invocation)?;
    }
    let root = args.root.clone().unwrap_or_else(|| "/".into());
    let mut installed = Installed { files: Vec::new(), changed: Vec::new(), started: live };
    for file in &files {
        let path = below(&root, &file.path);
        if write(file, &path)? {
            printer.say(&format!("wrote {}", path.display()));
            installed.changed.push(path.clone());
        }
        installed.files.push(path);
    }
    if live {
        start()?;
    }
    if printer.is_json() {
        printer.json(&installed);
    } else if live {
        printer.say("agent and edge run, and start with the machine");
    } else if installed.changed.is_empty() {
        printer.say("all files are there already");
    }
    Ok(Exit::Done)
}

fn binary(args: &InstallArgs) -> Result<PathBuf, Failure> {
    let failed = |error: io::Error| Failure::not_done("binary", "no such binary").cause(error);
    match &args.binary {
        // In an image it may come later.
        Some(binary) if args.root.is_some() || args.print => Ok(binary.clone()),
        Some(binary) => fs::canonicalize(binary).map_err(failed),
        None => std::env::current_exe().map_err(failed),
    }
}

fn may_install(invocation: &Invocation) -> Result<(), Failure> {
    if !Path::new(SYSTEMD_RUNS).exists() {
        return Err(Failure::not_done("no_systemd", "systemd does not run this machine")
            .hint("`landfall agent start` starts agent and edge in the background")
            .hint("`--root DIR` writes the files for an image, `--print` shows them"));
    }
    if !rustix::process::geteuid().is_root() {
        return Err(
            Failure::not_done("not_root", "only root can install services").hint("use sudo")
        );
    }
    let services_run =
        Command::new("systemctl").args(["is-active", "--quiet", AGENT_UNIT]).status();
    if services_run.is_ok_and(|status| status.success()) {
        return Ok(());
    }
    for role in [Role::Agent, Role::Edge] {
        if PidFile::holder(role, &invocation.settings.paths)?.is_some() {
            let message = format!("the {} runs in the background", role.as_str());
            return Err(Failure::not_done("runs_already", message)
                .hint("end it with `landfall agent stop --edge`, then install"));
        }
    }
    Ok(())
}

pub(super) fn below(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

/// Writes a file that differs, beside its place first; says whether it did.
fn write(file: &UnitFile, path: &Path) -> Result<bool, Failure> {
    if fs::read_to_string(path).is_ok_and(|text| text == file.text) {
        return Ok(false);
    }
    let draft = path.with_extension("landfall-new");
    let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| {
        fs::write(&draft, &file.text)?;
        fs::set_permissions(&draft, Permissions::from_mode(0o644))?;
        fs::rename(&draft, path)
    });
    written.map(|()| true).map_err(|error| {
        Failure::not_done("unit", format!("cannot write {}", path.display())).cause(error)
    })
}

fn start() -> Result<(), Failure> {
    call("systemd-sysusers", &[USERS])?;
    call("systemd-tmpfiles", &["--create", FOLDERS])?;
    call("systemctl", &["daemon-reload"])?;
    call("systemctl", &["enable", "--now", EDGE_UNIT, AGENT_UNIT])
}

/// Runs one of systemd's own programs.
pub(super) fn call(program: &str, args: &[&str]) -> Result<(), Failure> {
    let shown = format!("{program} {}", args.join(" "));
    let failed = || Failure::not_done("systemd", format!("`{shown}` failed"));
    let output =
        Command::new(program).args(args).output().map_err(|error| failed().cause(error))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let mut failure = failed().cause(output.status);
    failure.details = said.lines().take(10).map(str::to_owned).collect();
    Err(failure)
}
