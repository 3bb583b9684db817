//! The command line as typed: verbs, and the flags they share.
//!
//! Shared flags may stand before or after the verb; [`crate::settings`] merges both places. What a
//! verb takes beyond them stands with the verb, in [`crate::commands`].

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::commands::{
    abandon, agent, attach, audit, cancel, check, config, deploy, diff, doctor, down, drift, edge,
    explain, history, hosts, init, logs, plan, promote, recover, reference, releases, repair,
    resume, rollback, rollouts, show, status,
};

/// Deploys a Compose app as a transaction: the new release serves whole, or the old one still does.
#[derive(Debug, Parser)]
#[command(name = "landfall", version, max_term_width = 100, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) shared: SharedArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const AFTER_HELP: &str = "\
Exit codes: 0 done, 1 not done and nothing changed, 2 usage, 3 undone: the previous release serves,
4 stuck: a person is needed, 5 another rollout is open, 70 internal, 130 interrupted.";

/// The verbs. What each is about stands at its args.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Config(config::ConfigArgs),
    Check(check::CheckArgs),
    Explain(explain::ExplainArgs),
    Init(init::InitArgs),
    Plan(plan::PlanArgs),
    Deploy(deploy::DeployArgs),
    Status(status::StatusArgs),
    Releases(releases::ReleasesArgs),
    Rollouts(rollouts::RolloutsArgs),
    Show(show::ShowArgs),
    History(history::HistoryArgs),
    Diff(diff::DiffArgs),
    Audit(audit::AuditArgs),
    Drift(drift::DriftArgs),
    Repair(repair::RepairArgs),
    Doctor(doctor::DoctorArgs),
    Rollback(rollback::RollbackArgs),
    Logs(logs::LogsArgs),
    Attach(attach::AttachArgs),
    Cancel(cancel::CancelArgs),
    Promote(promote::PromoteArgs),
    Resume(resume::ResumeArgs),
    Abandon(abandon::AbandonArgs),
    Down(down::DownArgs),
    Hosts(hosts::HostsArgs),
    Agent(agent::AgentArgs),
    Edge(edge::EdgeArgs),
    Recover(recover::RecoverArgs),
    #[command(hide = true)]
    Reference(reference::ReferenceArgs),
}

/// Flags of every verb that is about an app.
#[derive(Debug, Default, Args)]
pub(crate) struct SharedArgs {
    #[command(flatten)]
    pub(crate) project: ProjectArgs,
    #[command(flatten)]
    pub(crate) common: CommonArgs,
}

/// Which compose project is meant; the flags of `docker compose`.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Project")]
pub(crate) struct ProjectArgs {
    /// Compose file; repeat it to lay one over the other. `-` reads standard input.
    #[arg(short, long, allow_hyphen_values = true, value_name = "FILE")]
    pub(crate) file: Vec<PathBuf>,
    /// Name of the app; by default the files' `name`, else the folder's name.
    #[arg(short, long, allow_hyphen_values = true, value_name = "NAME")]
    pub(crate) project_name: Option<String>,
    /// Folder that relative paths start from; by default that of the first compose file.
    #[arg(long, allow_hyphen_values = true, value_name = "DIR")]
    pub(crate) project_directory: Option<PathBuf>,
    /// Profile to enable; may be repeated.
    #[arg(long, allow_hyphen_values = true, value_name = "NAME")]
    pub(crate) profile: Vec<String>,
    /// File with variables, in place of `.env`; may be repeated.
    #[arg(long, allow_hyphen_values = true, value_name = "FILE")]
    pub(crate) env_file: Vec<PathBuf>,
    /// Keep networks, volumes, configs and secrets that no service uses, where files are printed.
    #[arg(long)]
    pub(crate) all_resources: bool,
}

/// How to reach the agent and how to show what it says.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Global")]
pub(crate) struct CommonArgs {
    /// Another host's agent, over SSH: `ssh://[user@]host[:port]`, or a name of `landfall hosts`; else
    /// `LANDFALL_HOST`. `local` is this host.
    #[arg(long, value_name = "HOST")]
    pub(crate) host: Option<String>,
    /// The agent's socket, there or here; else `LANDFALL_SOCKET`, else agent.sock in `LANDFALL_RUN_DIR`.
    #[arg(long, value_name = "PATH")]
    pub(crate) socket: Option<PathBuf>,
    /// `json` prints one JSON value a line on standard output.
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<Format>,
    /// Say less: only results and errors.
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// Say more.
    #[arg(short, long, conflicts_with = "quiet")]
    pub(crate) verbose: bool,
    /// One plain line a change, even on a terminal.
    #[arg(long)]
    pub(crate) no_progress: bool,
    /// When to colour; `auto` heeds `NO_COLOR`.
    #[arg(long, value_name = "WHEN")]
    pub(crate) color: Option<ColorChoice>,
}

/// What standard output holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// For `config`.
    #[value(hide = true)]
    Yaml,
    /// For `check`.
    #[value(hide = true)]
    Sarif,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Command {
    /// What standard output may hold, beside text.
    pub(crate) fn formats(&self) -> &'static [Format] {
        match self {
            Self::Config(_) => &[Format::Yaml, Format::Json],
            Self::Check(_) => &[Format::Json, Format::Sarif],
            Self::Explain(_)
            | Self::Init(_)
            | Self::Plan(_)
            | Self::Deploy(_)
            | Self::Status(_)
            | Self::Releases(_)
            | Self::Rollouts(_)
            | Self::Show(_)
            | Self::History(_)
            | Self::Diff(_)
            | Self::Audit(_)
            | Self::Drift(_)
            | Self::Repair(_)
            | Self::Doctor(_)
            | Self::Abandon(_)
            | Self::Rollback(_)
            | Self::Logs(_)
            | Self::Attach(_)
            | Self::Cancel(_)
            | Self::Promote(_)
            | Self::Resume(_)
            | Self::Down(_)
            | Self::Hosts(_)
            | Self::Agent(_)
            | Self::Edge(_)
            | Self::Recover(_)
            | Self::Reference(_) => &[Format::Json],
        }
    }

    /// The shared flags that stand after the verb.
    pub(crate) fn shared(&self) -> SharedRef<'_> {
        let both = SharedArgs::as_ref;
        match self {
            Self::Config(args) => both(&args.shared),
            Self::Check(args) => both(&args.shared),
            Self::Explain(args) => SharedRef { project: None, common: Some(&args.common) },
            Self::Init(args) => both(&args.shared),
            Self::Plan(args) => both(&args.shared),
            Self::Deploy(args) => both(&args.shared),
            Self::Status(args) => both(&args.shared),
            Self::Releases(args) => both(&args.shared),
            Self::Rollouts(args) => both(&args.shared),
            Self::Show(args) => both(&args.shared),
            Self::History(args) => both(&args.shared),
            Self::Diff(args) => both(&args.shared),
            Self::Audit(args) => both(&args.shared),
            Self::Drift(args) => both(&args.shared),
            Self::Repair(args) => both(&args.shared),
            Self::Doctor(args) => SharedRef { project: None, common: Some(&args.common) },
            Self::Abandon(args) => both(&args.shared),
            Self::Rollback(args) => both(&args.shared),
            Self::Logs(args) => both(&args.shared),
            Self::Attach(args) => both(&args.shared),
            Self::Cancel(args) => both(&args.shared),
            Self::Promote(args) => both(&args.shared),
            Self::Resume(args) => both(&args.shared),
            Self::Down(args) => both(&args.shared),
            Self::Hosts(args) => SharedRef { project: None, common: Some(&args.common) },
            Self::Agent(args) => SharedRef { project: None, common: Some(args.common()) },
            Self::Recover(args) => SharedRef { project: None, common: Some(&args.common) },
            Self::Edge(_) | Self::Reference(_) => SharedRef { project: None, common: None },
        }
    }
}

/// Who a verb has to do with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// The agent that is asked, here or on another host.
    Agent,
    /// Nobody, or whoever it finds by itself.
    Nobody,
    /// This host and no other.
    ThisHost(&'static str),
}

impl Command {
    /// Who this verb has to do with.
    pub(crate) fn reach(&self) -> Reach {
        match self {
            Self::Config(_)
            | Self::Explain(_)
            | Self::Init(_)
            | Self::Hosts(_)
            | Self::Edge(_)
            | Self::Reference(_) => Reach::Nobody,
            Self::Check(args) => args.reach(),
            Self::Agent(args) => args.reach(),
            Self::Recover(_) => Reach::ThisHost("recover"),
            Self::Plan(_)
            | Self::Deploy(_)
            | Self::Status(_)
            | Self::Releases(_)
            | Self::History(_)
            | Self::Diff(_)
            | Self::Audit(_)
            | Self::Drift(_)
            | Self::Repair(_)
            | Self::Doctor(_)
            | Self::Abandon(_)
            | Self::Rollouts(_)
            | Self::Show(_)
            | Self::Rollback(_)
            | Self::Logs(_)
            | Self::Attach(_)
            | Self::Cancel(_)
            | Self::Promote(_)
            | Self::Resume(_)
            | Self::Down(_) => Reach::Agent,
        }
    }
}

impl SharedArgs {
    pub(crate) fn as_ref(&self) -> SharedRef<'_> {
        SharedRef { project: Some(&self.project), common: Some(&self.common) }
    }
}

/// Shared flags in one of the places where they may stand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SharedRef<'a> {
    pub(crate) project: Option<&'a ProjectArgs>,
    pub(crate) common: Option<&'a CommonArgs>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
