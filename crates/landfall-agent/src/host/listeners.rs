//! Who listens on a port, by name: so that "port taken" says by whom.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use super::Host;

/// `TCP_LISTEN` in the kernel's table.
const LISTENING: &str = "0A";
/// An unconnected UDP socket.
const UNCONNECTED: &str = "07";

/// Transport of a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// A process, or only the fact that something listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listener {
    /// Process id and command, if we may see it.
    pub process: Option<(u32, String)>,
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.process {
            Some((pid, command)) => write!(f, "process {command} (pid {pid})"),
            None => f.write_str("another process"),
        }
    }
}

impl Host {
    /// Who listens where a listener on `address` would get in the way.
    pub(crate) fn who_listens(
        &self,
        address: SocketAddr,
        transport: Transport,
    ) -> Option<Listener> {
        let (tables, state) = match transport {
            Transport::Tcp => (["net/tcp", "net/tcp6"], LISTENING),
            Transport::Udp => (["net/udp", "net/udp6"], UNCONNECTED),
        };
        let inode = tables.iter().find_map(|table| {
            let text = std::fs::read_to_string(self.proc.join(table)).ok()?;
            text.lines().skip(1).find_map(|line| in_the_way(line, state, address))
        })?;
        Some(Listener { process: self.owner(&inode) })
    }

    /// The process that has a socket open.
    fn owner(&self, inode: &str) -> Option<(u32, String)> {
        let wanted = format!("socket:[{inode}]");
        let processes = std::fs::read_dir(&self.proc).ok()?;
        processes.flatten().find_map(|entry| {
            let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
            let path = entry.path();
            has_open(&path.join("fd"), &wanted).then(|| {
                let command = std::fs::read_to_string(path.join("comm")).unwrap_or_default();
                (pid, command.trim().to_owned())
            })
        })
    }
}

fn has_open(fds: &Path, wanted: &str) -> bool {
    let Ok(fds) = std::fs::read_dir(fds) else { return false };
    fds.flatten()
        .any(|fd| std::fs::read_link(fd.path()).is_ok_and(|target| target.as_os_str() == wanted))
}

/// The inode of a table's line, if it is a listener that overlaps the address.
fn in_the_way(line: &str, state: &str, address: SocketAddr) -> Option<String> {
    let columns: Vec<_> = line.split_whitespace().collect();
    let local = parse_address(columns.get(1)?)?;
    let overlaps = local.port() == address.port()
        && (local.ip() == address.ip()
            || local.ip().is_unspecified()
            || address.ip().is_unspecified());
    (overlaps && *columns.get(3)? == state).then(|| columns.get(9).map(ToString::to_string))?
}

/// `0100007F:0050`, or 32 digits for IPv6: 32-bit words in the host's byte order.
fn parse_address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |at: usize| u32::from_str_radix(ip.get(at..at + 8)?, 16).ok().map(u32::to_ne_bytes);
    let ip = match ip.len() {
        8 => IpAddr::V4(Ipv4Addr::from(word(0)?)),
        32 => {
            let words = [word(0)?, word(8)?, word(16)?, word(24)?];
            let mut bytes = [0; 16];
            for (part, word) in bytes.chunks_exact_mut(4).zip(words) {
                part.copy_from_slice(&word);
            }
            let ip = Ipv6Addr::from(bytes);
            ip.to_ipv4_mapped().map_or(IpAddr::V6(ip), IpAddr::V4)
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, UdpSocket};

    #[test]
    fn addresses_are_read_as_the_kernel_prints_them() {
        let read = |text| parse_address(text).unwrap().to_string();
        assert_eq!(read("0100007F:0050"), "127.0.0.1:80");
        assert_eq!(read("00000000000000000000000000000000:1F90"), "[::]:8080");
        assert_eq!(read("00000000000000000000000001000000:0016"), "[::1]:22");
        assert_eq!(parse_address("nonsense"), None);
    }

    #[test]
    fn our_own_listener_is_found_with_name_and_pid() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let any = SocketAddr::from(([0, 0, 0, 0], port));
        for address in [listener.local_addr().unwrap(), any] {
            let found = Host::new().who_listens(address, Transport::Tcp).unwrap();
            assert_eq!(found.process.map(|(pid, _)| pid), Some(std::process::id()));
        }
        let other = SocketAddr::from(([127, 0, 0, 2], port));
        assert_eq!(Host::new().who_listens(other, Transport::Tcp), None);
        drop(listener);
        assert_eq!(Host::new().who_listens(any, Transport::Tcp), None);

        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        assert!(Host::new().who_listens(socket.local_addr().unwrap(), Transport::Udp).is_some());
    }
}
