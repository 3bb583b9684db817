//! `landfall config`: what Compose makes of the files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use clap::Args;
use landfall_compose::{Model, VariableUse, View};
use serde_json::{Map, Value, json};

use crate::cli::{Format, SharedArgs};
use crate::config_tree::{plain, with_extensions};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::output::table::Table;
use crate::output::yaml;
use crate::project;
use crate::service_hash;

/// Print what Compose makes of the files: merged, filled in, in full.
///
/// Prints what `docker compose config` prints, as YAML, or with `--format json` as JSON: all files
/// merged, variables filled in, short forms written out, defaults added, paths absolute. Says every
/// problem at once, on standard error. Asks neither an agent nor an engine; `-q` only validates.
#[derive(Debug, Args)]
#[command(mut_arg("format", |arg| arg
    .help("`yaml` (the default) or `json`, each as `docker compose config` prints it")
    .hide_possible_values(true)))]
pub(crate) struct ConfigArgs {
    /// Only these services, and what they depend on.
    #[arg(value_name = "SERVICE")]
    services: Vec<String>,
    #[command(flatten)]
    part: Part,
    /// Write to a file in place of standard output.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) shared: SharedArgs,
}

/// One part of it, a line each.
#[derive(Debug, Args)]
#[group(multiple = false)]
#[expect(clippy::struct_excessive_bools, reason = "flags of docker compose")]
struct Part {
    /// Names of the services.
    #[arg(long = "services", id = "list_services")]
    services: bool,
    /// Names of the images.
    #[arg(long)]
    images: bool,
    /// Names of the volumes.
    #[arg(long)]
    volumes: bool,
    /// Names of the networks.
    #[arg(long)]
    networks: bool,
    /// Names of the profiles, those of disabled services too.
    #[arg(long)]
    profiles: bool,
    /// Variables that the files ask for, with their defaults.
    #[arg(long)]
    variables: bool,
    /// Variables that the files are filled in with; values may be secrets.
    #[arg(long)]
    environment: bool,
    /// Compose's hash of a service, or of every service with `*`; with `env_file` it is another one.
    #[arg(long, value_name = "SERVICE")]
    hash: Option<String>,
}

pub(crate) fn run(args: &ConfigArgs, invocation: &Invocation) -> Result<Exit, Failure> {
    let printer = &invocation.printer;
    let settings = &invocation.settings;
    let model = project::read(&project::options(&settings.project)?, printer)?;
    if !settings.is_silent {
        project::warn(&model.warnings, &model.sources, printer);
    }
    let as_json = settings.format == Some(Format::Json);
    let all = settings.project.all_resources;
    let mut tree = if as_json { plain(&model, all) } else { with_extensions(&model, all) };
    only(&args.services, &mut tree)?;
    let text = part(&args.part, &model, &tree, as_json)?.unwrap_or_else(|| whole(&tree, as_json));
    if settings.is_silent {
        return Ok(Exit::Done);
    }
    match &args.output {
        None => printer.raw(&text),
        Some(path) => {
            let written = std::fs::write(path, &text);
            let message = format!("cannot write {}", path.display());
            written.map_err(|error| Failure::not_done("output", message).cause(error))?;
            printer.say(&format!("wrote {}", path.display()));
        }
    }
    Ok(Exit::Done)
}

fn whole(tree: &Value, as_json: bool) -> String {
    if as_json { format!("{tree:#}\n") } else { yaml::document(tree) }
}

/// Leaves out services that were not asked for and what only they use.
fn only(wanted: &[String], tree: &mut Value) -> Result<(), Failure> {
    let Some(services) = tree["services"].as_object() else { return Ok(()) };
    for name in wanted {
        known(name, services)?;
    }
    if wanted.is_empty() {
        return Ok(());
    }
    let mut kept = BTreeSet::new();
    let mut open: Vec<&str> = wanted.iter().map(String::as_str).collect();
    while let Some(name) = open.pop() {
        if kept.insert(name.to_owned()) {
            let needed = services.get(name).and_then(|s| s["depends_on"].as_object());
            open.extend(needed.into_iter().flat_map(Map::keys).map(String::as_str));
        }
    }
    let Some(services) = tree.get_mut("services").and_then(Value::as_object_mut) else {
        return Ok(());
    };
    services.retain(|name, _| kept.contains(name));
    let left: Vec<Value> = services.values().cloned().collect();
    for section in ["networks", "volumes", "secrets", "configs"] {
        let used = |name: &String| left.iter().any(|service| uses(service, section, name));
        if let Some(all) = tree.get_mut(section).and_then(Value::as_object_mut) {
            all.retain(|name, _| used(name));
            if all.is_empty() {
                tree.as_object_mut().map(|tree| tree.remove(section));
            }
        }
    }
    Ok(())
}

fn uses(service: &Value, section: &str, name: &str) -> bool {
    let listed = service[section].as_array().into_iter().flatten();
    let built = service["build"][section].as_array().into_iter().flatten();
    service[section].get(name).is_some()
        || listed.chain(built).any(|item| item["source"].as_str() == Some(name))
}

fn known<'a>(name: &str, services: &'a Map<String, Value>) -> Result<&'a Value, Failure> {
    services.get(name).ok_or_else(|| {
        let failure = Failure::not_done("not_found", format!("there is no service `{name}`"));
        match landfall_compose::nearest(name, services.keys().map(String::as_str)) {
            Some(near) => failure.hint(format!("did you mean `{near}`?")),
            None => failure,
        }
    })
}

/// The part that was asked for, if one was.
fn part(
    part: &Part,
    model: &Model,
    tree: &Value,
    as_json: bool,
) -> Result<Option<String>, Failure> {
    let services = tree["services"].as_object().cloned().unwrap_or_default();
    let keys = |section: &str| {
        tree[section].as_object().into_iter().flat_map(Map::keys).cloned().collect::<Vec<_>>()
    };
    let names = if part.services {
        keys("services")
    } else if part.images {
        services.iter().map(|(name, service)| image(model, name, service)).collect()
    } else if part.volumes {
        keys("volumes")
    } else if part.networks {
        keys("networks")
    } else if part.profiles {
        profiles(model)
    } else if let Some(wanted) = &part.hash {
        hashes(wanted, model.config()["services"].as_object().unwrap_or(&Map::new()))?
    } else if part.environment {
        model.environment().map(|(name, value)| format!("{name}={value}")).collect()
    } else if part.variables {
        return Ok(Some(variables(model.variables(), as_json)));
    } else {
        return Ok(None);
    };
    Ok(Some(a_line_each(&names)))
}

/// A service without an image is built under Compose's default name.
fn image(model: &Model, name: &str, service: &Value) -> String {
    let written = service["image"].as_str().map(|image| image.replace("$$", "$"));
    written.unwrap_or_else(|| format!("{}-{name}", model.name()))
}

fn profiles(model: &Model) -> Vec<String> {
    let services = model.services().filter_map(|(_, service)| service.get("profiles"));
    let names: BTreeSet<String> =
        services.flat_map(View::items).filter_map(View::printed).collect();
    names.into_iter().collect()
}

/// Compose's hash of one service, of several, or of all.
fn hashes(wanted: &str, services: &Map<String, Value>) -> Result<Vec<String>, Failure> {
    let line = |name: &str, service: &Value| format!("{name} {}", service_hash::of(service));
    if wanted == "*" {
        return Ok(services.iter().map(|(name, service)| line(name, service)).collect());
    }
    let names = wanted.split(',').map(str::trim);
    names.map(|name| known(name, services).map(|service| line(name, service))).collect()
}

/// What the files say about one variable, all places together.
#[derive(Default)]
struct Asked {
    required: bool,
    default: String,
    alternate: String,
}

fn variables(uses: &[VariableUse], as_json: bool) -> String {
    let mut all: BTreeMap<&str, Asked> = BTreeMap::new();
    for one in uses {
        let asked = all.entry(&one.name).or_default();
        match operation(one) {
            Some(('?', _)) => asked.required = true,
            Some(('-', operand)) if asked.default.is_empty() => {
                operand.clone_into(&mut asked.default);
            }
            Some(('+', operand)) if asked.alternate.is_empty() => {
                operand.clone_into(&mut asked.alternate);
            }
            Some(_) | None => {}
        }
    }
    if as_json {
        let entry = |(name, asked): (&&str, &Asked)| {
            let value = json!({
                "Name": name, "DefaultValue": asked.default, "PresenceValue": asked.alternate,
                "Required": asked.required,
            });
            ((*name).to_owned(), value)
        };
        let tree: Map<String, Value> = all.iter().map(entry).collect();
        return format!("{:#}\n", Value::Object(tree));
    }
    let mut table = Table::new(["name", "required", "default value", "alternate value"]);
    for (name, asked) in all {
        let required = if asked.required { "yes" } else { "no" }.to_owned();
        table.row([name.to_owned(), required, asked.default, asked.alternate]);
    }
    let lines = table.lines(crate::output::style::Paint(false));
    a_line_each(&lines)
}

fn a_line_each(lines: &[String]) -> String {
    let mut out = lines.join("\n");
    if !lines.is_empty() {
        out.push('\n');
    }
    out
}

/// Operator and operand of `${NAME:-operand}`.
fn operation(one: &VariableUse) -> Option<(char, &str)> {
    let inner = one.expression.strip_prefix("${")?.strip_suffix('}')?;
    let rest = inner.strip_prefix(one.name.as_str())?.trim_start_matches(':');
    let mut chars = rest.chars();
    Some((chars.next()?, chars.as_str()))
}
