//! The process that holds a container for `containerd`, found and asked beside the engine. Only an agent
//! on the engine's host can.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// Bytes of a process's arguments, or of what the kernel says of it.
const PROCESS_BYTES_MAX: u64 = 64 << 10;
/// Names that a `STOPSIGNAL` has in practice, without `SIG`.
const SIGNALS: [(&str, Signal); 8] = [
    ("TERM", Signal::TERM),
    ("INT", Signal::INT),
    ("QUIT", Signal::QUIT),
    ("HUP", Signal::HUP),
    ("KILL", Signal::KILL),
    ("USR1", Signal::USR1),
    ("USR2", Signal::USR2),
    ("WINCH", Signal::WINCH),
];

/// One shim, while it lives. An id may come back, together with the container's only after a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shim(Pid);

impl Shim {
    /// That of a container.
    pub(crate) fn of(container: &str) -> Option<Self> {
        processes().find(|pid| is_of(*pid, container)).map(Self)
    }

    /// Sends a signal to the container's first process, and to those that were put beside it.
    pub(crate) fn signal(self, signal: Signal) -> io::Result<()> {
        for child in self.children() {
            let sent = pidfd_open(child, PidfdFlags::empty()).and_then(|process| {
                // The id may have become another's before it was held.
                if self.is_parent_of(child) { pidfd_send_signal(process, signal) } else { Ok(()) }
            });
            match sent {
                Ok(()) | Err(Errno::SRCH) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Ends the shim itself, if it still is the one of this container. What it holds would end with it.
    pub(crate) fn end(self, container: &str) -> io::Result<()> {
        let ended = pidfd_open(self.0, PidfdFlags::empty()).and_then(|process| {
            // The id may have become another's before it was held.
            if is_of(self.0, container) { pidfd_send_signal(process, Signal::KILL) } else { Ok(()) }
        });
        match ended {
            Ok(()) | Err(Errno::SRCH) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The processes that it holds itself.
    pub(crate) fn children(self) -> Vec<Pid> {
        processes().filter(|pid| self.is_parent_of(*pid)).collect()
    }

    /// Whether it holds this process.
    pub(crate) fn is_parent_of(self, pid: Pid) -> bool {
        let status = read(&file(pid, "status"), PROCESS_BYTES_MAX).unwrap_or_default();
        parent(&String::from_utf8_lossy(&status)) == Some(self.0)
    }
}

/// Whether there is a process of this number.
pub(crate) fn is_there(process: i64) -> bool {
    i32::try_from(process)
        .is_ok_and(|process| Path::new("/proc").join(process.to_string()).exists())
}

/// How many interfaces of networks a process sees.
pub(crate) fn interfaces(pid: Pid) -> Option<usize> {
    let table = read(&file(pid, "net/dev"), PROCESS_BYTES_MAX)?;
    Some(ethernets(&String::from_utf8_lossy(&table)))
}

/// Of what the kernel says in `net/dev`: the names that the engine gives.
fn ethernets(table: &str) -> usize {
    let names = table.lines().filter_map(|line| line.split_once(':')).map(|(name, _)| name.trim());
    let numbers = names.filter_map(|name| name.strip_prefix("eth"));
    numbers.filter(|number| number.parse::<u32>().is_ok()).count()
}

/// By the name that an image gives the signal which ends it; `SIGTERM` when it gives none that is known.
pub(crate) fn stop_signal(name: Option<&str>) -> Signal {
    let name = name.unwrap_or_default().to_ascii_uppercase();
    let bare = name.strip_prefix("SIG").unwrap_or(&name);
    let number = |signal: Signal| signal.as_raw().to_string();
    let known = SIGNALS.into_iter().find(|(name, signal)| *name == bare || number(*signal) == bare);
    known.map_or(Signal::TERM, |(_, signal)| signal)
}

/// What a file has, to a limit.
pub(crate) fn read(path: &Path, bytes_max: u64) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(bytes_max).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

fn processes() -> impl Iterator<Item = Pid> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?))
}

fn file(pid: Pid, name: &str) -> std::path::PathBuf {
    Path::new("/proc").join(pid.as_raw_nonzero().to_string()).join(name)
}

/// Of what the kernel says in `status`.
fn parent(status: &str) -> Option<Pid> {
    let line = status.lines().find_map(|line| line.strip_prefix("PPid:"))?;
    Pid::from_raw(line.trim().parse().ok()?)
}

/// Whether a process is a container's shim.
fn is_of(pid: Pid, container: &str) -> bool {
    let arguments = read(&file(pid, "cmdline"), PROCESS_BYTES_MAX);
    arguments.is_some_and(|arguments| holds(&arguments, container))
}

/// Whether these are the arguments of a container's shim.
fn holds(arguments: &[u8], container: &str) -> bool {
    let mut arguments = arguments.split(|byte| *byte == 0);
    let program = arguments.next().unwrap_or_default();
    let is_shim = program.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    is_shim.starts_with(b"containerd-shim")
        && arguments.any(|argument| argument == b"-id")
        && arguments.next() == Some(container.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    const ID: &str = "88bc7d0b15ebcc960585c893683ba55028b6b930f231dece32fcbd8e0f3bd368";

    #[test]
    fn a_shim_is_known_by_its_arguments() {
        let shim =
            |id: &str| format!("/usr/bin/containerd-shim-runc-v2\0-namespace\0moby\0-id\0{id}\0");
        assert!(holds(shim(ID).as_bytes(), ID));
        assert!(!holds(shim(&ID.replace('8', "9")).as_bytes(), ID));
        let grep = format!("grep\0-id\0{ID}\0");
        assert!(!holds(grep.as_bytes(), ID));
        assert!(!holds(b"", ID));
        assert_eq!(Shim::of(ID), None);
    }

    #[test]
    fn a_signal_reaches_children_and_nobody_else() {
        let pid = |id: u32| Pid::from_raw(i32::try_from(id).unwrap()).unwrap();
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let other = Shim(pid(child.id()));
        assert!(!other.is_parent_of(pid(child.id())));
        other.signal(Signal::KILL).unwrap();
        assert_eq!(child.try_wait().unwrap(), None, "it has no children");
        assert!(Shim(pid(std::process::id())).is_parent_of(pid(child.id())));
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn interfaces_are_counted_by_the_names_that_the_engine_gives() {
        let table =
            "Inter-|   Receive\n face |bytes\n    lo: 0 0\n  eth0: 5 1\n eth12:5 1\nether: 1\n";
        assert_eq!(ethernets(table), 2);
        assert!(interfaces(Pid::INIT).is_some(), "of a process that is there");
    }

    #[test]
    fn an_image_says_which_signal_ends_it() {
        let names = ["SIGQUIT", "int", "15", "3", "odd"];
        let ends = [Signal::QUIT, Signal::INT, Signal::TERM, Signal::QUIT, Signal::TERM];
        assert_eq!(names.map(|name| stop_signal(Some(name))), ends);
        assert_eq!(stop_signal(None), Signal::TERM);
    }
}
