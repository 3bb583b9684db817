//! What systemd's file descriptor store does for a service: it holds the sockets that a process sends
//! to its notify socket, and passes them to the next process that is started in its place.
//!
//! The protocol is that of `sd_notify(3)` and `sd_listen_fds(3)`. It knows nothing of who sends what.

use std::ffi::OsStr;
use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use command_fds::{CommandFdExt as _, FdMapping};
use rustix::fs::fstat;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

/// As `FileDescriptorStoreMax=` of the unit.
const HELD_MAX: usize = 512;
/// Number of the first descriptor that is passed.
const FIRST_FD: i32 = 3;
const MESSAGE_BYTES_MAX: usize = 4096;
/// Descriptors in one message at most.
const FDS_AT_ONCE: usize = 16;
/// Longest wait before the thread looks whether it is to end.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// The number that the descriptors are meant for is known only in the process itself.
const SAY_PID: &str = "LISTEN_PID=$$; export LISTEN_PID; exec \"$@\"";

struct Held {
    name: String,
    fd: OwnedFd,
    inode: u64,
}

type Store = Arc<Mutex<Vec<Held>>>;

/// Holds sockets for one service. Dropping it closes them.
pub struct Holder {
    path: PathBuf,
    store: Store,
    ending: Arc<AtomicBool>,
    listening: Option<JoinHandle<()>>,
}

impl Holder {
    /// Listens at this path, which must not be there yet.
    pub fn new(path: &Path) -> io::Result<Self> {
        let socket = UnixDatagram::bind(path)?;
        socket.set_read_timeout(Some(LOOK_EVERY))?;
        let (store, ending) = (Store::default(), Arc::new(AtomicBool::new(false)));
        let (its_store, its_ending) = (Arc::clone(&store), Arc::clone(&ending));
        let listening = thread::Builder::new().name("holder".to_owned()).spawn(move || {
            while !its_ending.load(Ordering::Acquire) {
                // A message that cannot be read is one that was never sent.
                let Ok((text, fds)) = receive(&socket) else { continue };
                obey(&mut lock(&its_store), &text, fds);
            }
        })?;
        Ok(Self { path: path.to_owned(), store, ending, listening: Some(listening) })
    }

    /// The same command as the service's next process: with the notify socket and all that is held.
    pub fn equip(&self, command: &Command) -> io::Result<Command> {
        let store = lock(&self.store);
        let mut names = Vec::new();
        let mut mappings = Vec::new();
        for (child_fd, held) in (FIRST_FD..).zip(store.iter()) {
            names.push(held.name.as_str());
            mappings.push(FdMapping { parent_fd: held.fd.try_clone()?, child_fd });
        }
        let mut equipped = Command::new("sh");
        equipped.args(["-c", SAY_PID, "sh"]).arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => equipped.env(name, value),
                None => equipped.env_remove(name),
            };
        }
        if let Some(folder) = command.get_current_dir() {
            equipped.current_dir(folder);
        }
        equipped
            .env("NOTIFY_SOCKET", &self.path)
            .env("LISTEN_FDS", names.len().to_string())
            .env("LISTEN_FDNAMES", OsStr::new(&names.join(":")));
        equipped.fd_mappings(mappings).map_err(io::Error::other)?;
        Ok(equipped)
    }

    /// Names of what is held.
    pub fn names(&self) -> Vec<String> {
        lock(&self.store).iter().map(|held| held.name.clone()).collect()
    }

    /// Lets go of everything, as when a service was stopped.
    pub fn clear(&self) {
        lock(&self.store).clear();
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::Release);
        // It ends within a look.
        let _ = self.listening.take().map(JoinHandle::join);
        let _ = std::fs::remove_file(&self.path);
    }
}

fn receive(socket: &UnixDatagram) -> io::Result<(String, Vec<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FDS_AT_ONCE))];
    let mut rights = RecvAncillaryBuffer::new(&mut space);
    let mut bytes = [0; MESSAGE_BYTES_MAX];
    let mut into = [IoSliceMut::new(&mut bytes)];
    let count = recvmsg(socket, &mut into, &mut rights, RecvFlags::CMSG_CLOEXEC)?.bytes;
    let mut fds = Vec::new();
    for message in rights.drain() {
        if let RecvAncillaryMessage::ScmRights(some) = message {
            fds.extend(some);
        }
    }
    Ok((String::from_utf8_lossy(&bytes[..count]).into_owned(), fds))
}

fn obey(store: &mut Vec<Held>, text: &str, fds: Vec<OwnedFd>) {
    let says = |line: &str| text.lines().any(|one| one == line);
    let name = text.lines().find_map(|line| line.strip_prefix("FDNAME=")).unwrap_or("stored");
    if says("FDSTOREREMOVE=1") {
        store.retain(|held| held.name != name);
    }
    if !says("FDSTORE=1") {
        return;
    }
    for fd in fds {
        let Ok(stat) = fstat(&fd) else { continue };
        // The same socket is held once, whoever sends it.
        let known = store.iter().any(|held| held.inode == stat.st_ino);
        if !known && store.len() < HELD_MAX {
            store.push(Held { name: name.to_owned(), fd, inode: stat.st_ino });
        }
    }
}

/// Each change under the lock is complete in itself.
fn lock(store: &Store) -> MutexGuard<'_, Vec<Held>> {
    store.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn the_same_socket_is_held_once_and_let_go_by_its_name() {
        let (one, two) = (TcpListener::bind("127.0.0.1:0"), TcpListener::bind("127.0.0.1:0"));
        let (one, two) = (OwnedFd::from(one.unwrap()), OwnedFd::from(two.unwrap()));
        let mut store = Vec::new();
        let copy = || vec![one.try_clone().unwrap()];
        obey(&mut store, "FDSTORE=1\nFDNAME=a", copy());
        obey(&mut store, "FDSTORE=1\nFDNAME=a", copy());
        obey(&mut store, "FDNAME=b\nFDSTORE=1", vec![two]);
        obey(&mut store, "READY=1", copy());
        let names: Vec<_> = store.iter().map(|held| held.name.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
        obey(&mut store, "FDSTOREREMOVE=1\nFDNAME=a", Vec::new());
        assert_eq!(store.len(), 1);
    }

    #[test]
    fn what_is_held_is_passed_from_descriptor_3_on_to_the_process_that_it_names() {
        let dir = tempfile::tempdir().unwrap();
        let holder = Holder::new(&dir.path().join("notify")).unwrap();
        let socket = OwnedFd::from(TcpListener::bind("127.0.0.1:0").unwrap());
        obey(&mut lock(&holder.store), "FDSTORE=1\nFDNAME=a", vec![socket]);
        let mut command = Command::new("sh");
        command.args([
            "-c",
            "echo $$ $LISTEN_PID $LISTEN_FDS $LISTEN_FDNAMES $(readlink /proc/$$/fd/3)",
        ]);
        let output = holder.equip(&command).unwrap().output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let words: Vec<_> = said.split_whitespace().collect();
        assert_eq!((words[0], &words[2..4]), (words[1], &["1", "a"][..]), "{said}");
        assert!(words[4].starts_with("socket:["), "{said}");
        holder.clear();
        assert!(holder.names().is_empty());
    }
}
