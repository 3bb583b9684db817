//! Typed whys: what made a step fail or a rollout end as it did.

use serde::{Deserialize, Serialize};

use crate::id::ServiceName;

/// Why something did not work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The kind.
    pub kind: ReasonKind,
    /// In words: lower-case, no full stop.
    pub message: String,
    /// Which service, if one is to blame.
    pub service: Option<ServiceName>,
    /// Its last log lines, oldest first, at most [`LOG_LINES_MAX`].
    pub logs: Vec<String>,
}

/// Log lines that a reason carries.
pub const LOG_LINES_MAX: usize = 20;

/// Kinds of reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasonKind {
    /// A container exited, or restarted over and over.
    Crashed,
    /// No probe succeeded in time.
    NotReady,
    /// A one-off ended with another exit code than 0.
    OneOffFailed,
    /// The candidate did not answer through the edge, or stopped being ready.
    VerifyFailed,
    /// The engine refused or failed.
    Engine,
    /// The edge refused or failed.
    Edge,
    /// Files could not be written.
    Files,
    /// It took longer than allowed.
    Deadline,
    /// A person asked for it.
    Cancelled,
    /// The agent was interrupted in the same step too often.
    Interrupted,
}

impl Reason {
    /// A reason without service and logs.
    pub fn new(kind: ReasonKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), service: None, logs: Vec::new() }
    }

    /// Names the service.
    pub fn of(mut self, service: &ServiceName) -> Self {
        self.service = Some(service.clone());
        self
    }

    /// Adds the last log lines.
    pub fn with_logs(mut self, mut logs: Vec<String>) -> Self {
        let surplus = logs.len().saturating_sub(LOG_LINES_MAX);
        logs.drain(..surplus);
        self.logs = logs;
        self
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.service {
            Some(service) => write!(f, "{service}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}
