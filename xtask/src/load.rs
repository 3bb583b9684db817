//! `cargo xtask load`: the tests' load generator by hand, against whatever listens.

use clap::ValueEnum;

/// What to send.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The target as host:port.
    #[arg(default_value = "127.0.0.1:18480")]
    target: String,
    /// The mixture.
    #[arg(long, value_enum, default_value_t = Mix::Shop)]
    mix: Mix,
    /// Requests a second; each mixture has a default.
    #[arg(long)]
    rate: Option<u32>,
    /// For how long.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// The `Host` header, if not the target.
    #[arg(long)]
    host: Option<String>,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Mix {
    /// All that the shop's customers do.
    Shop,
    /// Many cheap requests to the shop.
    Soak,
    /// The first page of any service.
    Plain,
}

#[cfg(feature = "load")]
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    use landfall_testing::load::{Load, LoadConfig};

    let mut config = match args.mix {
        Mix::Shop => LoadConfig::shop(&args.target),
        Mix::Soak => LoadConfig::soak(&args.target),
        Mix::Plain => LoadConfig::plain(&args.target),
    };
    config.rate_per_s = args.rate.unwrap_or(config.rate_per_s);
    config.host.clone_from(&args.host);
    let load = Load::start(config, "load")?;
    crate::wait::pass(std::time::Duration::from_secs(args.seconds));
    let report = load.stop_blocking();
    crate::cmd::print(&if args.json { report.to_json() } else { report.to_string() });
    if !report.is_clean() {
        anyhow::bail!("not everything was answered rightly");
    }
    Ok(())
}
