//! Why a call was not done, in a form that both people and programs read.

use serde::{Deserialize, Serialize};

/// A refusal or a failure. Messages are lower-case without a full stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Problem {
    /// The kind; decides the exit code.
    pub code: ProblemCode,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Further lines, for example every port that is taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<String>,
}

/// Kinds of problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemCode {
    /// No such app, release or rollout.
    NotFound,
    /// The request cannot be honoured as it is.
    Invalid,
    /// The engine or the edge does not answer.
    Unavailable,
    /// A host port is taken by something else.
    PortTaken,
    /// An image is missing and cannot be had.
    Image,
    /// Another rollout of the app is open.
    Busy,
    /// The app waits for a person.
    Stuck,
    /// A person called it off.
    Cancelled,
    /// A bug, or a disk that fails.
    Internal,
}

impl ProblemCode {
    /// The HTTP status it is sent with.
    pub fn http_status(self) -> u16 {
        match self {
            Self::NotFound => 404,
            Self::Invalid | Self::Image => 422,
            Self::Busy | Self::Stuck | Self::PortTaken | Self::Cancelled => 409,
            Self::Unavailable => 503,
            Self::Internal => 500,
        }
    }
}

impl Problem {
    /// A problem without hint and details.
    pub fn new(code: ProblemCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None, details: Vec::new() }
    }

    /// Adds what to do about it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds further lines.
    pub fn details(mut self, details: Vec<String>) -> Self {
        self.details = details;
        self
    }
}
