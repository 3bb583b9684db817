//! `landfall drift`: what differs between the serving release and what is there.

use clap::Args;
use landfall_api::{Drift, DriftKind, DriftReport, Mend};

use crate::cli::SharedArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::output::style::{Paint, Tone, harmless};

/// Show what differs between the serving release and what is there.
///
/// Compares what the engine, the edge and the disk have with what the serving release says: containers
/// that are missing, stopped, too many or made otherwise, networks and addresses, routes, sealed files.
/// It only looks. The exit code is 1 if anything differs. `landfall repair` mends what can be mended
/// without a deploy.
#[derive(Debug, Args)]
pub(crate) struct DriftArgs {
    #[command(flatten)]
    pub(crate) shared: SharedArgs,
}

pub(crate) async fn run(_args: &DriftArgs, invocation: &Invocation) -> Result<Exit, Failure> {
    let app = invocation.app()?;
    let report = invocation.client().drift(&app).await?;
    let printer = &invocation.printer;
    if printer.is_json() {
        printer.json(&report);
    } else {
        printer.data_lines(&lines(&report, printer.paint_out()));
    }
    Ok(exit(&report))
}

/// Whether anything differs.
pub(super) fn exit(report: &DriftReport) -> Exit {
    if report.findings.is_empty() { Exit::Done } else { Exit::NotDone }
}

/// The report for people.
pub(super) fn lines(report: &DriftReport, paint: Paint) -> Vec<String> {
    let app = &report.app;
    let what = match (report.serving, report.rollout) {
        (Some(release), Some(rollout)) => format!("{release}, brought by {rollout}"),
        _ => "nothing serves".to_owned(),
    };
    let mut lines = Vec::new();
    for finding in &report.findings {
        lines.extend(finding_lines(finding, paint));
    }
    for unknown in &report.unknown {
        lines.push(format!("{} {}", paint.text(Tone::Busy, "note:"), harmless(unknown)));
    }
    if !lines.is_empty() {
        lines.push(String::new());
    }
    if report.findings.is_empty() {
        lines.push(paint.text(Tone::Good, format!("{app} is as it should be ({what})")));
        return lines;
    }
    let count = crate::output::humane::count(report.findings.len(), "difference");
    lines.push(format!("{} from what should be there ({what})", paint.text(Tone::Bad, count)));
    lines.extend(next(report).into_iter().map(|text| format!("next: {text}")));
    lines
}

fn finding_lines(finding: &Drift, paint: Paint) -> Vec<String> {
    let kind = match finding.kind {
        DriftKind::Missing => "missing",
        DriftKind::Stopped => "stopped",
        DriftKind::Restarting => "restarting",
        DriftKind::Extra => "extra",
        DriftKind::Changed => "changed",
        DriftKind::Network => "network",
        DriftKind::Routes => "routes",
        DriftKind::Files => "files",
    };
    let kind = paint.text(Tone::Bad, format!("{kind:10}"));
    let indent = " ".repeat(12);
    vec![
        format!("{kind}  {}", paint.text(Tone::Strong, harmless(&finding.what))),
        format!("{indent}is      {}", harmless(&finding.is)),
        format!("{indent}should  {}", harmless(&finding.should)),
    ]
}

fn next(report: &DriftReport) -> Vec<String> {
    let app = &report.app;
    let is = |mend| report.findings.iter().any(|finding| finding.mend == mend);
    let mut lines = Vec::new();
    if is(Mend::Repair) {
        lines.push(format!("`landfall repair -p {app}` mends what needs no deploy"));
    }
    if is(Mend::Deploy) {
        lines.push(
            "`landfall deploy --force` makes everything anew and removes what is too much"
                .to_owned(),
        );
    }
    if is(Mend::Person) {
        lines.push("the rest needs a person".to_owned());
    }
    lines
}
