//! The run itself.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use landfall_testing::load::{Connection, Kind, Load, LoadConfig, Part, Report};

use super::Args;
use super::behind::Behind;
use super::edges::Edges;
use super::tunnel::Tunnel;
use crate::cmd::{build_folder, print};
use crate::wait;

/// How long the body of an upload is on its way, so that a hand-over meets some of them.
const UPLOAD: Duration = Duration::from_millis(250);

pub(super) fn run(args: &Args, product: &Path, behind: &Behind) -> Result<()> {
    let listen = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let mut edges = Edges::new(product.to_owned(), build_folder()?.join("upgrades"))?;
    edges.start(&[])?;
    edges.serve(listen, behind.address())?;

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
