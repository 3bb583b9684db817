//! Every way a command can fail, mapped to words, hints and an exit code: here and nowhere else.
//!
//! Errors of the libraries speak of their own layer; what the user can do about them is said here.

mod remote;

use std::error::Error;
use std::fmt;
use std::io;
use std::ops::{Deref, DerefMut};

use landfall_agent::{AgentError, LockError, RecoverError, StoreError};
use landfall_api::{ClientError, Problem, ProblemCode, TransportError};
use landfall_core::diagnostic::Diagnostic;
use landfall_edge::EdgeError;
use serde::Serialize;

use crate::context::ContextError;
use crate::daemon::DaemonError;
use crate::exit::Exit;
use crate::output::humane;
use crate::output::printer::Printer;
use crate::output::style::{Paint, Tone, harmless};
use crate::push::ArchiveError;

/// A command that did not do what it was asked for. Boxed: every result carries one.
#[derive(Debug)]
pub(crate) struct Failure(Box<Parts>);

/// What a [`Failure`] is made of.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) exit: Exit,
    /// Stable word for programs.
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) details: Vec<String>,
    pub(crate) causes: Vec<String>,
    pub(crate) hints: Vec<String>,
    /// Findings about the compose files, and how they are shown.
    pub(crate) diagnostics: Vec<Diagnostic>,
    pub(crate) rendered: String,
    /// What serves now, where that is known: said last.
    pub(crate) last_line: Option<String>,
}

impl Deref for Failure {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl DerefMut for Failure {
    fn deref_mut(&mut self) -> &mut Parts {
        &mut self.0
    }
}

impl Failure {
    /// A failure with a message only.
    pub(crate) fn new(exit: Exit, code: &'static str, message: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            exit,
            code,
            message: message.into(),
            details: Vec::new(),
            causes: Vec::new(),
            hints: Vec::new(),
            diagnostics: Vec::new(),
            rendered: String::new(),
            last_line: None,
        }))
    }

    /// The command line makes no sense.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, "usage", message)
    }

    /// Not done, nothing changed.
    pub(crate) fn not_done(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Exit::NotDone, code, message)
    }

    /// A bug, or a disk that fails.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(Exit::Internal, "internal", message)
    }

    /// Adds what to do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Adds why.
    pub(crate) fn cause(mut self, cause: impl fmt::Display) -> Self {
        self.causes.push(cause.to_string());
        self
    }

    /// Adds all that is behind an error.
    fn causes_of(mut self, error: &dyn Error) -> Self {
        let mut source = error.source();
        while let Some(cause) = source {
            self = self.cause(cause);
            source = cause.source();
        }
        self
    }

    /// Shows it: text on standard error, or one JSON value on standard output.
    pub(crate) fn show(&self, printer: &Printer) {
        if printer.is_json() {
            printer.json(&Report { error: self.json() });
        } else {
            printer.announce_all(&self.lines(printer.paint_err()));
        }
    }

    fn lines(&self, paint: Paint) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.rendered.is_empty() {
            lines.push(format!("{}\n", self.rendered.trim_end()));
        }
        let message = harmless(&self.message);
        lines.push(format!("{} {message}", paint.text(Tone::Bad, "error:")));
        lines.extend(self.details.iter().map(|detail| format!("  {}", harmless(detail))));
        for cause in &self.causes {
            lines.push(format!("{} {}", paint.text(Tone::Strong, "caused by:"), harmless(cause)));
        }
        if !self.hints.is_empty() {
            lines.push(String::new());
        }
        for hint in &self.hints {
            lines.push(format!("{} {hint}", paint.text(Tone::Accent, "hint:")));
        }
        if let Some(last) = &self.last_line {
            lines.extend([String::new(), last.clone()]);
        }
        lines
    }

    fn json(&self) -> JsonFailure<'_> {
        JsonFailure {
            code: self.code,
            exit: self.exit as u8,
            message: &self.message,
            details: &self.details,
            causes: &self.causes,
            hints: &self.hints,
            diagnostics: &self.diagnostics,
        }
    }
}

#[derive(Serialize)]
struct Report<'a> {
    error: JsonFailure<'a>,
}

#[derive(Serialize)]
struct JsonFailure<'a> {
    code: &'static str,
    exit: u8,
    message: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    details: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    causes: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    hints: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    diagnostics: &'a [Diagnostic],
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Transport(error) => error.into(),
            ClientError::Problem(problem) => (*problem).into(),
        }
    }
}

impl From<TransportError> for Failure {
    fn from(error: TransportError) -> Self {
        let message = error.to_string();
        match error {
            TransportError::NotRunning { .. } => {
                Self::not_done("agent_not_running", "the agent is not running")
                    .cause(message)
                    .hint("start it with `landfall agent start`")
            }
            TransportError::Denied { socket } => {
                let socket = socket.display();
                Self::not_done("agent_denied", "this user may not talk to the agent")
                    .cause(message)
                    .hint(format!("use the user or the group that owns {socket}, or sudo"))
            }
            TransportError::Connect { source, .. } => {
                Self::not_done("agent_unreachable", "the agent cannot be reached")
                    .cause(message)
                    .cause(source)
            }
            TransportError::Version { .. } => Self::not_done(
                "agent_version",
                "the agent is of another version",
            )
            .cause(message)
            .hint(
                "restart it with this binary: `landfall agent stop`, then `landfall agent start`",
            ),
            TransportError::Timeout { .. } | TransportError::Broken(_) => {
                Self::new(Exit::Internal, "agent_silent", "the agent did not answer")
                    .cause(message)
                    .hint("whether it did what was asked for shows in `landfall status`")
            }
            TransportError::Unsendable(_) | TransportError::Malformed(_) => {
                Self::internal("agent and command line do not understand each other").cause(message)
            }
        }
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        let (exit, code, own_hint) = match problem.code {
            ProblemCode::NotFound => (Exit::NotDone, "not_found", None),
            ProblemCode::Invalid => (Exit::NotDone, "invalid", None),
            ProblemCode::Unavailable => (Exit::NotDone, "unavailable", None),
            ProblemCode::PortTaken => (Exit::NotDone, "port_taken", None),
            ProblemCode::Image => (Exit::NotDone, "image", None),
            ProblemCode::Cancelled => (Exit::NotDone, "cancelled", None),
            ProblemCode::Busy => {
                let hint = "watch it with `landfall attach`, call it off with `landfall cancel`";
                (Exit::Busy, "busy", Some(hint))
            }
            ProblemCode::Stuck => {
                let hint = "look with `landfall attach`, let it try again with `landfall resume`";
                (Exit::Stuck, "stuck", Some(hint))
            }
            ProblemCode::Internal => (Exit::Internal, "internal", None),
        };
        let mut failure = Self::new(exit, code, problem.message);
        failure.details = problem.details;
        failure.hints.extend(problem.hint.or(own_hint.map(str::to_owned)));
        failure
    }
}

impl From<ContextError> for Failure {
    fn from(error: ContextError) -> Self {
        let mut failure = Self::not_done("build_context", error.to_string()).causes_of(&error);
        match error {
            ContextError::TooLarge { heaviest, .. } => {
                let heavy = |(name, bytes)| format!("{name}: {}", humane::bytes(bytes));
                failure.details = heaviest.into_iter().map(heavy).collect();
                failure.hint("leave out what the image does not need: name it in .dockerignore")
            }
            ContextError::Read { ref source, .. }
                if source.kind() == io::ErrorKind::PermissionDenied =>
            {
                failure.hint("if the image does not need it, name it in .dockerignore")
            }
            ContextError::NoDockerfile(_) => {
                failure.hint("`build.dockerfile` names it, relative to the build context")
            }
            ContextError::Changed(_) => failure.hint("try again once nothing writes to it"),
            ContextError::Missing(_)
            | ContextError::NotAFolder(_)
            | ContextError::Ignore { .. }
            | ContextError::Read { .. }
            | ContextError::Text { .. }
            | ContextError::Name(_)
            | ContextError::Write(_) => failure,
        }
    }
}

impl From<DaemonError> for Failure {
    fn from(error: DaemonError) -> Self {
        let failure = Self::not_done("daemon", error.to_string()).causes_of(&error);
        match error {
            DaemonError::Folder { .. }
            | DaemonError::Spawn { .. }
            | DaemonError::PidFile { .. } => failure
                .hint("LANDFALL_RUN_DIR and LANDFALL_STATE_DIR move sockets and state elsewhere"),
            DaemonError::Ended { log, tail, .. } | DaemonError::Silent { log, tail, .. } => {
                let mut failure = failure.hint(format!("its log is {}", log.display()));
                failure.details = tail;
                failure
            }
            DaemonError::Session { .. }
            | DaemonError::Signal { .. }
            | DaemonError::Held { .. }
            | DaemonError::Stays { .. } => failure,
        }
    }
}

impl From<EdgeError> for Failure {
    fn from(error: EdgeError) -> Self {
        let failure = Self::not_done("edge", error.to_string()).causes_of(&error);
        match error {
            EdgeError::Corrupt { .. } => failure
                .hint("move the folder away to start without routes; the next deploy makes them"),
            EdgeError::StateDir { .. }
            | EdgeError::Control { .. }
            | EdgeError::Runtime(_)
            | EdgeError::TakeOver { .. } => failure,
            EdgeError::Locked { .. } | EdgeError::ControlInUse { .. } => {
                failure.hint("`landfall edge run --take-over` takes over from it")
            }
        }
    }
}

impl From<ArchiveError> for Failure {
    fn from(error: ArchiveError) -> Self {
        Self::not_done("image", error.to_string()).causes_of(&error)
    }
}

impl From<AgentError> for Failure {
    fn from(error: AgentError) -> Self {
        let failure = Self::not_done("agent", error.to_string()).causes_of(&error);
        match error {
            AgentError::Store(StoreError::Lost(_) | StoreError::Damaged(_)) => failure.hint(
                "nothing was moved; `landfall recover` shows what can be rebuilt from what is left",
            ),
            AgentError::Store(_)
            | AgentError::StateDir { .. }
            | AgentError::Lock(_)
            | AgentError::Socket(_)
            | AgentError::Serve(_) => failure,
        }
    }
}

impl From<RecoverError> for Failure {
    fn from(error: RecoverError) -> Self {
        let failure = Self::not_done("recover", error.to_string()).causes_of(&error);
        match error {
            RecoverError::Lock(LockError::Held { .. }) => {
                failure.hint("stop it first with `landfall agent stop`; the edge serves on")
            }
            RecoverError::Edge(_) => {
                failure.hint("what serves is known to the edge: start it with `landfall edge run`")
            }
            RecoverError::Lock(LockError::Io { .. })
            | RecoverError::Store(_)
            | RecoverError::Engine(_) => failure,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_reads_from_what_to_why_to_what_to_do() {
        let failure =
            Failure::not_done("x", "it is not done").cause("the disk is full").hint("free it");
        assert_eq!(
            failure.lines(Paint(false)).join("\n"),
            "error: it is not done\ncaused by: the disk is full\n\nhint: free it"
        );
    }

    #[test]
    fn every_problem_has_its_exit_code() {
        let exit = |code| Failure::from(Problem::new(code, "x")).exit;
        assert_eq!(exit(ProblemCode::Busy), Exit::Busy);
        assert_eq!(exit(ProblemCode::Stuck), Exit::Stuck);
        assert_eq!(exit(ProblemCode::Image), Exit::NotDone);
        assert_eq!(exit(ProblemCode::Internal), Exit::Internal);
    }

    #[test]
    fn the_agents_own_hint_wins() {
        let problem = Problem::new(ProblemCode::Busy, "d3 is open").hint("wait");
        assert_eq!(Failure::from(problem).hints, ["wait"]);
    }

    #[test]
    fn a_lost_answer_never_claims_that_nothing_changed() {
        let failure = Failure::from(TransportError::Broken("reset".into()));
        assert_eq!(failure.exit, Exit::Internal);
    }
}
