//! The argument vectors of `ssh`, and running one of them to its end.
//!
//! Everything that comes from a person stands behind `-l`, `-p` or `--`, and was checked before
//! ([`super::address`]). The master connection reads the user's configuration; what is asked of it
//! later does not, since forwards written there would be asked for again.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::address::RemoteSocket;
use super::{RemoteError, RemoteHost};

/// Time for a name, a connection and a banner.
const CONNECT_TIMEOUT_S: u32 = 10;
/// A dead network is noticed after this many signs of life that stay away,
const ALIVE_COUNT_MAX: u32 = 3;
/// asked for this often.
const ALIVE_INTERVAL_S: u32 = 5;
/// A connection that nobody uses stays for the next command.
const PERSIST_S: u32 = 600;
/// Most that is read of what `ssh` says.
const STDERR_BYTES_MAX: u64 = 64 * 1024;

/// What this machine offers for SSH.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Means {
    /// The program.
    pub(crate) program: OsString,
    /// Folders for its sockets, best first.
    pub(crate) folders: Vec<PathBuf>,
    /// Whether somebody is there to be asked for a passphrase or about an unknown host.
    pub(crate) may_ask: bool,
    pub(crate) uid: u32,
}

/// How one run ended.
#[derive(Debug)]
pub(super) struct Ended {
    /// `None`: a signal, or time ran out.
    pub(super) code: Option<i32>,
    pub(super) stderr: String,
}

/// A connection that stays in the background once it stands.
pub(super) fn master(host: &RemoteHost, control: &Path, may_ask: bool) -> Vec<OsString> {
    let mut args = connection(control, "yes", may_ask);
    args.extend(option(&format!("ControlPersist={PERSIST_S}")));
    args.extend(option("StreamLocalBindMask=0177"));
    args.extend(option("StreamLocalBindUnlink=yes"));
    args.push("-N".into());
    args.extend(destination(host));
    args
}

/// Asks the master to forward the agent's socket.
pub(super) fn forward(host: &RemoteHost, control: &Path, local: &Path) -> Vec<OsString> {
    let mut pair = local.as_os_str().to_owned();
    pair.push(":");
    pair.push(host.socket.as_str());
    let mut args = mux(control);
    args.extend(["-O".into(), "forward".into(), "-L".into(), pair]);
    args.extend(destination(host));
    args
}

/// Asks the master to end.
pub(super) fn exit(host: &RemoteHost, control: &Path) -> Vec<OsString> {
    let mut args = mux(control);
    args.extend(["-O".into(), "exit".into()]);
    args.extend(destination(host));
    args
}

/// Asks the other host whether a path has a property, as `test` does: `-S` a socket, `-w` writable.
/// Shells of all kinds read these words alike.
pub(super) fn test(
    host: &RemoteHost,
    control: &Path,
    property: &str,
    path: &RemoteSocket,
) -> Vec<OsString> {
    let mut args = connection(control, "no", false);
    args.push("-T".into());
    args.extend(destination(host));
    args.extend(["test".into(), property.into(), path.as_str().into()]);
    args
}

/// Without any configuration file: only the master is asked.
fn mux(control: &Path) -> Vec<OsString> {
    let mut args = vec!["-F".into(), "none".into()];
    args.extend(option_path("ControlPath=", control));
    args
}

fn connection(control: &Path, is_master: &str, may_ask: bool) -> Vec<OsString> {
    let mut args: Vec<OsString> = Vec::new();
    args.extend(option_path("ControlPath=", control));
    for text in [
        format!("ControlMaster={is_master}"),
        format!("ConnectTimeout={CONNECT_TIMEOUT_S}"),
        format!("ServerAliveInterval={ALIVE_INTERVAL_S}"),
        format!("ServerAliveCountMax={ALIVE_COUNT_MAX}"),
        "ExitOnForwardFailure=yes".to_owned(),
        // What the user forwards for sessions of their own would collide.
        "ClearAllForwardings=yes".to_owned(),
        "ForwardX11=no".to_owned(),
        "ForwardAgent=no".to_owned(),
        "PermitLocalCommand=no".to_owned(),
        "RemoteCommand=none".to_owned(),
        // What it says is all we know of its reasons.
        "LogLevel=INFO".to_owned(),
    ] {
        args.extend(option(&text));
    }
    if !may_ask {
        args.extend(option("BatchMode=yes"));
    }
    args
}

fn destination(host: &RemoteHost) -> Vec<OsString> {
    let mut args: Vec<OsString> = Vec::new();
    if let Some(user) = host.address.user() {
        args.extend(["-l".into(), user.into()]);
    }
    if let Some(port) = host.address.port() {
        args.extend(["-p".into(), port.to_string().into()]);
    }
    args.extend(["--".into(), host.address.host().into()]);
    args
}

fn option(text: &str) -> [OsString; 2] {
    ["-o".into(), text.into()]
}

fn option_path(name: &str, path: &Path) -> [OsString; 2] {
    let mut text = OsString::from(name);
    text.push(path);
    ["-o".into(), text]
}

/// Runs `ssh` to its end. What it says goes to a file: a master in the background keeps its standard
/// error open for ever, so nobody could wait for the end of a pipe.
pub(super) async fn run(
    program: &OsStr,
    args: Vec<OsString>,
    log: &Path,
    bound: Duration,
) -> Result<Ended, RemoteError> {
    let file = |source| RemoteError::File { path: log.to_owned(), source };
    let stderr = File::create(log).map_err(file)?;
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr);
    command.kill_on_drop(true);
    let mut child = command.spawn().map_err(|source| RemoteError::NoSsh {
        program: program.to_string_lossy().into_owned(),
        source,
    })?;
    let code = if let Ok(status) = tokio::time::timeout(bound, child.wait()).await {
        status.map_err(file)?.code()
    } else {
        child.kill().await.map_err(file)?;
        None
    };
    let stderr = read(log).map_err(file)?;
    std::fs::remove_file(log).ok();
    Ok(Ended { code, stderr })
}

fn read(log: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(log)?.take(STDERR_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(address: &str) -> RemoteHost {
        let socket = RemoteSocket::default();
        RemoteHost { name: None, address: address.parse().unwrap(), socket }
    }

    fn words(args: Vec<OsString>) -> Vec<String> {
        args.into_iter().map(|arg| arg.into_string().unwrap()).collect()
    }

    #[test]
    fn what_a_person_wrote_stands_where_it_cannot_be_an_option() {
        let control = Path::new("/run/x/1.c");
        let args = words(master(&host("ssh://deploy@prod:2222"), control, false));
        assert_eq!(args[args.len() - 7..], ["-N", "-l", "deploy", "-p", "2222", "--", "prod"]);
        assert!(args.contains(&"BatchMode=yes".to_owned()));
        let asked = words(test(&host("ssh://prod"), control, "-S", &RemoteSocket::default()));
        assert_eq!(
            asked[asked.len() - 5..],
            ["--", "prod", "test", "-S", "/run/landfall/agent.sock"]
        );
    }

    #[test]
    fn somebody_at_a_terminal_may_be_asked() {
        let args = words(master(&host("ssh://prod"), Path::new("/x"), true));
        assert!(!args.iter().any(|arg| arg.starts_with("BatchMode")));
    }

    #[test]
    fn the_master_is_asked_without_the_users_configuration() {
        let local = Path::new("/run/x/1.s");
        let args = words(forward(&host("ssh://[::1]"), Path::new("/run/x/1.c"), local));
        let pair = "/run/x/1.s:/run/landfall/agent.sock";
        let expected = [
            "-F",
            "none",
            "-o",
            "ControlPath=/run/x/1.c",
            "-O",
            "forward",
            "-L",
            pair,
            "--",
            "::1",
        ];
        assert_eq!(args, expected);
    }
}
