//! Another host to the network: a real sshd with keys of its own in a network namespace, at the far
//! end of a cable that can be cut. Agent and edge of the story are what it leads to.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use landfall_testing::host::until;

const SSHD: &str = "/usr/sbin/sshd";
const START_BOUND: Duration = Duration::from_secs(20);

/// The other host. Dropping it removes it.
pub(crate) struct Far {
    /// Keys, configuration and the clients' sockets; short, since sockets are in it.
    folder: tempfile::TempDir,
    /// Name of the namespace, and of the near end of the cable.
    name: String,
    address: String,
    sshd: Child,
}

/// Which client's view of it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Alias {
    /// With the right key, and the host's key known.
    Known,
    /// With a key that nobody lets in.
    WrongKey,
    /// The host's key is not known.
    Stranger,
    /// Another key is known.
    Changed,
    /// Nothing listens there.
    Closed,
}

impl Alias {
    const ALL: [Self; 5] =
        [Self::Known, Self::WrongKey, Self::Stranger, Self::Changed, Self::Closed];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Known => "far",
            Self::WrongKey => "far-wrong-key",
            Self::Stranger => "far-stranger",
            Self::Changed => "far-changed",
            Self::Closed => "far-closed",
        }
    }
}

impl Far {
    /// Lays the cable and starts the sshd.
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("lf").tempdir().expect("there is room");
        let number = std::process::id() % 16384;
        let name = format!("lfssh{number}");
        let net = format!("10.198.{}.{}", number / 64, number % 64 * 4);
        let (near, far) = (last_plus(&net, 1), last_plus(&net, 2));
        for key in ["host", "id", "other"] {
            let file = folder.path().join(key);
            run("ssh-keygen", &["-qt", "ed25519", "-N", "", "-f", path(&file)]);
        }
        ip(&["netns", "add", &name]);
        ip(&["link", "add", &name, "type", "veth", "peer", "name", "far", "netns", &name]);
        ip(&["addr", "add", &format!("{near}/30"), "dev", &name]);
        ip(&["-n", &name, "addr", "add", &format!("{far}/30"), "dev", "far"]);
        for link in [&["link", "set", &name, "up"][..], &["-n", &name, "link", "set", "far", "up"]]
        {
            ip(link);
        }
        let sshd = start(folder.path(), &name, &far);
        let host = Self { folder, name, address: far, sshd };
        host.write_client();
        let greets = || std::net::TcpStream::connect((host.address.as_str(), 22)).ok();
        until(START_BOUND, greets).expect("the sshd listens");
        host
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What a person has in `~/.ssh`, and a program `ssh` that looks there.
    fn write_client(&self) {
        let public = |key: &str| {
            let text = fs::read_to_string(self.file(key)).expect("a key of ours");
            text.split(' ').take(2).collect::<Vec<_>>().join(" ")
        };
        let known = |key: &str| format!("{} {}\n", self.address, public(key));
        fs::write(self.file("known"), known("host.pub")).expect("there is room");
        fs::write(self.file("changed"), known("other.pub")).expect("there is room");
        fs::write(self.file("empty"), "").expect("there is room");
        let mut config = String::new();
        for alias in Alias::ALL {
            let (key, known, port) = match alias {
                Alias::Known => ("id", "known", 22),
                Alias::WrongKey => ("other", "known", 22),
                Alias::Stranger => ("id", "empty", 22),
                Alias::Changed => ("id", "changed", 22),
                Alias::Closed => ("id", "known", 9),
            };
            let (name, address) = (alias.name(), &self.address);
            let (key, known) = (self.file(key), self.file(known));
            write!(
                config,
                "Host {name}\n  HostName {address}\n  Port {port}\n  User root\n  IdentityFile {}\n  \
                 IdentitiesOnly yes\n  UserKnownHostsFile {}\n  GlobalKnownHostsFile /dev/null\n",
                key.display(),
                known.display(),
            )
            .expect("writing to a String cannot fail");
        }
        fs::write(self.file("config"), config).expect("there is room");
        let wrapper = format!("#!/bin/sh\nexec ssh -F {} \"$@\"\n", self.file("config").display());
        fs::write(self.file("ssh"), wrapper).expect("there is room");
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(self.file("ssh"), executable).expect("a file of ours");
    }

    /// Makes a command ask that host's agent. Clients of one `seat` share a connection.
    pub(crate) fn reach(&self, command: &mut Command, alias: Alias, socket: &Path, seat: &str) {
        let runtime = self.file(seat);
        fs::create_dir_all(&runtime).expect("there is room");
        let host = format!("ssh://{}", alias.name());
        command.args(["--host", &host, "--socket", path(socket)]);
        command.env("LANDFALL_SSH", self.file("ssh")).env("XDG_RUNTIME_DIR", runtime);
    }

    /// Cuts the cable: packets vanish, and nobody is told.
    pub(crate) fn cut(&self) {
        ip(&["link", "set", &self.name, "down"]);
    }

    /// Mends it.
    pub(crate) fn mend(&self) {
        ip(&["link", "set", &self.name, "up"]);
    }

    /// Ends the connection of a seat, as a laptop that is closed does; false if there was none.
    pub(crate) fn hang_up(&self, seat: &str) -> bool {
        let folder = self.file(seat).join("landfall-ssh");
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let controls = entries.map(|entry| entry.path());
        let controls: Vec<_> =
            controls.filter(|file| file.extension().is_some_and(|end| end == "c")).collect();
        for control in &controls {
            let control = format!("ControlPath={}", control.display());
            let args = ["-F", "none", "-o", &control, "-O", "exit", "far"];
            Command::new("ssh").args(args).stderr(Stdio::null()).status().expect("ssh runs");
        }
        !controls.is_empty()
    }
}

impl Drop for Far {
    fn drop(&mut self) {
        let seats = fs::read_dir(self.folder.path()).into_iter().flatten().flatten();
        for seat in seats.filter(|entry| entry.path().is_dir()) {
            self.hang_up(&seat.file_name().to_string_lossy());
        }
        if std::thread::panicking() {
            let log = fs::read_to_string(self.file("sshd.log")).unwrap_or_default();
            println!("the sshd's log:\n{log}");
        }
        self.sshd.kill().ok();
        self.sshd.wait().ok();
        Command::new("ip").args(["link", "del", &self.name]).status().ok();
        Command::new("ip").args(["netns", "del", &self.name]).status().ok();
    }
}

fn start(folder: &Path, netns: &str, address: &str) -> Child {
    let file = |name: &str| folder.join(name).display().to_string();
    let config = format!(
        "Port 22\nListenAddress {address}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\n\
         StrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
         PermitRootLogin prohibit-password\nMaxStartups 64\n\
         ClientAliveInterval 3\nClientAliveCountMax 2\n",
        file("host"),
        file("id.pub"),
    );
    fs::write(folder.join("sshd_config"), config).expect("there is room");
    fs::create_dir_all("/run/sshd").expect("root may");
    let log = fs::File::create(folder.join("sshd.log")).expect("there is room");
    let mut command = Command::new("nsenter");
    command.arg(format!("--net=/run/netns/{netns}")).args(["--", SSHD, "-D", "-e", "-f"]);
    command.arg(folder.join("sshd_config")).stdin(Stdio::null()).stdout(Stdio::null());
    command.stderr(log).spawn().expect("`cargo xtask setup` installs openssh-server")
}

fn last_plus(net: &str, more: u32) -> String {
    let (front, last) = net.rsplit_once('.').expect("an address of ours");
    format!("{front}.{}", last.parse::<u32>().expect("an address of ours") + more)
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a path of ours")
}

fn ip(args: &[&str]) {
    run("ip", args);
}

fn run(program: &str, args: &[&str]) {
    let done = Command::new(program).args(args).output().expect("the program is there");
    assert!(done.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&done.stderr));
}
