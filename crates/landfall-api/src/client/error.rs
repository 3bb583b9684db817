//! Why a call over a unix socket has no good answer, and whether it may have had an effect.

use std::io;
use std::path::PathBuf;

use landfall_core::control::Refused;

use crate::Problem;

/// A call to the agent did not work.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No answer of ours.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The agent refused, or failed.
    #[error(transparent)]
    Problem(#[from] Box<Problem>),
}

/// A call to the edge did not work.
#[derive(Debug, thiserror::Error)]
pub enum EdgeClientError {
    /// No answer of ours.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The edge refused; nothing changed.
    #[error("the edge refused: {}", .0.message)]
    Refused(Refused),
}

/// No answer, or none that we understand.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// There is no socket, or nobody listens on it.
    #[error("nobody answers at {}", socket.display())]
    NotRunning {
        /// The socket.
        socket: PathBuf,
    },
    /// This user may not use the socket.
    #[error("no permission to use {}", socket.display())]
    Denied {
        /// The socket.
        socket: PathBuf,
    },
    /// The connection could not be made for another reason.
    #[error("cannot connect to {}", socket.display())]
    Connect {
        /// The socket.
        socket: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The request could not be put into words. A bug.
    #[error("the request cannot be sent: {0}")]
    Unsendable(String),
    /// Sent, and no answer in time.
    #[error("no answer within {after_ms} ms")]
    Timeout {
        /// How long it was waited for.
        after_ms: u64,
    },
    /// Sent, and the connection broke.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// Answered, but not as agreed.
    #[error("the answer makes no sense: {0}")]
    Malformed(String),
    /// The other side speaks another version of the API.
    #[error("the other side speaks another API version ({}), this is version {ours}",
        .theirs.as_deref().unwrap_or("unknown"))]
    Version {
        /// What it says it speaks.
        theirs: Option<String>,
        /// What we speak.
        ours: u32,
    },
}

impl TransportError {
    /// Whether the request may have reached the other side, and so may have had an effect.
    pub fn may_have_been_sent(&self) -> bool {
        match self {
            Self::NotRunning { .. }
            | Self::Denied { .. }
            | Self::Connect { .. }
            | Self::Unsendable(_) => false,
            Self::Timeout { .. } | Self::Broken(_) | Self::Malformed(_) | Self::Version { .. } => {
                true
            }
        }
    }
}
