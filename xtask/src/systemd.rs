//! `cargo xtask systemd`: agent and edge as services of a real systemd, on a machine of its own in
//! namespaces: installed, upgraded, killed, stopped so that the watchdog finds them, restarted with
//! the machine, and taken out again, under load. One request that fails, and it did not hold.

#[cfg(feature = "load")]
mod app;
#[cfg(feature = "load")]
mod enter;
#[cfg(feature = "load")]
mod machine;
#[cfg(feature = "load")]
mod services;
#[cfg(feature = "load")]
mod story;

/// What to do.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run here, in the namespaces that were made for it.
    #[arg(long, hide = true)]
    inside: bool,
}

#[cfg(feature = "load")]
pub(crate) use enter::run;
