//! `landfall init`: what landfall should know, written down beside the compose file.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use landfall_compose::{LoadOptions, Model};
use serde_json::json;

use crate::check::engine::listening;
use crate::cli::SharedArgs;
use crate::config_tree::with_extensions;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::init::survey::{Service, Survey, survey};
use crate::init::{OVERLAY_NAME, dockerfile, fresh, health, overlay};
use crate::invocation::Invocation;
use crate::output::style::Tone;
use crate::project;

/// Write down what landfall should know about an app.
///
/// Beside a compose file, which stays as it is, writes `compose.landfall.yaml`: tasks that run once a
/// release, schedulers that must not run twice, health paths, data, each with its reason. In a folder
/// with only a Dockerfile, writes a `compose.yaml`. Nothing is overwritten without `--force`.
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// Print the file in place of writing it.
    #[arg(long)]
    stdout: bool,
    /// Write over a file that is there.
    #[arg(long, conflicts_with = "stdout")]
    force: bool,
    #[command(flatten)]
    pub(crate) shared: SharedArgs,
}

/// A file to write, and what to say then.
struct Draft {
    path: PathBuf,
    /// As the user would call it.
    name: String,
    text: String,
    next: Vec<String>,
}

pub(crate) fn run(args: &InitArgs, invocation: &Invocation) -> Result<Exit, Failure> {
    let settings = &invocation.settings.project;
    let mut options = project::options(settings)?;
    if options.files.iter().any(|file| file == Path::new("-")) {
        return Err(Failure::usage("`init` writes beside a file, so it takes no `-f -`"));
    }
    let draft = if let Some(dockerfile) = Dockerfile::alone(&options) {
        dockerfile.draft()?
    } else {
        // Services of every profile are looked at.
        options.profiles = vec!["*".to_owned()];
        let model = project::read(&options, &invocation.printer).map_err(|failure| {
            let is_lost = failure.diagnostics.iter().all(|d| d.at.is_none());
            let start = "`landfall init` starts from a compose file or from a Dockerfile";
            if is_lost { failure.hint(start) } else { failure }
        })?;
        beside(&model, &options)
    };
    deliver(&draft, args, invocation)?;
    Ok(Exit::Done)
}

fn deliver(draft: &Draft, args: &InitArgs, invocation: &Invocation) -> Result<(), Failure> {
    let printer = &invocation.printer;
    if args.stdout {
        if printer.is_json() {
            printer.json(&json!({"file": draft.name, "text": draft.text}));
        } else {
            printer.raw(&draft.text);
        }
        return Ok(());
    }
    write(draft, args.force)?;
    if printer.is_json() {
        printer.json(&json!({"file": draft.name, "written": true}));
    }
    let wrote = printer.paint_err().text(Tone::Good, "wrote");
    printer.say(&format!("{wrote} {}", draft.name));
    draft.next.iter().for_each(|line| printer.say(line));
    Ok(())
}

fn write(draft: &Draft, force: bool) -> Result<(), Failure> {
    let mut options = fs::OpenOptions::new();
    options.write(true);
    // Of two writers at once, only one makes the file.
    if force {
        options.create(true).truncate(true)
    } else {
        options.create_new(true)
    };
    let written = options.open(&draft.path).and_then(|mut f| f.write_all(draft.text.as_bytes()));
    written.map_err(|error| {
        if error.kind() == std::io::ErrorKind::AlreadyExists {
            return Failure::not_done("exists", format!("{} is there already", draft.name))
                .hint("`--stdout` prints what would be written, `--force` writes over it");
        }
        Failure::not_done("output", format!("cannot write {}", draft.name)).cause(error)
    })
}

/// The overlay for a compose file.
fn beside(model: &Model, options: &LoadOptions) -> Draft {
    let spec = landfall_compose::load(options).ok().map(|project| project.spec);
    let survey = survey(&with_extensions(model, true), spec.as_ref(), model.directory());
    let files = compose_files(model, options);
    let look = |service: &Service| {
        let context = service.context.as_deref().map_or(model.directory(), Path::new);
        context.is_dir().then(|| health::find(context)).flatten()
    };
    let text = overlay::text(&overlay::Scene { survey: &survey, files: &files, seen: &look });
    let folder = files.first().and_then(|file| Path::new(file).parent()).unwrap_or(Path::new(""));
    let name = folder.join(OVERLAY_NAME);
    let all = overlay::all_files(&files);
    let flags: Vec<String> = all.iter().map(|file| format!("-f {file}")).collect();
    let mut next = vec![
        format!("next: landfall {} check", flags.join(" ")),
        format!("or COMPOSE_FILE={} in .env, then no -f is needed", all.join(":")),
    ];
    next.extend(taken(&survey));
    Draft { path: options.directory.join(&name), name: name.display().to_string(), text, next }
}

/// The compose files that were found, without what they include or extend.
fn compose_files(model: &Model, options: &LoadOptions) -> Vec<String> {
    if !options.files.is_empty() {
        return options.files.iter().map(|file| file.display().to_string()).collect();
    }
    let listed = options.environment.get("COMPOSE_FILE").filter(|list| !list.is_empty());
    if let Some(listed) = listed {
        return listed.split(':').map(str::to_owned).collect();
    }
    let usual = |name: &&str| {
        let name = name.rsplit('/').next().unwrap_or(name);
        matches!(
            name,
            "compose.yaml" | "compose.yml" | "docker-compose.yaml" | "docker-compose.yml"
        ) || name.contains("compose.override.")
    };
    let names: Vec<String> = model.sources.names().filter(usual).map(str::to_owned).collect();
    names.into_iter().take(2).collect()
}

/// Ports that the edge will want and somebody else has now.
fn taken(survey: &Survey) -> Vec<String> {
    let published = survey.services.iter().flat_map(|service| &service.published);
    let wanted = published.filter_map(|port| port.host.as_deref()?.parse().ok()).collect();
    let mut ports: Vec<u16> = listening(&wanted).into_iter().map(|l| l.port).collect();
    ports.sort_unstable();
    ports.dedup();
    let note = |port: &u16| {
        format!(
            "note: something listens on port {port} of this host now; the edge needs it, so stop \
             that first (`docker compose down`, or a web server of the host)"
        )
    };
    ports.iter().map(note).collect()
}

/// A folder with a Dockerfile and without a compose file.
struct Dockerfile {
    folder: PathBuf,
}

impl Dockerfile {
    fn alone(options: &LoadOptions) -> Option<Self> {
        let is_named = !options.files.is_empty()
            || options.environment.get("COMPOSE_FILE").is_some_and(|list| !list.is_empty());
        let folder = options.project_directory.as_ref();
        let folder =
            folder.map_or(options.directory.clone(), |folder| options.directory.join(folder));
        let names = ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"];
        let has_compose = names.iter().any(|name| folder.join(name).exists());
        let fits = !is_named && !has_compose && folder.join("Dockerfile").is_file();
        fits.then_some(Self { folder })
    }

    fn draft(&self) -> Result<Draft, Failure> {
        let path = self.folder.join("Dockerfile");
        let bytes = fs::read(&path).map_err(|error| {
            Failure::not_done("dockerfile", "cannot read Dockerfile").cause(error)
        })?;
        let dockerfile = dockerfile::read(&String::from_utf8_lossy(&bytes));
        let folder = fresh::Folder {
            dockerfile: &dockerfile,
            path: &self.folder,
            seen: health::find(&self.folder),
        };
        let next = vec!["next: landfall check, then landfall deploy".to_owned()];
        Ok(Draft {
            path: self.folder.join("compose.yaml"),
            name: "compose.yaml".to_owned(),
            text: fresh::text(&folder),
            next,
        })
    }
}
