//! `landfall agent run`: the agent in the foreground. The place where all crates meet.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Args;
use ipnet::Ipv4Net;
use landfall_agent::AgentConfig;
use landfall_docker::DockerEngine;

use crate::cli::CommonArgs;
use crate::daemon::{self, PidFile, Role, notify};
use crate::engine::HostEngine;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::settings::Settings;

/// Threads of the agent: it waits for others nearly all of the time.
const THREADS: usize = 2;

/// Run the agent in the foreground, for a supervisor.
///
/// Runs the agent until SIGTERM or SIGINT, its log on standard error (`LANDFALL_LOG` sets how much).
/// It waits for an engine or an edge that is not there yet. `DOCKER_HOST` may name the engine's
/// socket; `docker login`'s registry logins are used.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    host: HostArgs,
    /// Leave the terminal's session; `agent start` uses it.
    #[arg(long, hide = true)]
    detached: bool,
    #[command(flatten)]
    pub(super) common: CommonArgs,
}

/// What an agent has to be told of its host.
#[derive(Debug, Args)]
pub(super) struct HostArgs {
    /// Group that may use the agent's socket, by name or number; only its owner by default. Who may
    /// use the socket may do on this host what root may do.
    #[arg(long, value_name = "GROUP")]
    socket_group: Option<String>,
    /// Where the subnets of releases' networks come from; 10.201.0.0/16 by default.
    #[arg(long, value_name = "CIDR")]
    subnet_pool: Option<Ipv4Net>,
}

impl HostArgs {
    /// The same flags for another process of ours.
    pub(super) fn again(&self) -> Vec<OsString> {
        let group = self.socket_group.iter().map(|group| ["--socket-group".into(), group.into()]);
        let pool = self.subnet_pool.iter();
        let pool = pool.map(|pool| ["--subnet-pool".into(), pool.to_string().into()]);
        group.chain(pool).flatten().collect()
    }
}

pub(crate) fn run(args: &RunArgs, invocation: &Invocation) -> Result<Exit, Failure> {
    let settings = &invocation.settings;
    daemon::begin(args.detached)?;
    let _pid_file = PidFile::take(Role::Agent, &settings.paths)?;
    let config = config(&args.host, settings)?;
    let docker = DockerEngine::connect_to(settings.docker_host.as_deref());
    let docker = docker.map_err(|error| Failure::not_done("engine", error.to_string()))?;
    let engine = HostEngine::new(docker, settings.docker_config.clone());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .thread_name("agent")
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| Failure::internal("no runtime").cause(error))?;
    let socket = config.socket.clone();
    runtime.block_on(async {
        tokio::select! {
            ended = landfall_agent::run(config, engine, daemon::asked_to_end()) => ended,
            never = notify::tend(&socket) => match never {},
        }
    })?;
    Ok(Exit::Done)
}

fn config(args: &HostArgs, settings: &Settings) -> Result<AgentConfig, Failure> {
    let paths = &settings.paths;
    let (state, socket) = (paths.agent_state(), paths.agent_socket.clone());
    let mut config = AgentConfig::new(state, socket, paths.edge_socket());
    config.socket_gid = args.socket_group.as_deref().map(group_id).transpose()?;
    if let Some(pool) = args.subnet_pool {
        config.subnet_pool = pool;
    }
    Ok(config)
}

/// A group by number, or by its name in `/etc/group`.
fn group_id(group: &str) -> Result<u32, Failure> {
    if let Ok(id) = group.parse() {
        return Ok(id);
    }
    let path: PathBuf = Path::new("/etc/group").to_owned();
    let groups = std::fs::read_to_string(&path)
        .map_err(|error| Failure::not_done("group", "/etc/group cannot be read").cause(error))?;
    find_group(&groups, group).ok_or_else(|| Failure::usage(format!("there is no group `{group}`")))
}

fn find_group(groups: &str, name: &str) -> Option<u32> {
    groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(name)).then(|| fields.nth(1))??.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_found_by_whole_name() {
        let groups = "root:x:0:\ndocker:x:998:ann\ndocker2:x:999:\n";
        assert_eq!(find_group(groups, "docker"), Some(998));
        assert_eq!(find_group(groups, "dock"), None);
    }
}
