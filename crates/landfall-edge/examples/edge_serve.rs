//! The edge alone, for measurements and for trying things out:
//! `edge_serve --state-dir DIR --control SOCKET [--workers N]`. Ends on SIGTERM.

use std::error::Error;
use std::path::PathBuf;

use landfall_edge::EdgeConfig;
use tokio::signal::unix::{SignalKind, signal};

fn main() -> Result<(), Box<dyn Error>> {
    let (mut state_dir, mut control, mut workers) = (None, None, 1);
    let mut args = std::env::args().skip(1);
    while let Some(name) = args.next() {
        let value = args.next().ok_or_else(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--state-dir" => state_dir = Some(PathBuf::from(value)),
            "--control" => control = Some(PathBuf::from(value)),
            "--workers" => workers = value.parse()?,
            _ => return Err(format!("unknown argument {name}").into()),
        }
    }
    let mut config = EdgeConfig::new(
        state_dir.ok_or("--state-dir is missing")?,
        control.ok_or("--control is missing")?,
    );
    config.workers = workers;
    landfall_edge::run(config, landfall_edge::Begin::Fresh, async {
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => drop(terminate.recv().await),
            Err(_) => std::future::pending().await,
        }
    })?;
    Ok(())
}
