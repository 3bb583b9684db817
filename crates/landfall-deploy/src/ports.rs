//! What the transaction needs of the world, one trait a neighbour.
//!
//! Every call has three answers: done, no effect, don't know ([`landfall_core::record::Effect`]).
//! Calls are idempotent by rule: making what is there already (found by labels, same rollout) is
//! success, and so is removing what is gone.

mod edge;
mod engine;
mod rest;

pub use edge::{Edge, EdgeError};
pub use engine::{
    ContainerRequest, Engine, EngineError, EngineErrorKind, FoundContainer, FoundNetwork,
    FoundVolume, NetworkRequest, PublishRequest, ReplicaStatus, ResolvedMount, Selector, Status,
    VolumeRequest,
};
pub use rest::{Clock, Entry, Files, FilesError, JournalError, JournalStore, Observer, Progress};
