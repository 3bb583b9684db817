//! One service, with what rules ask of it.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use landfall_compose::View;

use super::{App, CommandLine, Dockerfile, Image, Mount, Port, Variable};
use super::{mounts, ports, variables, words_of};
use crate::know::{self, Family};

/// Profiles that only developers and tests enable.
const DEVELOPMENT_PROFILES: &[&str] =
    &["debug", "dev", "develop", "development", "local", "test", "testing", "tests"];

/// A service of the app.
pub(crate) struct Service<'a> {
    pub(crate) name: &'a str,
    pub(crate) view: View<'a>,
    pub(crate) image: Option<Image<'a>>,
    pub(crate) ports: Vec<Port>,
    pub(crate) mounts: Vec<Mount>,
    pub(crate) environment: Vec<Variable<'a>>,
    /// What the image is known to be; `Family::App` when it is none of the known ones.
    pub(crate) family: Family,
    /// Others wait for it to complete, or it says that it is a job.
    pub(crate) is_one_off: bool,
    pub(crate) allowed: BTreeSet<String>,
    dockerfile: OnceCell<Option<Dockerfile>>,
}

impl<'a> Service<'a> {
    pub(crate) fn new(name: &'a str, view: View<'a>, directory: &Path) -> Self {
        let image = view.get("image").and_then(Image::of);
        let family = image.as_ref().map_or(Family::App, know::family);
        Self {
            name,
            view,
            family,
            image,
            ports: ports(view),
            mounts: mounts(view, directory),
            environment: variables(view),
            is_one_off: view.at_path("x-landfall.job").is_some(),
            allowed: allowed(view),
            dockerfile: OnceCell::new(),
        }
    }

    pub(crate) fn allows(&self, rule: &str) -> bool {
        self.allowed.contains(rule)
    }

    /// Only enabled by developers and tests.
    pub(crate) fn is_for_development(&self) -> bool {
        let mut profiles = self.view.get("profiles").into_iter().flat_map(View::items).peekable();
        profiles.peek().is_some()
            && profiles.all(|p| p.text().is_some_and(|p| DEVELOPMENT_PROFILES.contains(&p)))
    }

    pub(crate) fn has_profiles(&self) -> bool {
        self.view.get("profiles").is_some_and(|profiles| profiles.items().next().is_some())
    }

    pub(crate) fn has_build(&self) -> bool {
        self.view.get("build").is_some()
    }

    pub(crate) fn variable(&self, name: &str) -> Option<&Variable<'a>> {
        self.environment.iter().find(|variable| variable.name == name)
    }

    /// `x-landfall` says that there is never more than one.
    pub(crate) fn is_single(&self) -> bool {
        let landfall = self.view.get("x-landfall");
        landfall.is_some_and(|landfall| {
            landfall.get("singleton").and_then(View::boolean) == Some(true)
                || landfall.get("update").and_then(View::text) == Some("in-place")
        })
    }

    pub(crate) fn replicas(&self) -> i64 {
        let replicas = self.view.at_path("deploy.replicas").or_else(|| self.view.get("scale"));
        replicas.and_then(View::integer).unwrap_or(1)
    }

    /// Users or other hosts reach it: it publishes a port or has a route.
    pub(crate) fn is_routed(&self) -> bool {
        let tcp = |port: &Port| port.protocol == "tcp";
        self.ports.iter().any(tcp) || self.view.at_path("x-landfall.routes").is_some()
    }

    /// The folder that is built.
    pub(crate) fn context(&self, app: &App<'_>) -> Option<PathBuf> {
        let build = self.view.get("build")?;
        let context = build.text().or_else(|| build.get("context").and_then(View::text));
        let context = context.unwrap_or(".");
        let is_remote = context.contains("://") || context.starts_with("git@");
        (!is_remote).then(|| super::mount::absolute(context, app.directory()))?
    }

    /// The Dockerfile that it is built from, if it can be read.
    pub(crate) fn dockerfile(&self, app: &App<'_>) -> Option<&Dockerfile> {
        self.dockerfile.get_or_init(|| self.read_dockerfile(app)).as_ref()
    }

    fn read_dockerfile(&self, app: &App<'_>) -> Option<Dockerfile> {
        let context = self.context(app)?;
        let build = self.view.get("build")?;
        let target = build.get("target").and_then(View::text);
        if let Some(inline) = build.get("dockerfile_inline") {
            // Lines of a block scalar follow its own line.
            return Some(Dockerfile::parse(&inline.at().file, inline.text()?, target));
        }
        let named = build.get("dockerfile").and_then(View::text);
        let path = context.join(named.unwrap_or("Dockerfile"));
        Some(Dockerfile::parse(&app.shown(&path), &app.text(&path)?, target))
    }

    /// What `command` or `entrypoint` of the compose file says, or else the Dockerfile.
    pub(crate) fn part(&self, app: &App<'_>, key: &str) -> Option<CommandLine> {
        match self.view.get(key) {
            Some(view) => Some(CommandLine { words: words_of(view), at: view.at() }),
            // An entrypoint of the compose file takes the image's command away.
            None if key == "command" && self.view.get("entrypoint").is_some() => None,
            None => {
                let keyword = if key == "command" { "CMD" } else { "ENTRYPOINT" };
                self.dockerfile(app)?.command(keyword)
            }
        }
    }

    /// What runs: the entrypoint and the command. The place is the command's, if there is one.
    pub(crate) fn runs(&self, app: &App<'_>) -> Option<CommandLine> {
        match (self.part(app, "entrypoint"), self.part(app, "command")) {
            (Some(entrypoint), Some(command)) => {
                let words = entrypoint.words.into_iter().chain(command.words).collect();
                Some(CommandLine { words, at: command.at })
            }
            (one, other) => other.or(one),
        }
    }

    /// It migrates or prepares something and ends, though nothing in the file says so.
    pub(crate) fn is_job(&self, app: &App<'_>) -> bool {
        let Some(runs) = self.runs(app) else { return false };
        let line = runs.line();
        let is_alone = !line.contains("&&") && !line.contains(';');
        let prepares = ["collectstatic", "createsuperuser", "loaddata", "assets:precompile"];
        let is_task = know::migration(&line).is_some()
            || prepares.iter().any(|word| know::has_word_run(&line, word));
        let stays_down = self.view.get("restart").and_then(View::text) == Some("no");
        is_task && is_alone || stays_down && self.ports.is_empty() && !goes_on(&line)
    }

    /// Where the image's code lives: of the compose file, the Dockerfile or the engine.
    pub(crate) fn workdir(&self, app: &App<'_>) -> Option<String> {
        if let Some(dir) = self.view.get("working_dir").and_then(View::text) {
            return Some(dir.to_owned());
        }
        if let Some(dir) = self.dockerfile(app).and_then(Dockerfile::workdir) {
            return Some(dir);
        }
        let image = app.engine()?.images.get(&self.image.as_ref()?.text)?;
        image.workdir.clone().filter(|dir| !dir.is_empty() && dir != "/")
    }
}

/// Rules that `x-landfall: {allow: […]}` names.
pub(super) fn allowed(view: View<'_>) -> BTreeSet<String> {
    let allow = view.at_path("x-landfall.allow");
    allow.into_iter().flat_map(View::items).filter_map(View::printed).collect()
}

/// A scheduler or a worker by its words.
fn goes_on(line: &str) -> bool {
    know::is_scheduler(line).is_some() || know::is_worker(line).is_some()
}
