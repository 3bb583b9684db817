//! `landfall repair`: mend what can be mended without a deploy.

use clap::Args;
use landfall_api::{RepairRequest, Repaired};

use super::drift;
use crate::cli::SharedArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::output::style::{Paint, Tone, harmless};

/// Mend what drifted, without a deploy.
///
/// Starts what stopped, makes missing containers and networks of the serving release again under the
/// same names and addresses, joins networks, writes sealed files and gives the edge its routes. It never
/// touches data and removes nothing; it stops only what runs cut off from the engine, and starts it again.
/// What it cannot mend it says. The exit code is 1 if something still differs.
#[derive(Debug, Args)]
pub(crate) struct RepairArgs {
    #[command(flatten)]
    pub(crate) shared: SharedArgs,
}

pub(crate) async fn run(_args: &RepairArgs, invocation: &Invocation) -> Result<Exit, Failure> {
    let app = invocation.app()?;
    let request = RepairRequest { by: invocation.settings.by.clone() };
    let repaired = invocation.client().repair(&app, &request).await?;
    let printer = &invocation.printer;
    if printer.is_json() {
        printer.json(&repaired);
    } else {
        printer.data_lines(&lines(&repaired, printer.paint_out()));
    }
    Ok(drift::exit(&repaired.left))
}

fn lines(repaired: &Repaired, paint: Paint) -> Vec<String> {
    let mut lines = Vec::new();
    for done in &repaired.done {
        lines.push(format!("{} {}", paint.text(Tone::Good, "mended:"), harmless(done)));
    }
    for failed in &repaired.failed {
        lines.push(format!("{} {}", paint.text(Tone::Bad, "failed:"), harmless(failed)));
    }
    if lines.is_empty() {
        lines.push("nothing that a repair could mend".to_owned());
    }
    lines.push(String::new());
    lines.extend(drift::lines(&repaired.left, paint));
    lines
}
