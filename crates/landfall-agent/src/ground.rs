//! What an agent stands on, one trait a neighbour: so that the same agent runs over a real host and in
//! a simulation of one.
//!
//! [`RealGround`] is the host's: the engine it is given, the edge's control socket, `SQLite`, the
//! disk, tokio's clock, `/proc`.

use std::future::Future;
use std::io;
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::path::Path;

use ipnet::Ipv4Net;
use landfall_api::{AuditEntry, AuditFact, AuditQuery, EdgeClient, EdgeClientError};
use landfall_core::control::{EdgeStatus, ListenCheck, ListenChecked};
use landfall_core::id::{AppName, ReleaseNumber, RolloutNumber};
use landfall_core::record::Record;
use landfall_core::release::Release;
use landfall_core::spec::Protocol;
use landfall_deploy::ports::{Clock, Edge, Entry, Files};

use crate::clock::TokioClock;
use crate::config::AgentConfig;
use crate::edge::HostEdge;
use crate::files::DiskFiles;
use crate::host::Host;
use crate::platform::Platform;
use crate::store::{Began, Journal, Opening, ReleaseRow, SqliteStore, StoreError, Verified};

/// The kinds of an agent's neighbours.
pub trait Ground: Send + Sync + 'static {
    /// The container engine.
    type Platform: Platform;
    /// The edge.
    type Edge: EdgeProcess;
    /// What is durable.
    type Store: Store;
    /// Sealed files.
    type Files: Files + Clone + 'static;
    /// Monotonic time.
    type Clock: Clock + Clone + 'static;
    /// The host itself.
    type Host: HostView;
}

/// A real host with an engine.
#[derive(Debug)]
pub(crate) struct RealGround<P>(PhantomData<fn() -> P>);

impl<P: Platform> Neighbours<RealGround<P>> {
    /// Those that the settings name, with an open store.
    pub(crate) fn real(config: &AgentConfig, platform: P, store: SqliteStore) -> Self {
        Self {
            platform,
            edge: HostEdge::new(EdgeClient::new(&config.edge_socket)),
            store,
            files: DiskFiles::new(config.state_dir.join("files")),
            clock: TokioClock::new(),
            host: Host::new(),
        }
    }
}

impl<P: Platform> Ground for RealGround<P> {
    type Platform = P;
    type Edge = HostEdge;
    type Store = SqliteStore;
    type Files = DiskFiles;
    type Clock = TokioClock;
    type Host = Host;
}

/// The neighbours themselves.
#[derive(Debug)]
pub struct Neighbours<G: Ground> {
    /// The container engine.
    pub platform: G::Platform,
    /// The edge.
    pub edge: G::Edge,
    /// What is durable.
    pub store: G::Store,
    /// Sealed files.
    pub files: G::Files,
    /// Monotonic time.
    pub clock: G::Clock,
    /// The host itself.
    pub host: G::Host,
}

/// The edge, with what the agent asks of it beyond the transaction's port.
pub trait EdgeProcess: Edge + Clone + 'static {
    /// The edge about itself.
    fn status(&self) -> impl Future<Output = Result<EdgeStatus, EdgeClientError>> + Send;

    /// Which addresses could not be bound.
    fn listen_check(
        &self,
        check: &ListenCheck,
    ) -> impl Future<Output = Result<ListenChecked, EdgeClientError>> + Send;
}

/// The host as the agent sees it before a plan.
pub trait HostView: Send + Sync + 'static {
    /// Every route's subnet but the default's.
    fn routed_subnets(&self) -> io::Result<Vec<Ipv4Net>>;

    /// Space on the file system of a path; `None`: not known.
    fn disk_space(&self, _path: &Path) -> Option<DiskSpace> {
        None
    }

    /// Who listens where a listener on `address` would get in the way, in words.
    fn who_listens(&self, address: SocketAddr, protocol: Protocol) -> Option<String>;
}

/// Space on a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskSpace {
    /// What an ordinary process may still write.
    pub free_bytes: u64,
    /// In all.
    pub total_bytes: u64,
    /// Files that may still be made.
    pub inodes_free: u64,
    /// In all; 0 where there is no such limit.
    pub inodes: u64,
}

/// Releases, rollouts and their journals. What is acknowledged survives a power cut.
pub trait Store: Clone + Send + Sync + 'static {
    /// A rollout number that no rollout of this app ever had, and none will have again: it names
    /// containers.
    fn next_rollout(
        &self,
        app: &AppName,
    ) -> impl Future<Output = Result<RolloutNumber, StoreError>> + Send;

    /// The number that [`Self::next_rollout`] would give.
    fn peek_rollout(
        &self,
        app: &AppName,
    ) -> impl Future<Output = Result<RolloutNumber, StoreError>> + Send;

    /// Makes a rollout durable, its release if new and the record `began`, all or nothing.
    fn begin(&self, opening: Opening) -> impl Future<Output = Result<Entry, StoreError>> + Send;

    /// Appends one record; durable when it returns.
    fn append(
        &self,
        app: &AppName,
        rollout: RolloutNumber,
        record: Record,
    ) -> impl Future<Output = Result<Entry, StoreError>> + Send;

    /// One rollout with all its records; `None` if there is none.
    fn journal(
        &self,
        app: &AppName,
        rollout: RolloutNumber,
    ) -> impl Future<Output = Result<Option<Journal>, StoreError>> + Send;

    /// All rollouts of an app that began, newest first, each with its newest record.
    fn rollouts(
        &self,
        app: &AppName,
    ) -> impl Future<Output = Result<Vec<Began>, StoreError>> + Send;

    /// Apps that ever had a rollout, by name.
    fn apps(&self) -> impl Future<Output = Result<Vec<AppName>, StoreError>> + Send;

    /// The number that the app's next release will have.
    fn next_release(
        &self,
        app: &AppName,
    ) -> impl Future<Output = Result<ReleaseNumber, StoreError>> + Send;

    /// One release; `None` if there is none of that number, or its content is gone.
    fn release(
        &self,
        app: &AppName,
        number: ReleaseNumber,
    ) -> impl Future<Output = Result<Option<Release>, StoreError>> + Send;

    /// All releases of an app, newest first.
    fn releases(
        &self,
        app: &AppName,
    ) -> impl Future<Output = Result<Vec<ReleaseRow>, StoreError>> + Send;

    /// Drops the content of all releases of an app but these.
    fn keep_only(
        &self,
        app: &AppName,
        keep: &[ReleaseNumber],
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Appends one fact to the audit record. A store may keep none.
    fn audit(
        &self,
        _at_ms: u64,
        _fact: AuditFact,
    ) -> impl Future<Output = Result<(), StoreError>> + Send {
        async { Ok(()) }
    }

    /// Entries of the audit record, newest first.
    fn audited(
        &self,
        _query: AuditQuery,
    ) -> impl Future<Output = Result<Vec<AuditEntry>, StoreError>> + Send {
        async { Ok(Vec::new()) }
    }

    /// Checks that what is stored is what was written. A store that cannot tell found nothing.
    fn verify(&self) -> impl Future<Output = Result<Verified, StoreError>> + Send {
        async { Ok(Verified::default()) }
    }

    /// Drops the content of one release.
    fn forget(
        &self,
        app: &AppName,
        number: ReleaseNumber,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Whether there is room for a new rollout. One that is not on a disk has room.
    fn room(&self) -> impl Future<Output = Result<(), StoreError>> + Send {
        std::future::ready(Ok(()))
    }
}

/// Types of what a [`Store`] takes and gives.
pub mod stored {
    pub use crate::store::{Began, Header, Journal, NewRelease, Opening, ReleaseRow, Verified};
}
