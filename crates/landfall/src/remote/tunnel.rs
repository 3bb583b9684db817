//! One connection to another host, shared by all commands of a user, and the agent's socket at its
//! near end.
//!
//! The first command makes the connection, which then stays in the background for a while; the next
//! ones find its socket and use it. A lock keeps two commands from making it at once. Everything is in
//! a folder that only this user may enter.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use landfall_api::{AgentClient, TransportError};
use landfall_core::hash::sha256_hex;
use tokio::time::{Instant, sleep};

use super::refusal::{classify, telling_lines};
use super::ssh::{self, Ended, Means};
use super::{Refusal, RemoteError, RemoteHost};

/// Bytes of a folder's path: the system allows 107 for a socket (103 on some), and `ssh` adds 17 to
/// the name of its own while it makes it.
const FOLDER_BYTES_MAX: usize = 70;
/// Time for a connection when nobody is asked anything; `ssh` itself gives up earlier.
const CONNECT_BOUND: Duration = Duration::from_secs(40);
/// Time for a person who types a passphrase.
const ASKING_BOUND: Duration = Duration::from_mins(10);
/// Time for what an existing connection does.
const MUX_BOUND: Duration = Duration::from_secs(10);
/// Pause between two attempts to get the lock.
const LOCK_AGAIN: Duration = Duration::from_millis(50);

/// Another host's agent at a socket of this host.
#[derive(Debug)]
pub(crate) struct Tunnel {
    host: RemoteHost,
    means: Means,
    folder: PathBuf,
    /// Common beginning of all file names.
    stem: String,
    client: AgentClient,
}

impl Tunnel {
    /// Finds a place for it; connects nothing yet.
    pub(crate) fn new(host: RemoteHost, means: Means) -> Result<Self, RemoteError> {
        let folder = private_folder(&means)?;
        let program = means.program.to_string_lossy();
        let whom = format!("{}\0{}\0{program}\0", host.address, host.socket.as_str());
        // Short, since the path of a unix socket is.
        let stem = sha256_hex(whom.as_bytes()).chars().take(12).collect();
        let mut tunnel =
            Self { host, means, folder, stem, client: AgentClient::new(Path::new("")) };
        tunnel.client = AgentClient::new(&tunnel.file("s"));
        Ok(tunnel)
    }

    pub(crate) fn host(&self) -> &RemoteHost {
        &self.host
    }

    /// The agent behind it.
    pub(crate) fn client(&self) -> AgentClient {
        self.client.clone()
    }

    fn file(&self, end: &str) -> PathBuf {
        self.folder.join(format!("{}.{end}", self.stem))
    }

    /// Makes sure that an agent of our version answers, over a connection that exists or a new one.
    pub(crate) async fn open(&self) -> Result<(), RemoteError> {
        self.connect(self.means.may_ask).await
    }

    /// The same in the middle of something else, where nobody can be asked.
    pub(crate) async fn open_again(&self) -> Result<(), RemoteError> {
        self.connect(false).await
    }

    async fn connect(&self, may_ask: bool) -> Result<(), RemoteError> {
        if self.hello_over_what_exists().await? {
            return Ok(());
        }
        let _lock = self.lock().await?;
        // Whoever had the lock before may have made it.
        if self.hello_over_what_exists().await? {
            return Ok(());
        }
        self.make(may_ask).await?;
        match self.client.hello().await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.diagnosis(error).await),
        }
    }

    /// Whether the agent answers already; false asks for a new connection.
    async fn hello_over_what_exists(&self) -> Result<bool, RemoteError> {
        match self.client.hello().await {
            Ok(()) => Ok(true),
            Err(
                TransportError::NotRunning { .. }
                | TransportError::Denied { .. }
                | TransportError::Connect { .. },
            ) => Ok(false),
            Err(
                error @ (TransportError::Timeout { .. }
                | TransportError::Broken(_)
                | TransportError::Unsendable(_)
                | TransportError::Malformed(_)
                | TransportError::Version { .. }),
            ) => match self.diagnosis(error).await {
                RemoteError::Refused { .. } => Ok(false),
                diagnosis => Err(diagnosis),
            },
        }
    }

    /// Replaces what there is by a new connection with the forwarded socket.
    async fn make(&self, may_ask: bool) -> Result<(), RemoteError> {
        let control = self.file("c");
        if control.exists() {
            // Whatever it says: it is not needed any more, and may be gone already.
            self.ssh(ssh::exit(&self.host, &control), MUX_BOUND).await?;
        }
        self.clear_away();
        let bound = if may_ask { ASKING_BOUND } else { CONNECT_BOUND };
        let made = self.ssh(ssh::master(&self.host, &control, may_ask), bound).await?;
        self.accept(&made, None)?;
        let forward = ssh::forward(&self.host, &control, &self.file("s"));
        let forwarded = self.ssh(forward, MUX_BOUND).await?;
        self.accept(&forwarded, Some(Refusal::Forward))
    }

    async fn ssh(
        &self,
        args: Vec<std::ffi::OsString>,
        bound: Duration,
    ) -> Result<Ended, RemoteError> {
        // Two commands may ask at once.
        let log = self.file(&format!("{}.log", std::process::id()));
        ssh::run(&self.means.program, args, &log, bound).await
    }

    fn accept(&self, ended: &Ended, known: Option<Refusal>) -> Result<(), RemoteError> {
        if ended.code == Some(0) {
            return Ok(());
        }
        let why = match (known, ended.code) {
            (Some(why), _) => why,
            (None, Some(_)) => classify(&ended.stderr),
            (None, None) => Refusal::Silence,
        };
        let host = Box::new(self.host.clone());
        Err(RemoteError::Refused { host, why, said: telling_lines(&ended.stderr) })
    }

    /// Why an agent behind a connection does not answer: asks the host itself.
    async fn diagnosis(&self, error: TransportError) -> RemoteError {
        let host = || Box::new(self.host.clone());
        let cause = error.to_string();
        if let TransportError::Version { .. } = error {
            return RemoteError::Version { host: host(), cause };
        }
        let silent = RemoteError::Silent { host: host(), cause };
        for property in ["-S", "-w"] {
            let args = ssh::test(&self.host, &self.file("c"), property, &self.host.socket);
            let asked = match self.ssh(args, MUX_BOUND).await {
                Ok(asked) => asked,
                Err(error) => return error,
            };
            match (asked.code, property) {
                (Some(0), _) => {}
                (Some(1), "-S") => {
                    return RemoteError::NoAgent { host: host(), socket_exists: false };
                }
                (Some(1), _) => return RemoteError::Denied { host: host() },
                (Some(255) | None, _) => {
                    return self.accept(&asked, None).expect_err("it did not end with 0");
                }
                // The host runs no commands for this user.
                (Some(_), _) => return silent,
            }
        }
        match error {
            TransportError::Broken(_) => RemoteError::NoAgent { host: host(), socket_exists: true },
            TransportError::NotRunning { .. }
            | TransportError::Denied { .. }
            | TransportError::Connect { .. }
            | TransportError::Unsendable(_)
            | TransportError::Timeout { .. }
            | TransportError::Malformed(_)
            | TransportError::Version { .. } => silent,
        }
    }

    /// Exclusive right to make the connection.
    async fn lock(&self) -> Result<File, RemoteError> {
        let path = self.file("lock");
        let failed = |source| RemoteError::File { path: path.clone(), source };
        let file = File::options().create(true).append(true).open(&path).map_err(failed)?;
        let began = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(fs::TryLockError::Error(source)) => return Err(failed(source)),
                Err(fs::TryLockError::WouldBlock) if began.elapsed() < ASKING_BOUND => {
                    sleep(LOCK_AGAIN).await;
                }
                Err(fs::TryLockError::WouldBlock) => {
                    let (host, after_s) = (self.host.to_string(), ASKING_BOUND.as_secs());
                    return Err(RemoteError::Held { host, after_s });
                }
            }
        }
    }

    /// Removes our own sockets, and those of connections that have ended: `ssh` leaves them.
    fn clear_away(&self) {
        for end in ["c", "s"] {
            fs::remove_file(self.file(end)).ok();
        }
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let is_near_end = path.extension().is_some_and(|end| end == "s");
            if is_near_end && !path.with_extension("c").exists() {
                fs::remove_file(&path).ok();
            }
        }
    }
}

/// A folder that only this user may enter, with a short and plain path.
fn private_folder(means: &Means) -> Result<PathBuf, RemoteError> {
    let mut tried = Vec::new();
    for folder in &means.folders {
        match usable(folder, means.uid) {
            Ok(()) => return Ok(folder.clone()),
            Err(why) => tried.push(format!("{}: {why}", folder.display())),
        }
    }
    Err(RemoteError::Folder { tried })
}

fn usable(folder: &Path, uid: u32) -> Result<(), String> {
    // `ssh` reads `%`, `$`, `:` and blanks in paths as something else.
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@".contains(c);
    let path = folder.to_str().filter(|path| path.starts_with('/') && path.chars().all(is_plain));
    let Some(path) = path else { return Err("ssh cannot have sockets at such a path".to_owned()) };
    if path.len() > FOLDER_BYTES_MAX {
        return Err(format!("the path has more than {FOLDER_BYTES_MAX} bytes"));
    }
    match DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error.to_string()),
    }
    let found = fs::symlink_metadata(folder).map_err(|error| error.to_string())?;
    if !found.is_dir() || found.uid() != uid {
        return Err("it belongs to somebody else".to_owned());
    }
    if found.mode() & 0o077 != 0 {
        return Err("others may enter it".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn uid() -> u32 {
        rustix::process::geteuid().as_raw()
    }

    #[test]
    fn sockets_live_where_nobody_else_comes() {
        let dir = tempfile::Builder::new().prefix("lf").tempdir().unwrap();
        let good = dir.path().join("a");
        assert_eq!(usable(&good, uid()), Ok(()));
        assert_eq!(fs::metadata(&good).unwrap().mode() & 0o777, 0o700);
        assert_eq!(usable(&good, uid()), Ok(()), "a second time");
        fs::set_permissions(&good, fs::Permissions::from_mode(0o750)).unwrap();
        assert_eq!(usable(&good, uid()), Err("others may enter it".to_owned()));
        assert!(usable(&good, uid() + 1).is_err(), "somebody else's");
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(dir.path(), &link).unwrap();
        assert!(usable(&link, uid()).is_err(), "a link may lead anywhere");
    }

    #[test]
    fn a_path_that_is_too_long_or_odd_yields_to_the_next() {
        let dir = tempfile::Builder::new().prefix("lf").tempdir().unwrap();
        let long = dir.path().join("x".repeat(80));
        let odd = dir.path().join("a%h");
        let good = dir.path().join("good");
        let means = |folders: Vec<PathBuf>| Means {
            program: "ssh".into(),
            folders,
            may_ask: false,
            uid: uid(),
        };
        let found = private_folder(&means(vec![long.clone(), odd.clone(), good.clone()]));
        assert_eq!(found.unwrap(), good);
        let Err(RemoteError::Folder { tried }) = private_folder(&means(vec![long, odd])) else {
            panic!("neither can be used");
        };
        assert_eq!(tried.len(), 2);
    }
}
