//! What the edge is given when it starts. Every wait and every queue has a limit here.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;

use crate::keeper::Keeper;

/// Where the edge keeps its table, where it listens for calls, and its limits.
#[derive(Debug, Clone)]
pub struct EdgeConfig {
    /// Folder of the persisted tables; made when missing, locked while the edge runs.
    pub state_dir: PathBuf,
    /// Path of the control socket.
    pub control_socket: PathBuf,
    /// Permission bits of the control socket, for example `0o660`.
    pub control_mode: u32,
    /// Worker threads, at least one; read by [`run`](crate::run) only.
    pub workers: usize,
    /// Peers whose `X-Forwarded-*` headers are believed, such as a content delivery network.
    pub trusted_proxies: Vec<IpNet>,
    /// The locked file with this process's pid, if there is one: it is passed on to a successor.
    pub pid_file: Option<Arc<File>>,
    /// Who holds the listening sockets when this process is killed, if there is somebody.
    pub keeper: Option<Arc<dyn Keeper>>,
    /// Limits.
    pub limits: Limits,
}

impl EdgeConfig {
    /// One worker a core, control socket for owner and group, nobody trusted, nobody who keeps the sockets,
    /// default limits.
    pub fn new(state_dir: impl Into<PathBuf>, control_socket: impl Into<PathBuf>) -> Self {
        Self {
            state_dir: state_dir.into(),
            control_socket: control_socket.into(),
            control_mode: 0o660,
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            trusted_proxies: Vec::new(),
            pid_file: None,
            keeper: None,
            limits: Limits::default(),
        }
    }
}

/// How much and how long. Time is judged by a sweep that runs at most once a second, so a limit may
/// strike up to that much late.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Open connections from clients; more wait in the kernel's queue. Lowered to what the limit on
    /// open files allows.
    pub connections_max: usize,
    /// Open control connections.
    pub control_connections_max: usize,
    /// Bytes of one request's or answer's head. Their number is limited to 100 by hyper.
    pub head_bytes_max: usize,
    /// Idle connections kept to one endpoint.
    pub pool_idle_max: usize,
    /// How long such a connection is kept.
    pub pool_idle: Duration,
    /// Time from a request's first byte to the end of its head.
    pub head: Duration,
    /// Time that a client's connection may stay without a request.
    pub idle: Duration,
    /// Time to connect to an endpoint.
    pub connect: Duration,
    /// Time an endpoint may take to begin its answer after the last byte of the request moved.
    pub answer: Duration,
    /// Time that a body may stand still in either direction. Bodies may take as long as they move.
    pub inactivity: Duration,
    /// Time that an upgraded connection may stand still.
    pub tunnel_inactivity: Duration,
    /// How long an endpoint that refused a connection is avoided if there is another one.
    pub avoid: Duration,
    /// How long a request waits while no endpoint accepts connections; zero for not at all.
    pub hold: Duration,
    /// Endpoints that have been away for so long are waited for by nobody any more.
    pub hold_outage: Duration,
    /// Requests that wait at a time. Each is a head and a connection; bodies are not read meanwhile.
    pub held_max: usize,
    /// On shutdown: how long idle clients may still send a last request before they are closed.
    pub shutdown_idle: Duration,
    /// On shutdown: how long requests in flight may take.
    pub shutdown: Duration,
    /// After a successor took over: how long clients that stay are served before the shutdown
    /// begins. Longer than `idle`, so that a connection without a request ends as it would anyway.
    pub handed_over: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 16_384,
            control_connections_max: 32,
            head_bytes_max: 64 * 1024,
            pool_idle_max: 512,
            pool_idle: Duration::from_secs(55),
            head: Duration::from_secs(30),
            idle: Duration::from_secs(75),
            connect: Duration::from_secs(5),
            answer: Duration::from_mins(2),
            inactivity: Duration::from_mins(5),
            tunnel_inactivity: Duration::from_hours(1),
            avoid: Duration::from_secs(1),
            hold: Duration::from_secs(30),
            hold_outage: Duration::from_mins(5),
            held_max: 2048,
            shutdown_idle: Duration::from_secs(1),
            shutdown: Duration::from_secs(30),
            handed_over: Duration::from_mins(5),
        }
    }
}
