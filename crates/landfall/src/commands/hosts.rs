//! `landfall hosts`: other hosts by name, and which of them answer.

use clap::Args;
use futures_util::{StreamExt as _, stream};
use serde::Serialize;

use crate::cli::CommonArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::output::style::{Tone, harmless};
use crate::output::table::Table;
use crate::remote::{Hosts, RemoteHost, Tunnel};

/// Hosts that are asked at once.
const ASKED_MAX: usize = 8;

/// List the hosts of the configuration, and say which of them answer.
///
/// Hosts stand in `~/.config/landfall/config.toml` (`LANDFALL_CONFIG`, else `XDG_CONFIG_HOME`):
/// `[hosts.prod]` with `address = "ssh://user@host:port"` and, if it is not the usual one, the agent's
/// `socket` there. `--host prod` or `LANDFALL_HOST=prod` means that host then. Keys, jump hosts and
/// known hosts are those of `ssh`.
#[derive(Debug, Args)]
pub(crate) struct HostsArgs {
    #[command(flatten)]
    pub(crate) common: CommonArgs,
}

/// One host, for programs.
#[derive(Debug, Serialize)]
struct Seen {
    name: String,
    address: String,
    socket: String,
    /// Version of the agent that answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

pub(crate) async fn run(_args: &HostsArgs, invocation: &Invocation) -> Result<Exit, Failure> {
    let file = &invocation.settings.config_file;
    let hosts = Hosts::read(file)?.all();
    let asked = stream::iter(hosts).map(|host| ask(invocation, host));
    let seen: Vec<Seen> = asked.buffered(ASKED_MAX).collect().await;
    let printer = &invocation.printer;
    if printer.is_json() {
        for host in &seen {
            printer.json(host);
        }
        return Ok(Exit::Done);
    }
    if seen.is_empty() {
        printer.announce(&format!("{} names no hosts", file.display()));
        return Ok(Exit::Done);
    }
    let paint = printer.paint_out();
    let mut table = Table::new(["host", "address", "socket", "agent"]);
    for host in &seen {
        let agent = match (&host.agent, &host.problem) {
            (Some(version), _) => harmless(version),
            (None, problem) => {
                paint.text(Tone::Bad, harmless(problem.as_deref().unwrap_or_default()))
            }
        };
        table.row([host.name.clone(), host.address.clone(), host.socket.clone(), agent]);
    }
    printer.data_lines(&table.lines(paint));
    Ok(Exit::Done)
}

/// Asks one host; nobody is asked for a passphrase, since there may be many hosts.
async fn ask(invocation: &Invocation, host: RemoteHost) -> Seen {
    let mut seen = Seen {
        name: host.to_string(),
        address: host.address.to_string(),
        socket: host.socket.as_str().to_owned(),
        agent: None,
        problem: None,
    };
    match version(invocation, host).await {
        Ok(version) => seen.agent = Some(version),
        Err(failure) => seen.problem = Some(failure.message.clone()),
    }
    seen
}

async fn version(invocation: &Invocation, host: RemoteHost) -> Result<String, Failure> {
    let tunnel = Tunnel::new(host, invocation.settings.ssh.clone())?;
    tunnel.open_again().await?;
    Ok(tunnel.client().info().await?.version)
}
