//! What `landfall check` gathers about an app, and the shapes it is shown in.
//!
//! [`gather`] reads the files once, runs the rules and asks for the fidelity report; [`text`],
//! [`sarif`] and the JSON of [`Report`] show the same. The facts of a live engine come from
//! [`engine`]. Judges nothing itself: that is done in `landfall-compose` and `landfall-check`.

pub(crate) mod engine;
pub(crate) mod sarif;
mod table;
pub(crate) mod text;

use landfall_check::{EngineFacts, Finding, Purpose, Surroundings};
use landfall_compose::{Fidelity, LoadOptions, Model, Sources, Verdict, fidelity};
use landfall_core::diagnostic::{Diagnostic, Severity};
use serde::Serialize;

/// Everything that was found.
#[derive(Debug)]
pub(crate) struct Report {
    /// The app's name, when the files could be read.
    pub(crate) app: Option<String>,
    /// From reading the files, and from asking whether they can be deployed.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// From the rules.
    pub(crate) findings: Vec<Finding>,
    /// What becomes of each key.
    pub(crate) fidelity: Vec<Fidelity>,
    /// The texts that the diagnostics point into.
    pub(crate) sources: Sources,
}

/// How much was found, by severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Counts {
    pub(crate) errors: usize,
    pub(crate) warnings: usize,
    pub(crate) notes: usize,
    /// Keys that are ignored or refused.
    pub(crate) not_honoured: usize,
    pub(crate) honoured_differently: usize,
}

/// Reads the files as Compose does: the model, or everything that is wrong with them.
pub(crate) fn read(options: &LoadOptions) -> Result<Model, Box<Report>> {
    landfall_compose::read(options).map_err(|failed| {
        // Whether it could be deployed is told as well, so that one run says everything.
        let mut diagnostics = failed.diagnostics;
        let mut sources = failed.sources;
        if let Err(failed) = landfall_compose::load(options) {
            add(&mut diagnostics, failed.diagnostics);
            if failed.sources.names().count() > sources.names().count() {
                sources = failed.sources;
            }
        }
        Box::new(Report {
            app: None,
            diagnostics,
            findings: Vec::new(),
            fidelity: Vec::new(),
            sources,
        })
    })
}

/// Everything there is to say about a model.
pub(crate) fn gather(
    model: Model,
    options: &LoadOptions,
    purpose: Purpose,
    engine: Option<EngineFacts>,
) -> Report {
    let mut diagnostics = model.warnings.clone();
    match landfall_compose::load(options) {
        Ok(project) => add(&mut diagnostics, project.warnings),
        Err(failed) => add(&mut diagnostics, failed.diagnostics),
    }
    let surroundings = Surroundings {
        purpose,
        shown_from: Some(options.directory.clone()),
        environment: options.environment.clone(),
        engine,
        ..Surroundings::default()
    };
    let findings = landfall_check::check(&model, &surroundings);
    // The rules say it better, with all places of a variable together.
    diagnostics.retain(|d| d.code != UNSET || d.severity == Severity::Error);
    Report {
        app: Some(model.name().to_string()),
        findings,
        fidelity: fidelity(&model),
        diagnostics,
        sources: model.sources,
    }
}

/// A variable without a value.
const UNSET: &str = "LF0201";

/// Adds what is not there yet.
fn add(diagnostics: &mut Vec<Diagnostic>, more: Vec<Diagnostic>) {
    for diagnostic in more {
        let same = |known: &Diagnostic| {
            known.code == diagnostic.code
                && known.at == diagnostic.at
                && (known.at.is_some() || known.message == diagnostic.message)
        };
        if !diagnostics.iter().any(same) {
            diagnostics.push(diagnostic);
        }
    }
}

impl Report {
    /// Diagnostics and findings in one list: errors first, each in the order of the files.
    pub(crate) fn all(&self) -> Vec<Diagnostic> {
        let found = self.findings.iter().map(Finding::diagnostic);
        let mut all: Vec<Diagnostic> = self.diagnostics.iter().cloned().chain(found).collect();
        let order = |file: &str| self.sources.names().position(|name| name == file);
        all.sort_by_cached_key(|d| {
            let place =
                d.at.as_ref().map(|at| (order(&at.file), at.file.clone(), at.line, at.column));
            (d.severity, place.is_none(), place)
        });
        all
    }

    pub(crate) fn counts(&self) -> Counts {
        let all = self.all();
        let of = |severity| all.iter().filter(|d| d.severity == severity).count();
        let keys = |verdicts: &[Verdict]| {
            self.fidelity.iter().filter(|f| verdicts.contains(&f.verdict)).count()
        };
        Counts {
            errors: of(Severity::Error),
            warnings: of(Severity::Warning),
            notes: of(Severity::Note),
            not_honoured: keys(&[Verdict::Ignored, Verdict::Refused]),
            honoured_differently: keys(&[Verdict::HonouredDifferently]),
        }
    }
}
