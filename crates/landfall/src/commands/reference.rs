//! `landfall reference`: the generated documents: the command reference from the command line's own
//! definition, codes and rules from their catalogues.

use std::fmt::Write as _;

use clap::builder::PossibleValue;
use clap::{Arg, Args, Command, CommandFactory, ValueEnum};

use crate::cli::Cli;
use crate::exit::Exit;
use crate::invocation::Invocation;

mod catalogue;

pub(crate) use catalogue::sentence;

/// Print a generated document as it stands in `docs`.
#[derive(Debug, Args)]
pub(crate) struct ReferenceArgs {
    /// Which one.
    #[arg(value_enum, default_value_t = Document::Cli)]
    document: Document,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Document {
    /// Commands and flags: docs/cli.md.
    Cli,
    /// Codes of findings: docs/codes.md.
    Codes,
    /// Rules of `landfall check`: docs/rules.md.
    Rules,
    /// What becomes of each key: docs/compose-support.md.
    ComposeSupport,
    /// `x-landfall` for readers: docs/x-landfall.md.
    Extension,
    /// `x-landfall` for editors: docs/x-landfall.schema.json.
    ExtensionSchema,
}

const HEAD: &str = "\
# Command reference

Generated from the command line itself (`landfall reference`); a test keeps it current.
";

const SHARED: &str = "\
## Flags of every command about an app

They may stand before or after the verb. Lists are joined; of two values the one after the verb wins.
(`landfall logs -f` follows: there the compose file is `--file`.)";

pub(crate) fn run(args: &ReferenceArgs, invocation: &Invocation) -> Exit {
    let text = match args.document {
        Document::Cli => markdown(),
        Document::Codes => catalogue::codes_markdown(),
        Document::Rules => catalogue::rules_markdown(),
        Document::ComposeSupport => landfall_compose::support_markdown(),
        Document::Extension => landfall_compose::x_landfall_markdown(),
        Document::ExtensionSchema => format!("{:#}", landfall_compose::x_landfall_schema()),
    };
    invocation.printer.data(text.trim_end());
    Exit::Done
}

fn markdown() -> String {
    let mut root = Cli::command();
    root.build();
    let mut out = format!("{HEAD}\n{}\n", text(root.get_about()));
    let _ = writeln!(out, "\n{}\n\n{SHARED}", text(root.get_after_help()));
    let shared: Vec<&Arg> = root.get_arguments().filter(|arg| !is_standard(arg)).collect();
    flags(&mut out, &shared);
    let shared: Vec<&str> = shared.iter().map(|arg| arg.get_id().as_str()).collect();
    for command in root.get_subcommands().filter(|c| !c.is_hide_set() && c.get_name() != "help") {
        section(&mut out, "landfall", command, &shared);
    }
    out
}

fn section(out: &mut String, path: &str, command: &Command, shared: &[&str]) {
    let path = format!("{path} {}", command.get_name());
    let about = command.get_long_about().or(command.get_about());
    let _ = writeln!(out, "\n## `{path}`\n\n{}", text(about));
    let own = |arg: &&Arg| {
        !is_standard(arg) && !arg.is_hide_set() && !shared.contains(&arg.get_id().as_str())
    };
    let own: Vec<&Arg> = command.get_arguments().filter(own).collect();
    let mut usage = path.clone();
    for arg in own.iter().filter(|arg| arg.is_positional()) {
        let _ = write!(usage, " {arg}");
    }
    if command.has_subcommands() {
        usage.push_str(" <COMMAND>");
    } else {
        let _ = writeln!(out, "\n    {usage} [FLAGS]");
    }
    flags(out, &own);
    for child in command.get_subcommands().filter(|c| c.get_name() != "help") {
        section(out, &path, child, shared);
    }
}

fn flags(out: &mut String, args: &[&Arg]) {
    if args.is_empty() {
        return;
    }
    out.push_str("\n| | |\n|---|---|\n");
    for arg in args {
        let _ = writeln!(out, "| `{}` | {}{} |", spelled(arg), text(arg.get_help()), values(arg));
    }
}

/// `-f, --file FILE`
fn spelled(arg: &Arg) -> String {
    if arg.is_positional() {
        return arg.to_string();
    }
    let short = arg.get_short().map(|short| format!("-{short}"));
    let long = arg.get_long().map(|long| format!("--{long}"));
    let names: Vec<String> = short.into_iter().chain(long).collect();
    let mut out = names.join(", ");
    if arg.get_action().takes_values() {
        let values = arg.get_value_names().unwrap_or_default();
        for value in values {
            let _ = write!(out, " {value}");
        }
    }
    out
}

/// ` (text, json)`
fn values(arg: &Arg) -> String {
    let possible = arg.get_possible_values();
    let shown = possible.iter().filter(|value| !value.is_hide_set());
    let names: Vec<&str> = shown.map(PossibleValue::get_name).collect();
    if names.is_empty() || !arg.get_action().takes_values() {
        return String::new();
    }
    format!(" ({})", names.join(", "))
}

/// A help text as Markdown.
fn text(help: Option<&clap::builder::StyledStr>) -> String {
    let help = help.map(ToString::to_string).unwrap_or_default();
    help.replace('|', "\\|")
}

fn is_standard(arg: &Arg) -> bool {
    matches!(arg.get_id().as_str(), "help" | "version")
}
