//! Processes with bounds: started, waited for, stopped, killed by their own id. The one place of
//! this crate's host that sleeps.

use std::fs;
use std::io::{self, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Pause between two looks at a process.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A process of ours. Dropping it lets it run.
pub(super) struct Process {
    child: Child,
    ended: bool,
}

impl Process {
    pub(super) fn spawn(mut command: Command) -> io::Result<Self> {
        Ok(Self { child: command.spawn()?, ended: false })
    }

    /// Its id, while it runs.
    pub(super) fn pid(&mut self) -> Option<u32> {
        self.ended = self.ended || self.child.try_wait().is_ok_and(|status| status.is_some());
        (!self.ended).then(|| self.child.id())
    }

    /// Waits for its end; false when it still runs after the bound.
    pub(super) fn wait(&mut self, bound: Duration) -> bool {
        until(bound, || self.pid().is_none().then_some(())).is_some()
    }

    /// SIGKILL.
    pub(super) fn kill(mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }

    /// SIGTERM, and SIGKILL after the bound.
    pub(super) fn stop(mut self, bound: Duration) -> io::Result<()> {
        let Some(pid) = self.pid() else { return Ok(()) };
        // The standard library has SIGKILL only.
        Command::new("kill").arg(pid.to_string()).stderr(Stdio::null()).status()?;
        if self.wait(bound) { Ok(()) } else { self.kill() }
    }
}

/// How a program ended, and what it wrote.
pub(super) struct Ended {
    /// −1 when a signal ended it.
    pub(super) code: i32,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

/// Runs a program to its end within the bound; one that takes longer is killed.
pub(super) fn run(command: &mut Command, bound: Duration) -> io::Result<Ended> {
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let stdout = child.stdout.take().map(collect);
    let stderr = child.stderr.take().map(collect);
    let status = wait(&mut child, bound)?;
    Ok(Ended { code: code(status), stdout: collected(stdout), stderr: collected(stderr) })
}

/// Waits for a child; after the bound it is killed, which is an error.
pub(super) fn wait(child: &mut Child, bound: Duration) -> io::Result<ExitStatus> {
    let mut failed = None;
    let ended = until(bound, || match child.try_wait() {
        Ok(status) => status,
        Err(error) => {
            failed = Some(error);
            None
        }
    });
    if let Some(status) = ended {
        return Ok(status);
    }
    child.kill()?;
    child.wait()?;
    Err(failed.unwrap_or_else(|| io::Error::other(format!("still running after {bound:?}"))))
}

pub(super) fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or(-1)
}

/// Reads a stream to its end, beside us.
pub(super) fn collect(mut stream: impl Read + Send + 'static) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What came before an error is still worth showing.
        let _ = stream.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

pub(super) fn collected(reader: Option<JoinHandle<String>>) -> String {
    reader.and_then(|reader| reader.join().ok()).unwrap_or_default()
}

/// Asks until there is an answer or the bound has passed.
pub fn until<T>(bound: Duration, mut fact: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + bound;
    loop {
        if let Some(answer) = fact() {
            return Some(answer);
        }
        if Instant::now() >= end {
            return None;
        }
        pass(LOOK_EVERY);
    }
}

/// Lets time pass.
#[expect(clippy::disallowed_methods, reason = "watches other processes, which no Clock port rules")]
pub(crate) fn pass(time: Duration) {
    thread::sleep(time);
}

/// Runs a program to its end; a failure carries what it wrote. Returns its standard output.
pub(crate) fn run_ok(command: &mut Command, bound: Duration) -> io::Result<String> {
    let ended = run(command, bound)?;
    if ended.code == 0 {
        return Ok(ended.stdout);
    }
    let shown = command.get_program().to_string_lossy().into_owned();
    let words: Vec<_> = command.get_args().take(6).map(|a| a.to_string_lossy()).collect();
    let said = ended.stderr.trim();
    Err(io::Error::other(format!("{shown} {}: exit {}: {said}", words.join(" "), ended.code)))
}

/// Memory a process has in RAM (`VmRSS`); `None` when it is gone.
pub fn rss_kib(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Files, sockets and pipes a process has open; `None` when it is gone.
pub fn open_files(pid: u32) -> Option<usize> {
    fs::read_dir(format!("/proc/{pid}/fd")).ok().map(Iterator::count)
}
