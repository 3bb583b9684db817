//! Debian and Ubuntu packages, without the services they would start. Other systems get a message
//! that says what to install by hand.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::cmd::{cmd, find, read, say};

const POLICY: &str = "/usr/sbin/policy-rc.d";

/// Programs that tests and bench run, with the package each comes from.
const TOOLS: [(&str, &str); 10] = [
    ("nginx", "nginx-light"),
    ("wrk", "wrk"),
    ("curl", "curl"),
    ("ip", "iproute2"),
    ("nsenter", "util-linux"),
    ("git", "git"),
    ("mkfs.ext4", "e2fsprogs"),
    ("mkfs.xfs", "xfsprogs"),
    ("ssh", "openssh-client"),
    ("sshd", "openssh-server"),
];

/// Installs the tools that are missing.
pub(crate) fn install_tools() -> Result<()> {
    install_missing(&TOOLS)
}

/// Installs the packages of those programs that are missing.
pub(crate) fn install_missing(programs: &[(&str, &str)]) -> Result<()> {
    let missing: Vec<&str> = programs
        .iter()
        .filter(|(program, _)| find(program).is_none())
        .map(|(_, package)| *package)
        .collect();
    if missing.is_empty() {
        say("packages: present");
        return Ok(());
    }
    install(&missing)
}

/// Installs packages; the services in them are not started.
pub(super) fn install(packages: &[&str]) -> Result<()> {
    if find("apt-get").is_none() {
        bail!(
            "this is no Debian or Ubuntu system; please install by hand: {}",
            packages.join(", ")
        );
    }
    say(&format!("packages: installing {}", packages.join(" ")));
    let _quiet = NoServices::begin()?;
    read(&mut cmd("apt-get", ["update", "-qq"]))?;
    let mut command = cmd("apt-get", ["install", "-qq", "-y", "--no-install-recommends"]);
    command.env("DEBIAN_FRONTEND", "noninteractive").args(packages);
    read(&mut command)?;
    Ok(())
}

/// While it lives, packages do not start their services. A policy that was there stays.
struct NoServices {
    ours: bool,
}

impl NoServices {
    fn begin() -> Result<Self> {
        let ours = !Path::new(POLICY).exists();
        if ours {
            fs::write(POLICY, "#!/bin/sh\nexit 101\n")
                .with_context(|| format!("write {POLICY}"))?;
            fs::set_permissions(POLICY, fs::Permissions::from_mode(0o755))?;
        }
        Ok(Self { ours })
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if self.ours {
            let _ = fs::remove_file(POLICY);
        }
    }
}
