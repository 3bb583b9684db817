//! Who calls: what the kernel says of the process at the other end of the socket.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::extract::connect_info::{ConnectInfo, Connected};
use axum::http::request::Parts;
use axum::serve::IncomingStream;
use landfall_api::Who;
use tokio::net::UnixListener;
use tokio::net::unix::UCred;

/// Names of users on this host.
const USERS: &str = "/etc/passwd";
/// A file of users larger than this is not searched.
const USERS_MAX_BYTES: u64 = 4 * 1024 * 1024;

/// The peer of one connection, as the kernel had it when it connected.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(Option<UCred>);

impl Connected<IncomingStream<'_, UnixListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, UnixListener>) -> Self {
        Self(stream.io().peer_cred().ok())
    }
}

/// Who makes a request.
#[derive(Debug, Clone)]
pub(super) struct Caller(Option<UCred>);

impl Caller {
    /// With the name they give themselves.
    pub(super) fn who(&self, claimed: Option<&str>) -> Who {
        // Without the kernel's word it is nobody's: user ids of that value do not exist.
        let (uid, gid) = self.0.map_or((u32::MAX, u32::MAX), |peer| (peer.uid(), peer.gid()));
        let pid = self.0.and_then(|peer| peer.pid());
        let claimed = claimed.map(str::to_owned);
        Who::Peer { uid, gid, pid, user: user_name(uid), claimed }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<Peer>>();
        Ok(Self(peer.and_then(|ConnectInfo(Peer(peer))| *peer)))
    }
}

/// The name that a user id has here.
fn user_name(uid: u32) -> Option<String> {
    let size = std::fs::metadata(USERS).ok()?.len();
    let text = (size <= USERS_MAX_BYTES).then(|| std::fs::read_to_string(USERS).ok())??;
    find_user(&text, uid)
}

fn find_user(users: &str, uid: u32) -> Option<String> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_number_among_lines_of_all_shapes() {
        let users = "root:x:0:0:root:/root:/bin/sh\n\n# no user\nann:x:1000:1000::/home/ann:\n";
        assert_eq!(find_user(users, 1000).as_deref(), Some("ann"));
        assert_eq!(find_user(users, 0).as_deref(), Some("root"));
        assert_eq!(find_user(users, 7), None);
    }
}
