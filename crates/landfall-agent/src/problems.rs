//! Errors of the agent's neighbours as problems that a person reads.

use landfall_api::{EdgeClientError, Problem, ProblemCode};
use landfall_core::planner::PlanError;
use landfall_core::route::InvalidTable;
use landfall_deploy::ports::{EdgeError, EngineError, EngineErrorKind};

use crate::store::StoreError;

/// What to do about an engine that does not know what runs.
pub(crate) const RESTART_THE_ENGINE: &str = "it started without them, on a full or failing disk: restart it (`systemctl restart docker`; with live-restore what serves goes on serving), then `landfall repair`";

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let message = error.to_string();
        match error {
            StoreError::Full(_) => Self::new(ProblemCode::Unavailable, message)
                .hint("make room on it, then try again; what serves goes on serving"),
            StoreError::Sqlite(_)
            | StoreError::Io(_)
            | StoreError::Foreign(_)
            | StoreError::Damaged(_)
            | StoreError::Lost(_)
            | StoreError::Closed => Self::new(ProblemCode::Internal, message),
        }
    }
}

/// An engine call that did not work.
pub(crate) fn engine(error: &EngineError) -> Problem {
    let code = match error.kind {
        EngineErrorKind::Unreachable | EngineErrorKind::Timeout | EngineErrorKind::LostTrack => {
            ProblemCode::Unavailable
        }
        EngineErrorKind::PortTaken => ProblemCode::PortTaken,
        EngineErrorKind::Conflict | EngineErrorKind::NotFound | EngineErrorKind::Invalid => {
            ProblemCode::Invalid
        }
        EngineErrorKind::Internal => ProblemCode::Internal,
    };
    let problem = Problem::new(code, error.message.clone());
    match error.kind {
        EngineErrorKind::Unreachable => problem.hint("is the Docker Engine running?"),
        EngineErrorKind::LostTrack => problem.hint(RESTART_THE_ENGINE),
        EngineErrorKind::Conflict
        | EngineErrorKind::PortTaken
        | EngineErrorKind::NotFound
        | EngineErrorKind::Invalid
        | EngineErrorKind::Internal
        | EngineErrorKind::Timeout => problem,
    }
}

/// An edge call that did not work.
pub(crate) fn edge(error: &EdgeError) -> Problem {
    Problem::new(ProblemCode::Unavailable, error.message.clone())
        .hint("is the edge running? `landfall agent start` starts it")
}

/// The edge was asked, and did not answer.
pub(crate) fn edge_call(error: &EdgeClientError) -> Problem {
    Problem::new(ProblemCode::Unavailable, format!("the edge does not answer: {error}"))
}

/// No plan.
pub(crate) fn plan(error: &PlanError) -> Problem {
    let problem = Problem::new(ProblemCode::Invalid, error.to_string());
    if matches!(error, PlanError::Pool(_)) {
        return problem.hint("give the agent a larger subnet pool");
    }
    problem
}

/// Two claims to one place.
pub(crate) fn table(error: &InvalidTable) -> Problem {
    Problem::new(ProblemCode::Invalid, error.to_string())
        .hint("give one of them another port, host or path")
}
