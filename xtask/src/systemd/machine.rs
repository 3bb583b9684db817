//! A machine of its own: systemd as the first process of its namespaces, on a disk that outlives it.

use std::fs;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::cmd::{cmd, read, root, run};
use crate::wait;

const BOOT_BOUND: Duration = Duration::from_mins(2);
const END_BOUND: Duration = Duration::from_mins(2);
/// Its control group, which outlives it.
pub(super) const CGROUP: &str = "landfall-systemd";
/// All that programs on the machine get.
const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Runs, or is off.
pub(super) struct Machine {
    disk: PathBuf,
    log: PathBuf,
    /// The program that started the first process, and ends with it.
    starter: Option<Child>,
    first: u32,
}

impl Machine {
    /// Its disk, which is gone with our namespaces.
    pub(super) fn make(folder: &Path) -> Result<Self> {
        let disk = folder.join("disk");
        fs::create_dir_all(&disk)?;
        run(cmd("mount", ["-t", "tmpfs", "-o", "size=4g", "machine"]).arg(&disk))?;
        Ok(Self { disk, log: folder.join("boot.log"), starter: None, first: 0 })
    }

    /// Starts it, and waits until everything that starts with it has started.
    pub(super) fn boot(&mut self) -> Result<()> {
        let log = fs::File::options().create(true).append(true).open(&self.log)?;
        let enter = root().join("xtask/assets/boot-machine.sh");
        let mut command = cmd("unshare", ["--mount", "--pid", "--net", "--uts", "--ipc"]);
        command.args(["--fork", "--kill-child", "--", "bash"]).arg(enter);
        command
            .arg(&self.disk)
            .arg(CGROUP)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        let starter = self.starter.insert(command.spawn().context("start unshare")?);
        let pid = starter.id();
        let children = format!("/proc/{pid}/task/{pid}/children");
        let first =
            wait::until(BOOT_BOUND, || fs::read_to_string(&children).ok()?.trim().parse().ok());
        self.first = first.context("the machine does not begin")?;
        let mut seen = String::new();
        // Some service that has nothing to do with us may not start in namespaces.
        let is_up = wait::until(BOOT_BOUND, || {
            let state = self.run(["systemctl", "is-system-running"]).output().ok()?;
            String::from_utf8_lossy(&state.stdout).trim().clone_into(&mut seen);
            ["running", "degraded"].contains(&seen.as_str()).then_some(())
        });
        is_up.with_context(|| format!("the machine is {seen:?}; see {}", self.log.display()))?;
        self.read(["docker", "version"]).context("the machine's engine does not answer")?;
        self.share_its_network()
    }

    /// Everything that this process starts from now on reaches what the machine's own programs reach.
    fn share_its_network(&self) -> Result<()> {
        let network = fs::File::open(format!("/proc/{}/ns/net", self.first))?;
        let moved = move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network));
        moved.context("enter the machine's network")
    }

    /// A program on the machine.
    pub(super) fn run<'a>(&self, words: impl IntoIterator<Item = &'a str>) -> Command {
        let first = self.first.to_string();
        let mut command = cmd("nsenter", ["--mount", "--pid", "--net", "--uts", "--ipc"]);
        command.args(["--cgroup", "--root", "--wd", "--target", &first, "--", "env", "-i"]);
        command.args([PATH, "HOME=/root"]).args(words).stdin(Stdio::null());
        command
    }

    /// What a program on the machine says.
    pub(super) fn read<'a>(&self, words: impl IntoIterator<Item = &'a str>) -> Result<String> {
        read(&mut self.run(words))
    }

    /// A file on the machine, seen from here.
    pub(super) fn file(&self, path: &str) -> PathBuf {
        Path::new("/proc")
            .join(self.first.to_string())
            .join("root")
            .join(path.trim_start_matches('/'))
    }

    /// Shuts it down in order.
    pub(super) fn shut_down(&mut self) -> Result<()> {
        // It may end before it has answered.
        drop(self.run(["systemctl", "poweroff"]).output()?);
        self.ended()
    }

    /// All of it is dead at once. What its programs wrote is on the disk: that they synced it is tried
    /// by `cargo xtask powercut`.
    pub(super) fn lose_power(&mut self) -> Result<()> {
        read(&mut cmd("kill", ["-KILL", &self.first.to_string()]))?;
        self.ended()
    }

    fn ended(&mut self) -> Result<()> {
        let Some(mut starter) = self.starter.take() else { bail!("the machine is off") };
        let ended = wait::until(END_BOUND, || starter.try_wait().ok().flatten());
        if ended.is_none() {
            starter.kill()?;
            starter.wait()?;
            bail!("the machine does not end; see {}", self.log.display());
        }
        Ok(())
    }
}
