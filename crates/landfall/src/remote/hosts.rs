//! Hosts by name: the user's file of them, and which host is meant.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::Deserialize;

use super::address::{BadAddress, BadSocket, RemoteSocket, SshAddress};

/// Largest file of hosts.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// Most hosts in it.
const HOSTS_MAX: usize = 1000;
/// This host, whatever the environment says.
pub(crate) const LOCAL: &str = "local";

/// A host as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HostWish {
    /// An address, or a name in the file of hosts.
    pub(crate) text: String,
    /// Whether the command line said it; else the environment did.
    pub(crate) is_flag: bool,
    /// The agent's socket there, where the command line names one.
    pub(crate) socket: Option<PathBuf>,
}

/// One host that is reached by SSH.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RemoteHost {
    /// Its name in the file of hosts.
    pub(crate) name: Option<HostName>,
    pub(crate) address: SshAddress,
    pub(crate) socket: RemoteSocket,
}

impl fmt::Display for RemoteHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => f.write_str(&name.0),
            None => f.write_str(&self.address.destination()),
        }
    }
}

impl RemoteHost {
    /// What `--host` takes to mean this host.
    pub(crate) fn as_flag(&self) -> String {
        self.name.as_ref().map_or_else(|| self.address.to_string(), |name| name.0.clone())
    }
}

/// A name in the file of hosts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct HostName(String);

impl TryFrom<String> for HostName {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let safe = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let first = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        if first && text.len() <= 63 && text.chars().all(safe) && text != LOCAL {
            return Ok(Self(text));
        }
        Err(format!(
            "`{text}` cannot be the name of a host: up to 63 letters, digits and any of . _ - (not first), and not `{LOCAL}`"
        ))
    }
}

/// Why it is not known which host is meant.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HostsError {
    #[error("{} cannot be read", file.display())]
    Read { file: PathBuf, source: io::Error },
    #[error("{}{at}: {message}", file.display())]
    Malformed { file: PathBuf, at: String, message: String },
    #[error("there is no host `{name}`")]
    Unknown { name: String, known: Vec<String>, file: PathBuf },
    #[error(transparent)]
    Address(#[from] BadAddress),
    #[error(transparent)]
    Socket(#[from] BadSocket),
}

/// The file of hosts.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hosts {
    #[serde(default)]
    hosts: BTreeMap<HostName, Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    address: SshAddress,
    #[serde(default)]
    socket: RemoteSocket,
}

impl Hosts {
    /// Reads the file; one that does not exist names no hosts.
    pub(crate) fn read(file: &Path) -> Result<Self, HostsError> {
        let failed = |source| HostsError::Read { file: file.to_owned(), source };
        let mut text = String::new();
        match std::fs::File::open(file) {
            Ok(open) => open.take(FILE_BYTES_MAX + 1).read_to_string(&mut text).map_err(failed)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(failed(error)),
        };
        let malformed = |at: String, message: String| HostsError::Malformed {
            file: file.to_owned(),
            at,
            message,
        };
        if u64::try_from(text.len()).unwrap_or(u64::MAX) > FILE_BYTES_MAX {
            let message = format!("the file is larger than {FILE_BYTES_MAX} bytes");
            return Err(malformed(String::new(), message));
        }
        let hosts: Self = toml::from_str(&text).map_err(|error| {
            let at = error.span().map(|span| place(&text, span.start)).unwrap_or_default();
            malformed(at, error.message().to_owned())
        })?;
        if hosts.hosts.len() > HOSTS_MAX {
            return Err(malformed(String::new(), format!("more than {HOSTS_MAX} hosts")));
        }
        Ok(hosts)
    }

    /// All of them, by name.
    pub(crate) fn all(&self) -> Vec<RemoteHost> {
        self.hosts.iter().map(|(name, entry)| entry.host(name)).collect()
    }

    fn find(&self, name: &str) -> Option<RemoteHost> {
        let found = self.hosts.iter().find(|(known, _)| known.0 == name);
        found.map(|(name, entry)| entry.host(name))
    }
}

impl Entry {
    fn host(&self, name: &HostName) -> RemoteHost {
        RemoteHost {
            name: Some(name.clone()),
            address: self.address.clone(),
            socket: self.socket.clone(),
        }
    }
}

/// Which host is meant; `None` is this one.
pub(crate) fn find(wish: &HostWish, file: &Path) -> Result<Option<RemoteHost>, HostsError> {
    let mut host = match wish.text.as_str() {
        LOCAL => return Ok(None),
        address if address.contains("://") => {
            let address = SshAddress::from_str(address)?;
            RemoteHost { name: None, address, socket: RemoteSocket::default() }
        }
        name => {
            let hosts = Hosts::read(file)?;
            hosts.find(name).ok_or_else(|| HostsError::Unknown {
                name: name.to_owned(),
                known: hosts.hosts.keys().map(|name| name.0.clone()).collect(),
                file: file.to_owned(),
            })?
        }
    };
    if let Some(socket) = &wish.socket {
        host.socket = socket.to_string_lossy().parse()?;
    }
    Ok(Some(host))
}

/// `:line:column` of a byte.
fn place(text: &str, byte: usize) -> String {
    let before = text.get(..byte).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    format!(":{line}:{column}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Hosts, String> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config.toml");
        std::fs::write(&file, text).unwrap();
        Hosts::read(&file)
            .map_err(|error| error.to_string().replace(&dir.path().display().to_string(), "[DIR]"))
    }

    #[test]
    fn a_file_names_hosts() {
        let text = "[hosts.prod]\naddress = \"ssh://deploy@203.0.113.7\"\n\n[hosts.test]\n\
                    address = \"ssh://test\"\nsocket = \"/run/user/1000/landfall/agent.sock\"\n";
        let hosts = read(text).unwrap().all();
        let shown: Vec<_> = hosts
            .iter()
            .map(|host| format!("{host} {} {}", host.address, host.socket.as_str()))
            .collect();
        assert_eq!(
            shown,
            [
                "prod ssh://deploy@203.0.113.7 /run/landfall/agent.sock",
                "test ssh://test /run/user/1000/landfall/agent.sock"
            ]
        );
    }

    #[test]
    fn what_is_wrong_in_the_file_is_told_with_its_place() {
        for (text, expected) in [
            ("[hosts.prod]\naddres = \"ssh://h\"\n", ":2:1: unknown field `addres`"),
            ("[hosts.prod]\naddress = \"ssh://-oProxyCommand=x\"\n", ":2:11: `-oProxyCommand=x`"),
            ("[hosts.prod]\nsocket = \"/x\"\n", ":1:1: missing field `address`"),
            ("[hosts.local]\naddress = \"ssh://h\"\n", "not `local`"),
            ("[hosts.prod]\naddress = \"ssh://h\"\nsocket = \"x\"\n", ":3:10: `x` cannot be"),
            ("[hosts\n", ":1:7: "),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn a_wish_is_an_address_a_name_or_this_host() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config.toml");
        std::fs::write(&file, "[hosts.prod]\naddress = \"ssh://h\"\n").unwrap();
        let wish = |text: &str| HostWish { text: text.into(), is_flag: true, socket: None };
        assert_eq!(find(&wish("local"), &file).unwrap(), None);
        assert_eq!(find(&wish("prod"), &file).unwrap().unwrap().as_flag(), "prod");
        assert_eq!(find(&wish("ssh://a@b"), &file).unwrap().unwrap().to_string(), "a@b");
        let unknown = find(&wish("prd"), &file).unwrap_err();
        assert!(matches!(unknown, HostsError::Unknown { known, .. } if known == ["prod"]));
        assert!(find(&wish("prod"), &dir.path().join("none")).is_err());
        let socket = HostWish { socket: Some("/tmp/a.sock".into()), ..wish("prod") };
        assert_eq!(find(&socket, &file).unwrap().unwrap().socket.as_str(), "/tmp/a.sock");
    }
}
