//! Where another host is: `ssh://user@host:port`, and the agent's socket there.
//!
//! What passes here can be put into an argument vector of `ssh` and into its options: no part begins
//! with a dash, and none holds a character that `ssh` or a shell would read as anything else.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use serde::Deserialize;

/// Where an agent listens unless it was told otherwise.
pub(crate) const AGENT_SOCKET: &str = "/run/landfall/agent.sock";
/// Longer names exist nowhere.
const NAME_BYTES_MAX: usize = 255;
/// The longest path of a unix socket, with room for its end.
const SOCKET_BYTES_MAX: usize = 107;

/// An address that `ssh` understands: a name of the DNS or of `~/.ssh/config`, or an IP address.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct SshAddress {
    user: Option<String>,
    host: String,
    port: Option<u16>,
}

/// Why a text is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadAddress {
    #[error("`{0}` is not of the form ssh://[user@]host[:port]")]
    Form(String),
    #[error("`{0}` cannot be the name of a user: letters, digits and any of . _ + - (not first)")]
    User(String),
    #[error("`{0}` cannot be the name of a host: letters, digits and any of . _ - (not first)")]
    Host(String),
    #[error("`{0}` is no port")]
    Port(String),
    #[error("a password has no place in an address")]
    Password,
}

impl SshAddress {
    pub(super) fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn port(&self) -> Option<u16> {
        self.port
    }

    /// The command that a person would type to log in.
    pub(crate) fn command(&self) -> String {
        let port = self.port.map(|port| format!("-p {port} ")).unwrap_or_default();
        format!("ssh {port}{}", self.destination())
    }

    /// `user@host`, as people write it.
    pub(crate) fn destination(&self) -> String {
        match &self.user {
            Some(user) => format!("{user}@{}", self.host),
            None => self.host.clone(),
        }
    }
}

impl FromStr for SshAddress {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Self, BadAddress> {
        let form = || BadAddress::Form(text.to_owned());
        let rest = text.strip_prefix("ssh://").ok_or_else(form)?;
        let (user, place) = match rest.rsplit_once('@') {
            Some((user, place)) => (Some(user), place),
            None => (None, rest),
        };
        if let Some(user) = user {
            if user.contains(':') {
                return Err(BadAddress::Password);
            }
            if !is_plain(user, "._+-") {
                return Err(BadAddress::User(user.to_owned()));
            }
        }
        let (host, port) = split_port(place).ok_or_else(form)?;
        let is_host = host.parse::<Ipv6Addr>().is_ok() || is_plain(host, "._-");
        if !is_host {
            return Err(BadAddress::Host(host.to_owned()));
        }
        let port = port.map(|port| match port.parse::<u16>() {
            Ok(number) if number > 0 && !port.starts_with('+') => Ok(number),
            _ => Err(BadAddress::Port(port.to_owned())),
        });
        Ok(Self { user: user.map(str::to_owned), host: host.to_owned(), port: port.transpose()? })
    }
}

impl TryFrom<String> for SshAddress {
    type Error = BadAddress;
    fn try_from(text: String) -> Result<Self, BadAddress> {
        text.parse()
    }
}

impl fmt::Display for SshAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ssh://")?;
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        if self.host.contains(':') {
            write!(f, "[{}]", self.host)?;
        } else {
            f.write_str(&self.host)?;
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// An address of IPv6 stands in brackets.
fn split_port(place: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = place.strip_prefix('[') {
        let (host, after) = rest.split_once(']')?;
        return match after {
            "" => Some((host, None)),
            after => Some((host, Some(after.strip_prefix(':')?))),
        };
    }
    match place.split_once(':') {
        Some((host, port)) => Some((host, Some(port))),
        None => Some((place, None)),
    }
}

/// Begins with a letter, a digit or `_`, and goes on with these and the characters named.
fn is_plain(text: &str, also: &str) -> bool {
    let first = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.starts_with(first)
        && text.len() <= NAME_BYTES_MAX
        && text.chars().all(|c| first(c) || also.contains(c))
}

/// The agent's socket on another host: an absolute path that nobody reads as anything else.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct RemoteSocket(String);

/// Why a text is no such path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` cannot be the agent's socket on another host: an absolute path of letters, digits and any of / . _ -, up to 107 of them"
)]
pub(crate) struct BadSocket(String);

impl RemoteSocket {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for RemoteSocket {
    fn default() -> Self {
        Self(AGENT_SOCKET.to_owned())
    }
}

impl FromStr for RemoteSocket {
    type Err = BadSocket;
    fn from_str(text: &str) -> Result<Self, BadSocket> {
        let safe = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
        let fits = text.len() <= SOCKET_BYTES_MAX && text.chars().all(safe);
        let parts = text.strip_prefix('/').filter(|rest| !rest.is_empty());
        if fits && parts.is_some_and(|parts| parts.split('/').all(|part| part != "..")) {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadSocket(text.to_owned()))
        }
    }
}

impl TryFrom<String> for RemoteSocket {
    type Error = BadSocket;
    fn try_from(text: String) -> Result<Self, BadSocket> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written_alike() {
        for text in [
            "ssh://prod",
            "ssh://deploy@203.0.113.7",
            "ssh://deploy@prod.example.org:2222",
            "ssh://_svc+ci@h_1",
            "ssh://root@[2001:db8::7]:22",
            "ssh://[::1]",
        ] {
            assert_eq!(text.parse::<SshAddress>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn no_part_of_an_address_can_become_an_option_or_a_command() {
        for text in [
            "ssh://-oProxyCommand=touch /tmp/x",
            "ssh://-oProxyCommand=x",
            "ssh://-l@host",
            "ssh://-oProxyCommand=x@host",
            "ssh://user@-oProxyCommand=x",
            "ssh://host:-22",
            "ssh://host:+22",
            "ssh://host:0",
            "ssh://host:22x",
            "ssh://host:70000",
            "ssh://host%h",
            "ssh://$(x)",
            "ssh://a b",
            "ssh://a;b",
            "ssh://a\nb",
            "ssh://a/b",
            "ssh://[-oProxyCommand=x]",
            "ssh://[::1",
            "ssh://[::1]x",
            "ssh://",
            "ssh://@host",
            "ssh://user@",
            "SSH://host",
            "host",
            "user@host",
            "tcp://host:2375",
        ] {
            assert!(text.parse::<SshAddress>().is_err(), "{text}");
        }
        assert_eq!("ssh://ann:pw@host".parse::<SshAddress>(), Err(BadAddress::Password));
    }

    #[test]
    fn a_socket_of_another_host_is_a_plain_absolute_path() {
        assert!("/run/landfall/agent.sock".parse::<RemoteSocket>().is_ok());
        for text in ["", "/", "run/x", "/a b", "/a:b", "/a;b", "/$x", "/a/../b", "/a\nb", "-x"] {
            assert!(text.parse::<RemoteSocket>().is_err(), "{text}");
        }
        assert!(format!("/{}", "x".repeat(107)).parse::<RemoteSocket>().is_err());
    }
}
