//! `landfall releases`: the app's releases, newest first.

use clap::Args;
use landfall_api::{ReleaseState, ReleaseView};

use crate::cli::SharedArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::output::humane;
use crate::output::style::{Paint, Tone, harmless};
use crate::output::table::Table;
use crate::words;

/// List the app's releases.
///
/// Newest first. Those that are kept can be rolled back to.
#[derive(Debug, Args)]
pub(crate) struct ReleasesArgs {
    #[command(flatten)]
    pub(crate) shared: SharedArgs,
}

pub(crate) async fn run(_args: &ReleasesArgs, invocation: &Invocation) -> Result<Exit, Failure> {
    let app = invocation.app()?;
    let releases = invocation.client().releases(&app).await?;
    let printer = &invocation.printer;
    if printer.is_json() {
        for release in &releases {
            printer.json(release);
        }
    } else if releases.is_empty() {
        printer.say(&format!("{app} has no release yet"));
    } else {
        let paint = printer.paint_out();
        printer.data_lines(&table(&releases, paint).lines(paint));
    }
    Ok(Exit::Done)
}

fn table(releases: &[ReleaseView], paint: Paint) -> Table {
    let mut table = Table::new(["release", "state", "sealed (UTC)", "by", "commit", "message"]);
    for release in releases {
        table.row([
            release.number.to_string(),
            state(release, paint),
            humane::date_utc(release.created_at_ms),
            harmless(&release.by),
            words::commit(release.commit.as_deref()),
            release.message.as_deref().map(harmless).unwrap_or_default(),
        ]);
    }
    table
}

fn state(release: &ReleaseView, paint: Paint) -> String {
    match release.state {
        ReleaseState::Serving => paint.text(Tone::Good, "serving"),
        ReleaseState::Stable if release.kept => "stable".to_owned(),
        ReleaseState::Stable => paint.text(Tone::Faint, "stable, not kept"),
        ReleaseState::Pending => paint.text(Tone::Busy, "pending"),
        ReleaseState::Failed => paint.text(Tone::Bad, "failed"),
    }
}
