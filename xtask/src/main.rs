//! `cargo xtask`: the development commands. `setup` prepares a clean machine, `tidy` checks what
//! the compiler cannot, `test` runs the rings, `demo`, `soak` and `bench` drive the product.
//!
//! It starts fast because it knows nothing of the product's crates: it runs them as programs.
#![expect(clippy::print_stderr, reason = "a developer's tool talks on stderr")]

mod bench;
#[cfg(feature = "load")]
mod cgroups;
mod chaos;
mod cmd;
mod demo;
mod fuzz;
#[cfg(feature = "load")]
mod http;
mod load;
#[cfg(feature = "load")]
mod namespaces;
mod powercut;
mod product;
mod rings;
mod setup;
mod simulate;
mod soak;
#[cfg(feature = "load")]
mod stage;
mod systemd;
#[cfg(feature = "load")]
mod text;
mod tidy;
mod upgrades;
mod wait;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Development commands of landfall.")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Prepare this machine: packages, Docker Engine, base images, the example shop.
    Setup(setup::Args),
    /// Check formatting, lints, layers, sizes and stray paths.
    Tidy(tidy::Args),
    /// Run the tests: the fast rings, then the ring on real engines.
    Test(rings::Args),
    /// Try broken files on the loader, guided by what the code does.
    Fuzz(fuzz::Args),
    /// Send load to a running service by hand, and print what failed.
    Load(load::Args),
    /// Show a deploy of the example shop under load.
    Demo(demo::Args),
    /// Deploy the shop many times under high load, and look for anything lost or left over.
    Soak(soak::Args),
    /// Measure deploys against other tools.
    Bench(bench::Args),
    /// Replace the edge again and again under load, and look for anything refused or reset.
    Upgrades(upgrades::Args),
    /// Run the agent in a simulated world under every fault.
    Simulate(simulate::Args),
    /// Break everything around deploys on engines of its own, and write down what held.
    Chaos(chaos::Args),
    /// Cut the power in the middle of deploys, and look for anything acknowledged that is gone.
    Powercut(powercut::Args),
    /// Run agent and edge as services of a real systemd, on a machine of its own.
    Systemd(systemd::Args),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Setup(args) => setup::run(&args),
        Command::Tidy(args) => tidy::run(&args),
        Command::Test(args) => rings::run(&args),
        Command::Fuzz(args) => fuzz::run(&args),
        Command::Simulate(args) => simulate::run(&args),
        #[cfg(feature = "load")]
        Command::Load(args) => load::run(&args),
        #[cfg(feature = "load")]
        Command::Demo(args) => demo::run(&args),
        #[cfg(feature = "load")]
        Command::Soak(args) => soak::run(&args),
        #[cfg(feature = "load")]
        Command::Bench(args) => bench::run(&args),
        #[cfg(feature = "load")]
        Command::Upgrades(args) => upgrades::run(&args),
        #[cfg(feature = "load")]
        Command::Chaos(args) => chaos::run(&args),
        #[cfg(feature = "load")]
        Command::Powercut(args) => powercut::run(&args),
        #[cfg(feature = "load")]
        Command::Systemd(args) => systemd::run(&args),
        #[cfg(not(feature = "load"))]
        Command::Load(_)
        | Command::Upgrades(_)
        | Command::Demo(_)
        | Command::Soak(_)
        | Command::Bench(_)
        | Command::Chaos(_)
        | Command::Powercut(_)
        | Command::Systemd(_) => again_with_load(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Becomes this very command again, built with the load generator.
#[cfg(not(feature = "load"))]
fn again_with_load() -> anyhow::Result<()> {
    use std::os::unix::process::CommandExt as _;

    let mut command = cmd::cmd("cargo", ["run", "--quiet", "--package", "xtask"]);
    command.args(["--features", "load", "--"]).args(std::env::args_os().skip(1));
    Err(command.exec().into())
}
