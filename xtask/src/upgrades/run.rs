//! The run itself.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use landfall_testing::host::ask;
use landfall_testing::load::{Connection, Kind, Load, LoadConfig, Part, Report, StandIn};
use serde_json::json;

use super::Args;
use crate::cmd::{build_folder, cmd, print, run as run_command, say};
use crate::{product, wait};

/// Bound of everything that is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long the body of an upload is on its way, so that a hand-over meets some of them.
const UPLOAD: Duration = Duration::from_millis(250);

pub(crate) fn run(args: &Args) -> Result<()> {
    let product = product::release()?;
    let folder = build_folder()?.join("upgrades");
    fs::create_dir_all(&folder)?;
    let backend = StandIn::start()?;
    let listen = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let mut edges = Edges { product, folder, running: Vec::new() };
    fs::remove_dir_all(edges.folder.join("state")).ok();
    edges.start(&[])?;
    edges.serve(listen, backend.address())?;

    let load = Load::start(mix(listen, args.rate), "load")?;
    let tunnel = Tunnel::open(listen)?;
    wait::pass(Duration::from_millis(args.every_ms));
    let mut times = Vec::new();
    for number in 1..=args.upgrades {
        load.phase(&format!("upgrade {number}"));
        let began = Instant::now();
        if args.by_restart {
            edges.stop()?;
            edges.start(&[])?;
        } else {
            edges.start(&["--take-over"])?;
        }
        times.push(began.elapsed());
        wait::pass(Duration::from_millis(args.every_ms));
    }
    let report = load.stop_blocking();
    let echoes = tunnel.close();
    tell(args, &report, &echoes, &mut times);
    if !args.by_restart {
        edges.old_ones_ended()?;
    }
    let echoes = echoes?;
    if !report.is_clean() || report.total.retried > 0 || echoes == 0 {
        bail!("something was refused, reset or wrong");
    }
    Ok(())
}

fn tell(args: &Args, report: &Report, echoes: &Result<u64>, times: &mut [Duration]) {
    times.sort();
    let total = &report.total;
    let ms = |time: Option<&Duration>| time.map_or(0.0, |time| time.as_secs_f64() * 1e3);
    let echoes = echoes.as_ref().map_or_else(|error| format!("broke: {error:#}"), u64::to_string);
    print(&format!(
        "{} upgrades at {} requests/s: {} sent, {} ok, {} refused, reset or wrong, {} sent again, \
         {} skipped\np50 {:.2} ms, p99 {:.2} ms, longest {:.1} ms (an upload takes {} ms by itself); orders: {} acknowledged, {} \
         found\na take-over takes {:.0} ms (median; start of the process included), {:.0} at most\n\
         echoes of the tunnel over all of them: {echoes}",
        args.upgrades,
        args.rate,
        total.sent,
        total.ok,
        total.failed,
        total.retried,
        total.skipped,
        total.p50_ms,
        total.p99_ms,
        total.max_ms,
        UPLOAD.as_millis(),
        report.writes.acknowledged,
        report.writes.found,
        ms(times.get(times.len() / 2)),
        ms(times.last()),
    ));
    for failure in report.failures.iter().take(10) {
        print(&failure.to_string());
    }
}

/// Kept and new connections, GETs and POSTs, some of whose bodies take their time.
fn mix(target: SocketAddr, rate_per_s: u32) -> LoadConfig {
    use Connection::{Fresh, KeepAlive};
    LoadConfig {
        mix: vec![
            Part::new(Kind::Static, KeepAlive, 60),
            Part::new(Kind::Static, Fresh, 15),
            Part::new(Kind::Version, KeepAlive, 10),
            Part::new(Kind::Order, KeepAlive, 8),
            Part::new(Kind::Order, Fresh, 5),
            Part::new(Kind::Upload, KeepAlive, 1),
            Part::new(Kind::Upload, Fresh, 1),
        ],
        upload_bytes: 16 * 1024,
        upload_time: UPLOAD,
        rate_per_s,
        ..LoadConfig::plain(&target.to_string())
    }
}

/// The edge and those before it.
struct Edges {
    product: PathBuf,
    folder: PathBuf,
    running: Vec<Child>,
}

impl Edges {
    /// Starts one and waits until it is the one that answers.
    fn start(&mut self, more: &[&str]) -> Result<()> {
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

    fn stop(&mut self) -> Result<()> {
        for mut edge in self.running.drain(..) {
            run_command(&mut cmd("kill", ["-TERM", &edge.id().to_string()]))?;
            edge.wait()?;
        }
        Ok(())
    }

    fn serve(&self, listen: SocketAddr, backend: SocketAddr) -> Result<()> {
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
    fn old_ones_ended(&mut self) -> Result<()> {
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

/// An upgraded connection over which a line goes there and back, again and again.
struct Tunnel {
    stop: Arc<AtomicBool>,
    echoing: thread::JoinHandle<Result<u64>>,
}

impl Tunnel {
    fn open(listen: SocketAddr) -> Result<Self> {
        let mut stream = TcpStream::connect(listen)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(
            b"GET /tunnel HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n",
        )?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte)?;
            head.extend(byte);
        }
        if !head.starts_with(b"HTTP/1.1 101 ") {
            bail!("no tunnel: {}", String::from_utf8_lossy(&head));
        }
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let echoing = thread::spawn(move || {
            let mut count = 0;
            while !stopped.load(Relaxed) {
                stream.write_all(b"are you there\n").context("send")?;
                let mut line = [0; 14];
                stream.read_exact(&mut line).context("receive")?;
                count += 1;
                wait::pass(Duration::from_millis(10));
            }
            Ok(count)
        });
        Ok(Self { stop, echoing })
    }

    /// How often the line came back.
    fn close(self) -> Result<u64> {
        self.stop.store(true, Relaxed);
        self.echoing.join().map_err(|_| anyhow::anyhow!("the tunnel's thread panicked"))?
    }
}
