//! Starts a role in the background and waits until it answers.
//!
//! The child is this binary in its foreground form with `--detached`: it leaves the terminal's
//! session itself, so that nothing between spawn and exec has to be unsafe.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::pidfile::raw;
use super::{DaemonError, PidFile, Role, make_run_dir, make_state_dir, notify};
use crate::settings::Paths;

/// Time a role has to answer. The agent may have to fold journals and look at the engine first.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// Pause between two questions.
const ASK_EVERY: Duration = Duration::from_millis(30);
/// A log that is longer at a start is put aside.
const LOG_MAX_BYTES: u64 = 16 * 1024 * 1024;
/// Log lines that are shown when it did not start.
const TAIL_LINES: usize = 10;
/// End of the log that these lines are taken from.
const TAIL_BYTES: u64 = 16 * 1024;

/// What is to run.
#[derive(Debug)]
pub(crate) struct Launch {
    pub(crate) role: Role,
    /// The binary, if not this one.
    pub(crate) program: Option<PathBuf>,
    /// Arguments after the binary's name.
    pub(crate) args: Vec<OsString>,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Started {
    /// It runs now.
    Fresh { pid: i32 },
    /// It ran already.
    Already { pid: i32 },
}

/// Starts a role unless it runs, and waits until `answers` says yes.
pub(crate) async fn launch<F>(
    launch: &Launch,
    paths: &Paths,
    answers: impl Fn() -> F,
) -> Result<Started, DaemonError>
where
    F: Future<Output = bool>,
{
    let role = launch.role;
    let mut watch = Watch { role, paths, child: None, log_from: log_length(role, paths) };
    if let Some(pid) = PidFile::holder(role, paths)? {
        watch.until(answers).await?;
        return Ok(Started::Already { pid: raw(pid) });
    }
    make_run_dir(paths)?;
    make_state_dir(paths)?;
    keep_short(&role.log_file(paths));
    watch.log_from = log_length(role, paths);
    let child = spawn(launch, paths)?;
    let pid = i32::try_from(child.id()).unwrap_or_default();
    watch.child = Some(child);
    watch.until(answers).await?;
    Ok(Started::Fresh { pid })
}

/// Starts a successor of a role that runs, and waits until that one `serves`, by its pid.
pub(crate) async fn succeed(
    launch: &Launch,
    paths: &Paths,
    serves: impl AsyncFn(u32) -> bool,
) -> Result<u32, DaemonError> {
    let role = launch.role;
    let log_from = log_length(role, paths);
    let child = spawn(launch, paths)?;
    let pid = child.id();
    let mut watch = Watch { role, paths, child: Some(child), log_from };
    watch.until(|| serves(pid)).await?;
    Ok(pid)
}

fn spawn(launch: &Launch, paths: &Paths) -> Result<Child, DaemonError> {
    let role = launch.role.as_str();
    let failed = |source| DaemonError::Spawn { role, source };
    let program = launch.program.clone().map_or_else(std::env::current_exe, Ok).map_err(failed)?;
    if notify::is_supervised() {
        // The supervisor keeps the log.
        let mut command = Command::new(program);
        command.args(&launch.args).stdin(Stdio::null()).current_dir("/");
        return command.spawn().map_err(failed);
    }
    let path = launch.role.log_file(paths);
    let log = OpenOptions::new().create(true).append(true).open(path).map_err(failed)?;
    let errors = log.try_clone().map_err(failed)?;
    Command::new(program)
        .args(&launch.args)
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(errors)
        // A folder that may be unmounted or removed is not held.
        .current_dir("/")
        .spawn()
        .map_err(failed)
}

/// Puts a long log aside, over the one that was put aside before.
fn keep_short(log: &Path) {
    if std::fs::metadata(log).is_ok_and(|meta| meta.len() > LOG_MAX_BYTES) {
        // A log that cannot be moved is no reason not to start.
        std::fs::rename(log, log.with_extension("log.1")).ok();
    }
}

/// A role that is waited for.
struct Watch<'a> {
    role: Role,
    paths: &'a Paths,
    child: Option<Child>,
    /// What the log held before belongs to earlier lives.
    log_from: u64,
}

impl Watch<'_> {
    async fn until<F>(&mut self, answers: impl Fn() -> F) -> Result<(), DaemonError>
    where
        F: Future<Output = bool>,
    {
        let role = self.role.as_str();
        let deadline = Instant::now() + ANSWER_WITHIN;
        while !answers().await {
            if let Some(status) = self.ended() {
                let (log, tail) = self.log();
                return Err(DaemonError::Ended { role, status, log, tail });
            }
            if Instant::now() >= deadline {
                let (log, tail) = self.log();
                let after_s = ANSWER_WITHIN.as_secs();
                return Err(DaemonError::Silent { role, after_s, log, tail });
            }
            sleep(ASK_EVERY).await;
        }
        Ok(())
    }

    fn ended(&mut self) -> Option<String> {
        let status = self.child.as_mut()?.try_wait().ok()??;
        Some(status.to_string())
    }

    fn log(&self) -> (std::path::PathBuf, Vec<String>) {
        let path = self.role.log_file(self.paths);
        let tail = tail(&path, self.log_from).unwrap_or_default();
        (path, tail)
    }
}

fn log_length(role: Role, paths: &Paths) -> u64 {
    std::fs::metadata(role.log_file(paths)).map_or(0, |meta| meta.len())
}

/// The last lines of a log behind a place in it.
fn tail(path: &Path, from: u64) -> io::Result<Vec<String>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES).max(from)))?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    let surplus = lines.len().saturating_sub(TAIL_LINES);
    Ok(lines[surplus..].iter().map(|line| (*line).to_owned()).collect())
}
