//! Lines of the streams that are not events of a rollout.

use landfall_core::id::{ImageId, ReleaseNumber, ServiceName};
use serde::{Deserialize, Serialize};

use crate::Problem;

/// One line an app wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// When, as the engine has it (RFC 3339), if asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// Which service.
    pub service: ServiceName,
    /// Which replica.
    pub replica: u32,
    /// Of which release.
    pub release: ReleaseNumber,
    /// Where to.
    pub stream: LogStream,
    /// The line, without its end; invalid UTF-8 is replaced.
    pub text: String,
}

/// Standard output or standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// What a build says. The last one is `done` or `failed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "build")]
pub enum BuildEvent {
    /// One line of output.
    Output {
        /// Without its end.
        line: String,
    },
    /// It is built.
    Done {
        /// The result.
        image: ImageId,
    },
    /// It is not.
    Failed {
        /// Why.
        problem: Problem,
    },
}
