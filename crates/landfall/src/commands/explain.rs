//! `landfall explain`: what a code or a rule means, and how to mend what it found.

use clap::Args;
use landfall_check::{Rule, rule, rules};
use landfall_compose::{CodePage, codes, nearest};
use landfall_core::diagnostic::Severity;
use serde_json::{Value, json};

use crate::cli::CommonArgs;
use crate::commands::reference::sentence;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::output::printer::Printer;
use crate::output::style::Tone;
use crate::output::table::Table;
use crate::output::wrap::wrap;

/// Say what a code or a rule means, and how to mend what it found.
///
/// Without a name, lists all of them. Codes (`LF0301`) are of findings that come from reading the
/// files, rules (`image-latest`) are those of `landfall check`.
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// A code or a rule.
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    #[command(flatten)]
    pub(crate) common: CommonArgs,
}

/// Columns of prose.
const COLUMNS: usize = 88;

pub(crate) fn run(args: &ExplainArgs, invocation: &Invocation) -> Result<Exit, Failure> {
    let printer = &invocation.printer;
    if args.names.is_empty() {
        list(printer);
        return Ok(Exit::Done);
    }
    let topics: Vec<Topic> = args.names.iter().map(|name| find(name)).collect::<Result<_, _>>()?;
    for (index, topic) in topics.iter().enumerate() {
        if printer.is_json() {
            printer.json(&topic.json());
            continue;
        }
        if index > 0 {
            printer.data("");
        }
        topic.show(printer);
    }
    Ok(Exit::Done)
}

enum Topic {
    Code(&'static CodePage),
    Rule(&'static Rule),
}

fn find(name: &str) -> Result<Topic, Failure> {
    let code = codes().find(|page| page.code.eq_ignore_ascii_case(name)).map(Topic::Code);
    let found = code.or_else(|| rule(&name.to_lowercase()).map(Topic::Rule));
    found.ok_or_else(|| {
        let failure = Failure::usage(format!("`{name}` is neither a code nor a rule"));
        let all = codes().map(|page| page.code).chain(rules().iter().map(|rule| rule.id));
        let near = nearest(&name.to_uppercase(), codes().map(|page| page.code));
        let part = || rules().iter().map(|rule| rule.id).find(|id| id.contains(name));
        match near.filter(|_| is_codelike(name)).or_else(|| nearest(name, all)).or_else(part) {
            Some(near) => failure.hint(format!("did you mean `{near}`?")),
            None => failure,
        }
        .hint("`landfall explain` lists all of them")
    })
}

fn is_codelike(name: &str) -> bool {
    name.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("lf"))
}

fn list(printer: &Printer) {
    if printer.is_json() {
        codes().for_each(|page| printer.json(&Topic::Code(page).json()));
        for rule in rules() {
            printer.json(&Topic::Rule(rule).json());
        }
        return;
    }
    let paint = printer.paint_out();
    let mut table = Table::new(["code", "what is wrong"]);
    codes().for_each(|page| table.row([page.code.to_owned(), page.title.to_owned()]));
    printer.data_lines(&table.lines(paint));
    let mut table = Table::new(["rule", "severity", "what it finds"]);
    for rule in rules() {
        let severity = severity(rule.severity).to_owned();
        table.row([rule.id.to_owned(), severity, rule.title.to_owned()]);
    }
    if !table.is_empty() {
        printer.data("");
        printer.data_lines(&table.lines(paint));
    }
}

pub(crate) fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

impl Topic {
    fn show(&self, printer: &Printer) {
        let paint = printer.paint_out();
        let (name, title) = match self {
            Self::Code(page) => (page.code, page.title.to_owned()),
            Self::Rule(rule) => (rule.id, format!("{} ({})", rule.title, severity(rule.severity))),
        };
        printer.data(&format!("{}: {title}", paint.text(Tone::Strong, name)));
        let paragraph = |text: &str| {
            printer.data("");
            printer.data_lines(&wrap(text, COLUMNS));
        };
        let sample = |heading: &str, text: &str| {
            printer.data("");
            printer.data(&paint.text(Tone::Faint, heading));
            printer.data("");
            text.trim_end().lines().for_each(|line| printer.data(&format!("    {line}")));
        };
        match self {
            Self::Code(page) => {
                paragraph(page.meaning);
                for file in page.example {
                    sample(&format!("For example, {}:", file.path), file.text);
                }
                paragraph(page.fix);
            }
            Self::Rule(rule) => {
                paragraph(rule.why);
                sample("It finds:", rule.before);
                paragraph(&sentence(rule.fix));
                sample("For example:", rule.after);
                paragraph(&format!(
                    "If it is meant: `x-landfall: {{allow: [{}]}}`, in the service or at the top.",
                    rule.id
                ));
            }
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::Code(page) => {
                let file =
                    |f: &landfall_compose::ExampleFile| json!({"path": f.path, "text": f.text});
                let example: Vec<Value> = page.example.iter().map(file).collect();
                json!({
                    "code": page.code, "title": page.title, "meaning": page.meaning,
                    "example": example, "fix": page.fix,
                })
            }
            Self::Rule(rule) => json!({
                "rule": rule.id, "severity": rule.severity, "title": rule.title,
                "why": rule.why, "fix": rule.fix, "before": rule.before, "after": rule.after,
            }),
        }
    }
}
