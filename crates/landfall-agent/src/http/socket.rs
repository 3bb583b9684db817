//! The API's unix socket: never open to strangers, not even for the moment in which it is made.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixSocket, UnixStream};

/// Connections that may wait.
const BACKLOG: u32 = 1024;

/// The socket cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Somebody answers there.
    #[error("another agent answers at {}", .0.display())]
    InUse(PathBuf),
    /// The file system says no.
    #[error("cannot listen at {}", path.display())]
    Io {
        /// The socket.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Listens at a path, in the place of a socket that nobody answers at.
pub(crate) async fn bind(path: &Path, gid: Option<u32>) -> Result<UnixListener, SocketError> {
    let failed = |source| SocketError::Io { path: path.to_owned(), source };
    if UnixStream::connect(path).await.is_ok() {
        return Err(SocketError::InUse(path.to_owned()));
    }
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir).map_err(failed)?;
    }
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let socket = UnixSocket::new_stream().map_err(failed)?;
    socket.bind(path).map_err(failed)?;
    // Before it listens: until then every connection is refused.
    if gid.is_some() {
        chown(path, None, gid).map_err(failed)?;
    }
    std::fs::set_permissions(path, Permissions::from_mode(0o660)).map_err(failed)?;
    socket.listen(BACKLOG).map_err(failed)
}
