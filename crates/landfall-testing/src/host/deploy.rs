//! A verb of the command line, while it runs and when it has ended: exit code, events, times.

use std::fmt;
use std::io::{self, BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::process::{code, collect, collected, wait};

/// No verb takes longer.
const VERB_BOUND: Duration = Duration::from_mins(10);

/// A verb that has ended.
#[derive(Clone, Debug)]
pub struct Deploy {
    /// 0 done, 1 nothing changed, 3 rolled back, 4 stuck, 5 busy; −1 when a signal ended it.
    pub exit_code: i32,
    /// What it printed as JSON, one value a line.
    pub events: Vec<Value>,
    /// All of its standard output.
    pub stdout: String,
    /// All of its standard error.
    pub stderr: String,
    /// From its start to its end, as the caller sees it.
    pub seconds: f64,
}

/// How long one step took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepTime {
    /// Index in the plan.
    pub step: u64,
    /// The step's name.
    pub name: String,
    /// What it is about; may be empty.
    pub subject: String,
    /// `do` or `undo`, as the event says it.
    pub action: String,
    /// From its start to its end.
    pub ms: u64,
    /// It did what it should.
    pub ok: bool,
}

impl Deploy {
    /// Panics with all that is known unless it ended with this exit code. For tests.
    #[track_caller]
    pub fn expect_exit(self, exit_code: i32) -> Self {
        assert_eq!(self.exit_code, exit_code, "{self}");
        self
    }

    /// The first event of this name.
    pub fn event(&self, name: &str) -> Option<&Value> {
        self.events.iter().find(|event| event["event"] == name)
    }

    /// The last event of a rollout: `ended` or `stuck`.
    fn last(&self) -> Option<&Value> {
        self.events
            .iter()
            .rev()
            .find(|event| event["event"] == "ended" || event["event"] == "stuck")
    }

    /// The rollout's number.
    pub fn rollout(&self) -> Option<u64> {
        self.events.iter().find_map(|event| event["rollout"].as_u64())
    }

    /// How it ended: `succeeded`, `rolled_back`, `refused`, `nothing_to_do`.
    pub fn outcome(&self) -> Option<&str> {
        self.last()?["outcome"]["outcome"].as_str()
    }

    /// The release that serves afterwards.
    pub fn serving(&self) -> Option<u64> {
        self.last()?["serving"].as_u64()
    }

    /// The agent's own time, from the request to the end.
    pub fn total_ms(&self) -> Option<u64> {
        self.last()?["total_ms"].as_u64()
    }

    /// Why it did not succeed, in words, with the service that is to blame.
    pub fn reason(&self) -> Option<String> {
        let last = self.last()?;
        let outcome = &last["outcome"];
        let reasons = [&last["reason"], &outcome["reason"], &outcome["problem"]];
        let reason = reasons.into_iter().find(|reason| reason["message"].is_string())?;
        let message = reason["message"].as_str()?;
        Some(match reason["service"].as_str() {
            Some(service) => format!("{service}: {message}"),
            None => message.to_owned(),
        })
    }

    /// Every step that ended, in the order of their ends.
    pub fn steps(&self) -> Vec<StepTime> {
        let ends = self.events.iter().filter(|event| {
            event["event"] == "step_done"
                || (event["event"] == "step_failed" && event["will_retry"] != true)
        });
        ends.filter_map(|end| self.step_time(end)).collect()
    }

    fn step_time(&self, end: &Value) -> Option<StepTime> {
        let began = self.events.iter().rev().find(|event| {
            event["event"] == "step_started"
                && event["step"] == end["step"]
                && event["action"] == end["action"]
                && event["seq"].as_u64() <= end["seq"].as_u64()
        })?;
        let text = |field: &str| began[field].as_str().unwrap_or_default().to_owned();
        let elapsed = end["at_ms"].as_u64()?.saturating_sub(began["at_ms"].as_u64()?);
        Some(StepTime {
            step: end["step"].as_u64()?,
            name: text("name"),
            subject: text("subject"),
            action: text("action"),
            ms: end["after_ms"].as_u64().unwrap_or(elapsed),
            ok: end["event"] == "step_done",
        })
    }
}

impl fmt::Display for Deploy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "exit code {} after {:.1} s", self.exit_code, self.seconds)?;
        if let Some(reason) = self.reason() {
            writeln!(f, "reason: {reason}")?;
        }
        for event in &self.events[self.events.len().saturating_sub(12)..] {
            writeln!(f, "  {event}")?;
        }
        write!(f, "{}", self.stderr.trim_end())
    }
}

/// A verb under way. Dropping it leaves the command running; the rollout goes on in any case.
pub struct Running {
    child: Child,
    began: Instant,
    output: Arc<Output>,
    stdout: Option<JoinHandle<()>>,
    stderr: Option<JoinHandle<String>>,
}

#[derive(Default)]
struct Output {
    lines: Mutex<Lines>,
    more: Condvar,
}

#[derive(Default)]
struct Lines {
    text: String,
    events: Vec<Value>,
    ended: bool,
}

impl Output {
    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    pub(super) fn start(mut command: Command) -> io::Result<Self> {
        let began = Instant::now();
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let output = Arc::new(Output::default());
        let shared = Arc::clone(&output);
        let stdout = child.stdout.take().map(|stream| {
            thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    let mut lines = shared.lock();
                    lines.events.extend(serde_json::from_str::<Value>(&line));
                    lines.text.push_str(&line);
                    lines.text.push('\n');
                    shared.more.notify_all();
                }
                shared.lock().ended = true;
                shared.more.notify_all();
            })
        });
        let stderr = child.stderr.take().map(collect);
        Ok(Self { child, began, output, stdout, stderr })
    }

    /// The command's process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it printed so far.
    pub fn events(&self) -> Vec<Value> {
        self.output.lock().events.clone()
    }

    /// Waits for the first event (of all, those printed already too) that fits; `None` when the
    /// output ends or the bound passes before.
    pub fn wait_for(&self, bound: Duration, fits: impl Fn(&Value) -> bool) -> Option<Value> {
        let end = Instant::now() + bound;
        let mut lines = self.output.lock();
        loop {
            if let Some(event) = lines.events.iter().find(|event| fits(event)) {
                return Some(event.clone());
            }
            let left = end.saturating_duration_since(Instant::now());
            if lines.ended || left.is_zero() {
                return None;
            }
            let waited = self.output.more.wait_timeout(lines, left);
            lines = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits until a step of this name begins, in its forward direction.
    pub fn wait_for_step(&self, bound: Duration, name: &str) -> Option<Value> {
        self.wait_for(bound, |event| event["event"] == "step_started" && event["name"] == name)
    }

    /// Kills the command (SIGKILL), as when a laptop's lid is closed, and returns what it printed.
    pub fn kill(mut self) -> io::Result<Deploy> {
        self.child.kill()?;
        self.finish(VERB_BOUND)
    }

    /// Waits for its end.
    pub fn wait(self) -> io::Result<Deploy> {
        self.finish(VERB_BOUND)
    }

    fn finish(mut self, bound: Duration) -> io::Result<Deploy> {
        let status = wait(&mut self.child, bound)?;
        let seconds = self.began.elapsed().as_secs_f64();
        // A reader ends with its stream, panicking or not.
        let _ = self.stdout.take().map(JoinHandle::join);
        let stderr = collected(self.stderr.take());
        let lines = std::mem::take(&mut *self.output.lock());
        let Lines { text: stdout, events, .. } = lines;
        Ok(Deploy { exit_code: code(status), events, stdout, stderr, seconds })
    }
}
