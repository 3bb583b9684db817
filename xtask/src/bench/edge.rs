//! CPU time a request, the edge beside nginx: two proxies with one worker each on one core, before
//! the same backend; that and the load generator on another core. Runs alternate, so that what the
//! machine does besides hits both; only the ratio is worth keeping.
//!
//! Needs `nginx`, `wrk` and `taskset`, and two cores. Everything listens on loopback, runs in the
//! foreground and ends with this.

use std::error::Error;
use std::fmt;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::wait;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const PROXY_CORE: &str = "0";
const LOAD_CORE: &str = "1";
const CLIENTS: u32 = 64;
const SECONDS: u32 = 4;
const ROUNDS: usize = 7;
const BODIES: [(&str, usize); 2] = [("1k", 1024), ("100k", 100 * 1024)];
/// `/proc/PID/stat` counts in hundredths of a second on every Linux that landfall runs on.
const TICK_US: f64 = 10_000.0;
const PATIENCE: Duration = Duration::from_secs(10);

/// What was measured, one row a body.
#[derive(Debug)]
pub(crate) struct Table(Vec<Row>);

#[derive(Debug)]
struct Row {
    body: &'static str,
    nginx_us: f64,
    edge_us: f64,
    /// Median of the rounds' ratios, so that a slow round of both does not count.
    ratio: f64,
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| body | nginx, CPU µs a request | edge | edge / nginx |")?;
        writeln!(f, "|---|---|---|---|")?;
        for Row { body, nginx_us, edge_us, ratio } in &self.0 {
            writeln!(f, "| {body} | {nginx_us:.1} | {edge_us:.1} | {ratio:.2} |")?;
        }
        Ok(())
    }
}

/// Measures; takes about two minutes.
pub(crate) fn run(edge_binary: &Path) -> Result<Table> {
    let dir = Scratch::new()?;
    let ports = free_ports()?;
    let [backend_port, nginx_port, edge_port] = ports;
    for (name, bytes) in BODIES {
        fs::write(dir.0.join(name), vec![b'x'; bytes])?;
    }
    let root = dir.0.display();
    let files = format!("listen 127.0.0.1:{backend_port} backlog=4096; root {root};");
    let _backend = nginx(&dir.0, "backend", LOAD_CORE, "", &files)?;
    let pool = format!(
        "upstream backend {{ server 127.0.0.1:{backend_port}; keepalive 256; \
         keepalive_requests 1000000000; keepalive_timeout 600s; }}"
    );
    let pass = format!(
        "listen 127.0.0.1:{nginx_port} backlog=4096; location / {{ proxy_pass http://backend; \
         proxy_http_version 1.1; proxy_set_header Connection \"\"; \
         proxy_set_header Host $http_host; proxy_set_header X-Forwarded-Host $http_host; \
         proxy_set_header X-Forwarded-For $remote_addr; \
         proxy_set_header X-Forwarded-Proto $scheme; }}"
    );
    let nginx_proxy = nginx(&dir.0, "proxy", PROXY_CORE, &pool, &pass)?;
    let edge = edge(&dir.0, edge_binary, edge_port, backend_port)?;
    for port in ports {
        answers(port)?;
    }
    let proxies = [(nginx_proxy.id(), nginx_port), (edge.id(), edge_port)];
    BODIES.iter().map(|(body, _)| measure(body, proxies)).collect::<Result<_>>().map(Table)
}

/// Alternates between nginx and the edge.
fn measure(body: &'static str, proxies: [(u32, u16); 2]) -> Result<Row> {
    let mut rounds = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let [nginx, edge] = proxies.map(|(pid, port)| cpu_us_a_request(pid, port, body));
        rounds.push((nginx?, edge?));
    }
    Ok(Row {
        body,
        nginx_us: median(rounds.iter().map(|(nginx, _)| *nginx)),
        edge_us: median(rounds.iter().map(|(_, edge)| *edge)),
        ratio: median(rounds.iter().map(|(nginx, edge)| edge / nginx)),
    })
}

fn cpu_us_a_request(pid: u32, port: u16, body: &str) -> Result<f64> {
    let before = cpu_ticks(pid)?;
    let output = Command::new("taskset")
        .args(["-c", LOAD_CORE, "wrk", "-t1"])
        .args([format!("-c{CLIENTS}"), format!("-d{SECONDS}s")])
        .arg(format!("http://127.0.0.1:{port}/{body}"))
        .output()?;
    let after = cpu_ticks(pid)?;
    let text = String::from_utf8_lossy(&output.stdout);
    if text.contains("Non-2xx") || text.contains("Socket errors") {
        return Err(format!("requests failed:\n{text}").into());
    }
    let requests: f64 = text
        .lines()
        .find_map(|line| line.trim().split_once(" requests in ")?.0.parse().ok())
        .filter(|count| *count > 0.0)
        .ok_or_else(|| format!("wrk said nothing usable:\n{text}"))?;
    Ok((after - before) * TICK_US / requests)
}

/// User and system time of all threads.
fn cpu_ticks(pid: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name may hold spaces; what follows its bracket does not.
    let (_, rest) = stat.rsplit_once(") ").ok_or("no process name")?;
    let fields: Vec<&str> = rest.split(' ').collect();
    let [user, system] = [fields.get(11), fields.get(12)].map(|f| f.unwrap_or(&"").parse::<f64>());
    Ok(user? + system?)
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn nginx(dir: &Path, name: &str, core: &str, http: &str, server: &str) -> Result<Process> {
    let own = dir.join(name);
    fs::create_dir(&own)?;
    let own_path = own.display();
    let temp: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|kind| format!("{kind}_temp_path {own_path}/{kind};\n"))
        .collect::<Vec<_>>()
        .concat();
    let conf = format!(
        "daemon off; master_process off; worker_processes 1;\n\
         pid {own_path}/pid; error_log {own_path}/error.log;\n\
         events {{ worker_connections 4096; }}\n\
         http {{ access_log off; sendfile on; tcp_nodelay on;\n\
         keepalive_requests 1000000000; keepalive_timeout 600s;\n\
         {temp}{http}\nserver {{ {server} }} }}\n"
    );
    let path = own.join("nginx.conf");
    fs::write(&path, conf)?;
    pinned(core, "nginx", &[Path::new("-c"), &path, Path::new("-e"), &own.join("error.log")])
}

fn edge(dir: &Path, binary: &Path, port: u16, backend_port: u16) -> Result<Process> {
    let control = dir.join("control.sock");
    let state = dir.join("state");
    let args = ["edge", "run", "--state-dir"].map(Path::new);
    let more = ["--control", "--workers", "1"].map(Path::new);
    let args = [args[0], args[1], args[2], &state, more[0], &control, more[1], more[2]];
    let edge = pinned(PROXY_CORE, binary, &args)?;
    let mut stream = wait::until(PATIENCE, || UnixStream::connect(&control).ok())
        .ok_or("the edge opens no control socket")?;
    let table = format!(
        "{{\"generation\":1,\"apps\":{{\"bench\":{{\"release\":1,\"rollout\":1,\"routes\":[{{\
         \"listen\":\"127.0.0.1:{port}\",\"host\":null,\"path\":\"/\",\"upstream\":{{\
         \"service\":\"web\",\"endpoints\":[\"127.0.0.1:{backend_port}\"]}}}}]}}}}}}"
    );
    let length = table.len();
    write!(
        stream,
        "PUT /v1/table HTTP/1.1\r\nhost: edge\r\nconnection: close\r\n\
         content-length: {length}\r\n\r\n{table}"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    if answer.starts_with("HTTP/1.1 200 ") { Ok(edge) } else { Err(answer.into()) }
}

fn pinned(core: &str, program: impl AsRef<Path>, args: &[&Path]) -> Result<Process> {
    let program = program.as_ref();
    let child = Command::new("taskset")
        .args(["-c", core])
        .arg(program)
        .args(args)
        .env("LANDFALL_LOG", "warn")
        .env("PATH", format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default()))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .map_err(|error| format!("start {}: {error}", program.display()))?;
    Ok(Process(child))
}

fn answers(port: u16) -> Result<()> {
    wait::until(PATIENCE, || TcpStream::connect(("127.0.0.1", port)).ok())
        .map(drop)
        .ok_or_else(|| format!("nothing listens on port {port}").into())
}

/// Three at once, so that they differ.
fn free_ports() -> Result<[u16; 3]> {
    let bound = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0"));
    let mut ports = [0; 3];
    for (port, listener) in ports.iter_mut().zip(bound) {
        *port = listener?.local_addr()?.port();
    }
    Ok(ports)
}

/// Killed when dropped. `taskset` becomes the program, so this is the program's own process.
struct Process(Child);

impl Process {
    fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A folder that goes when this is dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("landfall-bench-edge-{}", std::process::id()));
        fs::create_dir(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
