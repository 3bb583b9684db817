//! `landfall check`: what would hurt, found without deploying anything.

use clap::{Args, ValueEnum};
use landfall_check::Purpose;
use serde_json::json;

use crate::check::{self, Report, engine, sarif, text};
use crate::cli::{Format, Reach, SharedArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::project;

/// Say what would hurt in production, and what landfall makes of each key; deploy nothing.
///
/// Reads the compose files and says everything at once: what is wrong with them, what the rules
/// find, and which keys are honoured differently or not at all. Ends with 1 when there are errors.
/// Needs neither an agent nor an engine. `landfall explain NAME` says more about a finding; what is
/// meant is allowed with `x-landfall: {allow: [NAME]}`. `-v` shows each place with its line, `-q`
/// leaves the keys out, `--format sarif` is for code hosts and editors.
#[derive(Debug, Args)]
#[command(mut_arg("format", |arg| arg
    .help("`text`, `json`, or `sarif` for code hosts and editors")
    .hide_possible_values(true)))]
pub(crate) struct CheckArgs {
    /// List the keys that are honoured as Compose does, too.
    #[arg(short, long)]
    all: bool,
    /// End with 1 for these as well.
    #[arg(long, value_name = "SEVERITY")]
    deny: Option<Deny>,
    /// Ask the engine too: users of images and owners of volumes, disk, ports, stale images.
    #[arg(long)]
    engine: bool,
    /// Judge files that only developers use: mounted code and development servers are meant.
    #[arg(long)]
    dev: bool,
    #[command(flatten)]
    pub(crate) shared: SharedArgs,
}

impl CheckArgs {
    /// Files are read here; the engine that is asked is the one beside them.
    pub(crate) fn reach(&self) -> Reach {
        if self.engine { Reach::ThisHost("check --engine") } else { Reach::Nobody }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Deny {
    /// Warnings.
    Warnings,
    /// Warnings and notes.
    Notes,
}

pub(crate) async fn run(args: &CheckArgs, invocation: &Invocation) -> Result<Exit, Failure> {
    let options = project::options(&invocation.settings.project)?;
    let report = match check::read(&options) {
        Err(report) => *report,
        Ok(model) => {
            let purpose = if args.dev { Purpose::Development } else { Purpose::Production };
            let facts = if args.engine {
                let wanted = landfall_check::questions(&model);
                Some(engine::facts(invocation.settings.docker_host.as_deref(), &wanted).await?)
            } else {
                None
            };
            check::gather(model, &options, purpose, facts)
        }
    };
    let exit = exit(&report, args);
    show(&report, args, invocation, exit);
    Ok(exit)
}

fn exit(report: &Report, args: &CheckArgs) -> Exit {
    let counts = report.counts();
    let denied = match args.deny {
        None => 0,
        Some(Deny::Warnings) => counts.warnings,
        Some(Deny::Notes) => counts.warnings + counts.notes,
    };
    if counts.errors + denied > 0 { Exit::NotDone } else { Exit::Done }
}

fn show(report: &Report, args: &CheckArgs, invocation: &Invocation, exit: Exit) {
    let printer = &invocation.printer;
    match invocation.settings.format {
        Some(Format::Sarif) => printer.raw(&format!("{:#}\n", sarif::log(report, exit as u8))),
        Some(Format::Json) => printer.json(&json!({
            "app": report.app,
            "exit": exit as u8,
            "counts": report.counts(),
            "diagnostics": report.diagnostics,
            "findings": report.findings,
            "fidelity": report.fidelity,
        })),
        Some(Format::Text | Format::Yaml) | None => {
            let brief = invocation.settings.is_silent;
            let show = text::Show {
                all_keys: args.all,
                brief,
                each: printer.is_verbose(),
                columns: printer.columns(),
            };
            printer.data_lines(&text::lines(report, show, printer.paint_out()));
        }
    }
}
