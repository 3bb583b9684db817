//! The ways in which another host's agent cannot be reached.

use super::Failure;
use crate::remote::{
    AGENT_SOCKET, BadAddress, HostsError, LOCAL, Refusal, RemoteError, RemoteHost, SshAddress,
};

impl From<HostsError> for Failure {
    fn from(error: HostsError) -> Self {
        let message = error.to_string();
        match error {
            HostsError::Read { source, .. } => Self::not_done("config", message).cause(source),
            HostsError::Malformed { .. } => Self::not_done("config", message)
                .hint("`[hosts.NAME]` has `address = \"ssh://user@host\"` and perhaps `socket`"),
            HostsError::Unknown { name, known, file } => {
                let known = match known.as_slice() {
                    [] => "no hosts".to_owned(),
                    known => known.join(", "),
                };
                let failure =
                    Self::usage(message).hint(format!("{} names {known}", file.display()));
                match format!("ssh://{name}").parse::<SshAddress>() {
                    Ok(address) => failure.hint(format!(
                        "`--host {address}` is a host that `{}` reaches",
                        address.command()
                    )),
                    Err(_) => failure,
                }
            }
            HostsError::Address(BadAddress::Password) => Self::usage(message)
                .hint("ssh asks for it; better, let it use a key (`ssh-copy-id`)"),
            HostsError::Address(_) => {
                Self::usage(message).hint("everything else about a host belongs into ~/.ssh/config")
            }
            HostsError::Socket(_) => Self::usage(message),
        }
    }
}

impl From<RemoteError> for Failure {
    fn from(error: RemoteError) -> Self {
        let message = error.to_string();
        match error {
            RemoteError::NoSsh { source, .. } => Self::not_done("ssh_missing", message)
                .cause(source)
                .hint("install OpenSSH's client; LANDFALL_SSH names another program"),
            RemoteError::Folder { tried } => {
                let mut failure = Self::not_done("ssh_folder", message)
                    .hint("XDG_RUNTIME_DIR or TMPDIR may name a short path that only you may enter");
                failure.details = tried;
                failure
            }
            RemoteError::File { source, .. } => {
                Self::not_done("ssh_folder", message).cause(source)
            }
            RemoteError::Held { .. } => Self::not_done("ssh_busy", message)
                .hint("it may wait for a passphrase in another terminal"),
            RemoteError::Refused { host, why, said } => refused(&host, why, said),
            RemoteError::NoAgent { host, socket_exists } => no_agent(message, &host, socket_exists),
            RemoteError::Denied { host } => Self::not_done("agent_denied", message)
                .cause(format!("{} there is not writable for it", host.socket.as_str()))
                .hint("log in as the user or into the group that owns it (`--socket-group` of `landfall agent run`)"),
            RemoteError::Silent { cause, host } => Self::not_done("agent_silent", message)
                .cause(cause)
                .hint(format!("look there: `{}`, then `landfall agent status`", host.address.command())),
            RemoteError::Version { cause, .. } => Self::not_done("agent_version", message)
                .cause(cause)
                .hint("run the same version of landfall here and there"),
        }
    }
}

fn no_agent(message: String, host: &RemoteHost, socket_exists: bool) -> Failure {
    let socket = host.socket.as_str();
    let failure = Failure::not_done("agent_not_running", message);
    if socket_exists {
        return failure
            .cause(format!("nobody answers at {socket} there"))
            .hint("start it there with `landfall agent start`")
            .hint(
                "if it runs, its sshd may forbid to forward sockets (AllowStreamLocalForwarding)",
            );
    }
    let failure = failure
        .cause(format!("this user sees no socket {socket} there"))
        .hint("start it there with `landfall agent start`");
    if socket == AGENT_SOCKET {
        failure
            .hint("if its socket is elsewhere: `--socket PATH`, or `socket` in the file of hosts")
    } else {
        failure
    }
}

fn refused(host: &RemoteHost, why: Refusal, said: Vec<String>) -> Failure {
    let failure = Failure::not_done(code(why), message(host, why));
    said.into_iter().fold(failure, Failure::cause).hint(hint(&host.address.command(), why))
}

fn code(why: Refusal) -> &'static str {
    match why {
        Refusal::Key => "ssh_key_refused",
        Refusal::UnknownHost => "ssh_host_unknown",
        Refusal::ChangedHost => "ssh_host_changed",
        Refusal::Name => "ssh_name",
        Refusal::Port | Refusal::Way => "ssh_unreachable",
        Refusal::Silence => "ssh_timeout",
        Refusal::HungUp => "ssh_closed",
        Refusal::Algorithms => "ssh_algorithms",
        Refusal::Config => "ssh_config",
        Refusal::Forward => "ssh_forward",
        Refusal::Other => "ssh_failed",
    }
}

fn message(host: &RemoteHost, why: Refusal) -> String {
    match why {
        Refusal::Key => format!("{host} refuses every key"),
        Refusal::UnknownHost => format!("the key of {host} is not known"),
        Refusal::ChangedHost => format!("{host} has another key than the one that is known"),
        Refusal::Name => format!("{host} cannot be found"),
        Refusal::Port => format!("nothing listens for SSH on {host}"),
        Refusal::Way => format!("there is no way to {host}"),
        Refusal::Silence => format!("{host} does not answer"),
        Refusal::HungUp => format!("{host} closed the connection"),
        Refusal::Algorithms => format!("{host} and this machine have no algorithm in common"),
        Refusal::Config => "ssh does not accept its configuration".to_owned(),
        Refusal::Forward => format!("{host} does not let sockets be forwarded"),
        Refusal::Other => format!("no connection to {host}"),
    }
}

fn hint(command: &str, why: Refusal) -> String {
    match why {
        Refusal::Key => {
            format!("once `{command}` works, this does: `ssh-add` and `ssh-copy-id` help")
        }
        Refusal::UnknownHost => {
            format!("run `{command}` once and compare the fingerprint, or add it to known_hosts")
        }
        Refusal::ChangedHost => {
            "unless you know why, somebody may be in between: ask who runs the host before you \
             remove the old key (`ssh-keygen -R`)"
                .to_owned()
        }
        Refusal::Name => format!("is it the right name? `--host {LOCAL}` is this host"),
        Refusal::Port => "is it up, and is the port right? (`ssh://host:port`)".to_owned(),
        Refusal::Way => "is this machine online, and in the right VPN?".to_owned(),
        Refusal::Silence => "is it up, and does a firewall let SSH through?".to_owned(),
        Refusal::HungUp => {
            format!("`{command} -v` says more; its sshd may limit how many may connect")
        }
        Refusal::Algorithms => "one of the two is very old: upgrade it".to_owned(),
        Refusal::Config => "mend ~/.ssh/config".to_owned(),
        Refusal::Forward => {
            "AllowStreamLocalForwarding and PermitOpen in its sshd_config decide".to_owned()
        }
        Refusal::Other => format!("once `{command}` works, this does"),
    }
}

impl Failure {
    /// A failure of a call to another host's agent: hints about this host would mislead.
    pub(crate) fn over_ssh(mut self, host: &RemoteHost) -> Self {
        let message = match self.code {
            "agent_not_running" | "agent_unreachable" => {
                format!("the connection to {host} is gone")
            }
            "agent_silent" => format!("the connection to {host} broke, or its agent did"),
            _ => return self,
        };
        self.message = message;
        self.hints =
            vec!["what was asked for may have been done: `landfall status` says so".to_owned()];
        self
    }
}
