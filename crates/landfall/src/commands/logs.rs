//! `landfall logs`: what the app's services write.

use clap::Args;
use landfall_api::{LogLine, LogQuery};
use landfall_core::id::{AppName, ServiceName};

use crate::cli::SharedArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::invocation::{Invocation, OnInterrupt};
use crate::output::style::{Paint, Tone};

/// Show what the app's services write.
///
/// Prints what the app's services wrote, each line behind its service and replica.
#[derive(Debug, Args)]
// `-f` follows here, as everywhere else; the compose file keeps its long flag.
#[command(mut_arg("file", |arg| arg.short(None)))]
pub(crate) struct LogsArgs {
    /// Of this service only.
    #[arg(value_name = "SERVICE")]
    service: Option<ServiceName>,
    /// Go on with new lines, from new replicas too.
    #[arg(short, long)]
    follow: bool,
    /// Old lines of each replica to begin with, or `all`.
    #[arg(short = 'n', long, value_name = "LINES", default_value = "100")]
    tail: Tail,
    /// Begin each line with its time.
    #[arg(short, long)]
    timestamps: bool,
    #[command(flatten)]
    pub(crate) shared: SharedArgs,
}

#[derive(Debug, Clone, Copy)]
struct Tail(Option<u32>);

impl std::str::FromStr for Tail {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "all" => Ok(Self(None)),
            number => {
                number.parse().map(Some).map(Self).map_err(|_| "give a number or `all`".into())
            }
        }
    }
}

pub(crate) async fn run(args: &LogsArgs, invocation: &Invocation) -> Result<Exit, Failure> {
    let app = invocation.app()?;
    let query = LogQuery {
        service: args.service.clone(),
        tail: args.tail.0,
        follow: args.follow,
        timestamps: args.timestamps,
    };
    let printer = &invocation.printer;
    if let Some(service) = &args.service {
        check(invocation, &app, service).await?;
    }
    if args.follow {
        invocation.on_interrupt(OnInterrupt::Nothing);
    }
    let mut lines = invocation.client().logs(&app, &query).await?;
    // Grows with the longest name seen, so that columns settle.
    let mut name_width = 0;
    while let Some(line) = lines.next().await? {
        if printer.is_json() {
            printer.json(&line);
        } else {
            printer.data(&shown(&line, &mut name_width, printer.paint_out()));
        }
        if printer.hung_up() {
            break;
        }
    }
    Ok(Exit::Done)
}

/// That the app has such a service, so that a slip of the pen is not taken for silence.
async fn check(
    invocation: &Invocation,
    app: &AppName,
    service: &ServiceName,
) -> Result<(), Failure> {
    let status = invocation.client().app(app).await?;
    let names: Vec<&str> = status.services.iter().map(|s| s.service.as_str()).collect();
    if names.contains(&service.as_str()) {
        return Ok(());
    }
    let failure = Failure::not_done("not_found", format!("{app} has no service {service}"));
    Err(match names.as_slice() {
        [] => failure,
        names => failure.hint(format!("it has {}", names.join(", "))),
    })
}

fn shown(line: &LogLine, name_width: &mut usize, paint: Paint) -> String {
    let name = format!("{}.{}", line.service, line.replica);
    *name_width = (*name_width).max(name.len());
    let width = *name_width;
    let head = paint.text(Tone::Accent, format!("{name:width$} |"));
    let at = line.at.as_ref().map(|at| format!("{at} ")).unwrap_or_default();
    // An app's own colours are the user's own; they pass.
    format!("{head} {at}{}", line.text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_are_numbers_or_all() {
        assert_eq!("all".parse::<Tail>().unwrap().0, None);
        assert_eq!("5".parse::<Tail>().unwrap().0, Some(5));
        assert!("-1".parse::<Tail>().is_err());
    }
}
