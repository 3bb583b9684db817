//! The edge and those before it: started, taken over from, ended.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use landfall_testing::host::ask;
use serde_json::json;

use super::PATIENCE;
use crate::cmd::{cmd, run as run_command, say};
use crate::wait;

/// The edge and those before it.
pub(super) struct Edges {
    product: PathBuf,
    folder: PathBuf,
    running: Vec<Child>,
}

impl Edges {
    /// None runs yet, and none has any state.
    pub(super) fn new(product: PathBuf, folder: PathBuf) -> Result<Self> {
        fs::create_dir_all(&folder)?;
        fs::remove_dir_all(folder.join("state")).ok(); // none there yet
        Ok(Self { product, folder, running: Vec::new() })
    }

    /// Starts one and waits until it is the one that answers.
    pub(super) fn start(&mut self, more: &[&str]) -> Result<()> {
        let log = File::options().create(true).append(true).open(self.folder.join("edge.log"))?;
        let child = Command::new(&self.product)
            .args(["edge", "run", "--state-dir"])
            .arg(self.folder.join("state"))
            .arg("--control")
            .arg(self.control())
            .args(more)
            .env("LANDFALL_RUN_DIR", &self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .with_context(|| format!("start {}", self.product.display()))?;
        let pid = u64::from(child.id());
        self.running.push(child);
        let control = self.control();
        wait::until_every(Duration::from_millis(1), PATIENCE, || {
            let status = ask(&control, "GET", "/v1/status", None).ok()?.json().ok()?;
            (status["pid"].as_u64() == Some(pid)).then_some(())
        })
        .with_context(|| format!("the edge {pid} does not serve; see {}", self.folder.display()))
    }

    /// Ends the edge, as an operator does.
    pub(super) fn stop(&mut self) -> Result<()> {
        for mut edge in self.running.drain(..) {
            run_command(&mut cmd("kill", ["-TERM", &edge.id().to_string()]))?;
            edge.wait()?;
        }
        Ok(())
    }

    /// Whoever asks there gets to what is behind.
    pub(super) fn serve(&self, listen: SocketAddr, backend: SocketAddr) -> Result<()> {
        let upstream = json!({"service": "web", "endpoints": [backend]});
        let route = json!({"listen": listen, "host": null, "path": "/", "upstream": upstream});
        let app = json!({"release": 1, "rollout": 1, "routes": [route]});
        let table = json!({"generation": 1, "apps": {"upgrades": app}});
        let answer = ask(&self.control(), "PUT", "/v1/table", Some(&table))?;
        if answer.status == 200 { Ok(()) } else { bail!("no table: {}", answer.text()) }
    }

    fn control(&self) -> PathBuf {
        Path::new(&self.folder).join("edge.sock")
    }

    /// All but the last have nothing left to do.
    pub(super) fn old_ones_ended(&mut self) -> Result<()> {
        let old = self.running.len().saturating_sub(1);
        for edge in &mut self.running[..old] {
            let ended = wait::until(PATIENCE, || edge.try_wait().ok().flatten());
            match ended {
                Some(status) if status.success() => {}
                Some(status) => bail!("the edge {} ended with {status}", edge.id()),
                None => bail!("the edge {} does not end", edge.id()),
            }
        }
        say(&format!("all {old} old edges have ended by themselves"));
        Ok(())
    }
}

impl Drop for Edges {
    fn drop(&mut self) {
        for edge in &mut self.running {
            let _ = edge.kill();
            let _ = edge.wait();
        }
    }
}
