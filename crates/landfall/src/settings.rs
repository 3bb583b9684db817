//! Flags and environment, resolved once into what the commands use.
//!
//! Flags win over the environment, a flag after the verb over one before it; lists are joined. The
//! environment comes in as data, so that this is a table in the tests.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::PathBuf;

use landfall_core::id::AppName;

use crate::cli::{ColorChoice, CommonArgs, Format, ProjectArgs, SharedRef};
use crate::failure::Failure;
use crate::output::printer::{Look, Verbosity};
use crate::remote::{HostWish, LOCAL, Means};

/// All that flags and environment say.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) project: ProjectSettings,
    pub(crate) paths: Paths,
    pub(crate) look: Look,
    /// What standard output is to hold, where that was said.
    pub(crate) format: Option<Format>,
    /// `-q` was given: JSON alone is quiet too, but still data.
    pub(crate) is_silent: bool,
    /// Who asks, for example `ann@laptop`.
    pub(crate) by: String,
    /// The engine's socket, as `docker` would take it.
    pub(crate) docker_host: Option<String>,
    /// The file of registry logins that `docker login` writes.
    pub(crate) docker_config: PathBuf,
    /// Which host's agent is meant; `None`: this one's.
    pub(crate) host: Option<HostWish>,
    /// The user's file of hosts.
    pub(crate) config_file: PathBuf,
    /// How another host is reached.
    pub(crate) ssh: Means,
}

/// Which compose project.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ProjectSettings {
    pub(crate) files: Vec<PathBuf>,
    pub(crate) name: Option<AppName>,
    pub(crate) directory: Option<PathBuf>,
    pub(crate) profiles: Vec<String>,
    pub(crate) env_files: Vec<PathBuf>,
    /// Print resources that no service uses, too.
    pub(crate) all_resources: bool,
    /// The app is for another host: paths of this one mean nothing there.
    pub(crate) is_elsewhere: bool,
    /// Variables for the files; they win over every file.
    pub(crate) environment: BTreeMap<String, String>,
}

/// Where sockets and state are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Paths {
    /// Sockets and pid files.
    pub(crate) run_dir: PathBuf,
    /// Releases, journals, the edge's tables, logs.
    pub(crate) state_dir: PathBuf,
    /// The agent's socket.
    pub(crate) agent_socket: PathBuf,
}

impl Paths {
    /// The edge's socket.
    pub(crate) fn edge_socket(&self) -> PathBuf {
        self.run_dir.join("edge.sock")
    }

    /// The agent's own state.
    pub(crate) fn agent_state(&self) -> PathBuf {
        self.state_dir.join("agent")
    }

    /// The edge's own state.
    pub(crate) fn edge_state(&self) -> PathBuf {
        self.state_dir.join("edge")
    }
}

/// What the process was started with, beside its arguments.
#[derive(Debug, Default)]
pub(crate) struct Surroundings {
    pub(crate) env: BTreeMap<String, OsString>,
    pub(crate) is_root: bool,
    pub(crate) uid: u32,
    pub(crate) host: String,
    pub(crate) stdin_terminal: bool,
    pub(crate) stdout_terminal: bool,
    pub(crate) stderr_terminal: bool,
}

impl Surroundings {
    /// Those of this process.
    pub(crate) fn of_process() -> Self {
        let uid = rustix::process::geteuid();
        Self {
            env: std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
                .collect(),
            is_root: uid.is_root(),
            uid: uid.as_raw(),
            host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            stdin_terminal: std::io::stdin().is_terminal(),
            stdout_terminal: std::io::stdout().is_terminal(),
            stderr_terminal: std::io::stderr().is_terminal(),
        }
    }

    /// A variable that is set and not empty.
    fn var(&self, name: &str) -> Option<&OsString> {
        self.env.get(name).filter(|value| !value.is_empty())
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        self.var(name).map(PathBuf::from)
    }

    fn home(&self) -> PathBuf {
        self.path("HOME").unwrap_or_else(|| PathBuf::from("/"))
    }

    fn text(&self, name: &str) -> Option<String> {
        self.var(name).map(|value| value.to_string_lossy().into_owned())
    }
}

impl Settings {
    /// Merges the flags of all places, outermost first, with the environment.
    pub(crate) fn resolve(
        places: &[SharedRef<'_>],
        around: &Surroundings,
    ) -> Result<Self, Failure> {
        let is_about_an_app = places.last().is_some_and(|verb| verb.project.is_some());
        let host = host(&commons(places), around);
        let projects: Vec<&ProjectArgs> = places.iter().filter_map(|p| p.project).collect();
        Ok(Self {
            project: ProjectSettings {
                is_elsewhere: host.as_ref().is_some_and(|host| host.text != LOCAL),
                ..project(&projects, is_about_an_app, around)?
            },
            paths: paths(&commons(places), around),
            look: look(places, around),
            format: last(&commons(places), |c| c.format),
            is_silent: said(&commons(places)) == Some(Verbosity::Quiet),
            by: by(around),
            docker_host: around.text("DOCKER_HOST"),
            docker_config: docker_config(around),
            host,
            config_file: config_file(around),
            ssh: ssh(around),
        })
    }
}

impl Settings {
    /// Refuses a format that the verb does not have.
    pub(crate) fn with_formats(self, known: &[Format]) -> Result<Self, Failure> {
        let name = match self.format {
            None | Some(Format::Text) => return Ok(self),
            Some(format) if known.contains(&format) => return Ok(self),
            Some(Format::Json) => "json",
            Some(Format::Yaml) => "yaml",
            Some(Format::Sarif) => "sarif",
        };
        Err(Failure::usage(format!("this command prints no {name}"))
            .hint("`config` prints yaml and json, `check` json and sarif, all others json"))
    }
}

/// The last place that says something wins.
fn last<A, T>(places: &[&A], field: impl Fn(&A) -> Option<T>) -> Option<T> {
    places.iter().rev().find_map(|place| field(place))
}

/// Every place adds to the list.
fn joined<T: Clone>(places: &[&ProjectArgs], field: impl Fn(&ProjectArgs) -> &[T]) -> Vec<T> {
    places.iter().flat_map(|place| field(place).iter().cloned()).collect()
}

fn project(
    places: &[&ProjectArgs],
    is_about_an_app: bool,
    around: &Surroundings,
) -> Result<ProjectSettings, Failure> {
    let name = last(places, |p| p.project_name.clone());
    // An agent must start whatever the variable says.
    let variable = around.text("COMPOSE_PROJECT_NAME").filter(|_| is_about_an_app);
    let name = name.or(variable);
    let utf8 =
        |(name, value): (&String, &OsString)| Some((name.clone(), value.to_str()?.to_owned()));
    let name = name.map(|name| name.parse::<AppName>()).transpose();
    Ok(ProjectSettings {
        files: joined(places, |p| &p.file),
        name: name.map_err(|error| Failure::usage(error.to_string()))?,
        directory: last(places, |p| p.project_directory.clone()),
        profiles: joined(places, |p| &p.profile),
        env_files: joined(places, |p| &p.env_file),
        all_resources: places.iter().any(|p| p.all_resources),
        is_elsewhere: false,
        environment: around.env.iter().filter_map(utf8).collect(),
    })
}

fn paths(places: &[&CommonArgs], around: &Surroundings) -> Paths {
    let run_dir = around.path("LANDFALL_RUN_DIR");
    let state_dir = around.path("LANDFALL_STATE_DIR").unwrap_or_else(|| {
        if around.is_root {
            return PathBuf::from("/var/lib/landfall");
        }
        let state =
            around.path("XDG_STATE_HOME").unwrap_or_else(|| around.home().join(".local/state"));
        state.join("landfall")
    });
    let own_run_dir = || match around.path("XDG_RUNTIME_DIR") {
        Some(dir) if !around.is_root => dir.join("landfall"),
        _ => PathBuf::from("/run/landfall"),
    };
    let socket = last(places, |c| c.socket.clone()).or_else(|| around.path("LANDFALL_SOCKET"));
    let is_given = run_dir.is_some();
    let run_dir = run_dir.unwrap_or_else(own_run_dir);
    let agent_socket = socket.unwrap_or_else(|| {
        let own = run_dir.join("agent.sock");
        let hosts = PathBuf::from("/run/landfall/agent.sock");
        // A member of the docker group usually means the host's agent.
        if !is_given && !own.exists() && hosts.exists() { hosts } else { own }
    });
    Paths { run_dir, state_dir, agent_socket }
}

fn commons<'a>(places: &[SharedRef<'a>]) -> Vec<&'a CommonArgs> {
    places.iter().filter_map(|place| place.common).collect()
}

/// The last place that says either decides, so `-q` before the verb yields to `-v` after it.
fn said(places: &[&CommonArgs]) -> Option<Verbosity> {
    last(places, |c| match (c.quiet, c.verbose) {
        (true, _) => Some(Verbosity::Quiet),
        (_, true) => Some(Verbosity::Verbose),
        _ => None,
    })
}

/// What the streams are to look like; never fails, so that failures can be shown.
pub(crate) fn look(places: &[SharedRef<'_>], around: &Surroundings) -> Look {
    let places = &commons(places)[..];
    let json = last(places, |c| c.format) == Some(Format::Json);
    let verbosity = said(places).unwrap_or(if json { Verbosity::Quiet } else { Verbosity::Normal });
    let is_dumb = around.text("TERM").is_some_and(|term| term == "dumb");
    let auto = around.var("NO_COLOR").is_none() && !is_dumb;
    let choice = last(places, |c| c.color).unwrap_or(ColorChoice::Auto);
    let color = |terminal: bool| match choice {
        ColorChoice::Auto => auto && terminal,
        ColorChoice::Always => true,
        ColorChoice::Never => false,
    };
    let no_progress = places.iter().any(|c| c.no_progress);
    let is_talkative = !json && verbosity > Verbosity::Quiet;
    Look {
        json,
        verbosity,
        color_out: color(around.stdout_terminal),
        color_err: color(around.stderr_terminal),
        progress: around.stderr_terminal && !is_dumb && is_talkative && !no_progress,
    }
}

/// The flag wins; a socket beside it is one of that host.
fn host(places: &[&CommonArgs], around: &Surroundings) -> Option<HostWish> {
    let flag = last(places, |c| c.host.clone());
    let is_flag = flag.is_some();
    let text = flag.or_else(|| around.text("LANDFALL_HOST"))?;
    Some(HostWish { text, is_flag, socket: last(places, |c| c.socket.clone()) })
}

fn config_file(around: &Surroundings) -> PathBuf {
    around.path("LANDFALL_CONFIG").unwrap_or_else(|| {
        let config = around.path("XDG_CONFIG_HOME");
        config.unwrap_or_else(|| around.home().join(".config")).join("landfall/config.toml")
    })
}

fn ssh(around: &Surroundings) -> Means {
    let runtime = around.path("XDG_RUNTIME_DIR").map(|dir| dir.join("landfall-ssh"));
    let temporary = around.path("TMPDIR").unwrap_or_else(|| PathBuf::from("/tmp"));
    let own = format!("landfall-ssh-{}", around.uid);
    let last = PathBuf::from("/tmp").join(&own);
    Means {
        program: around.var("LANDFALL_SSH").cloned().unwrap_or_else(|| "ssh".into()),
        folders: runtime.into_iter().chain([temporary.join(own), last]).collect(),
        may_ask: around.stderr_terminal && around.stdin_terminal,
        uid: around.uid,
    }
}

fn docker_config(around: &Surroundings) -> PathBuf {
    let folder = around.path("DOCKER_CONFIG").unwrap_or_else(|| around.home().join(".docker"));
    folder.join("config.json")
}

fn by(around: &Surroundings) -> String {
    let names = ["SUDO_USER", "USER", "LOGNAME"];
    let user = names.iter().find_map(|name| around.text(name));
    let user = user.unwrap_or_else(|| {
        if around.is_root { "root".to_owned() } else { format!("uid {}", around.uid) }
    });
    format!("{user}@{}", around.host)
}

#[cfg(test)]
mod tests;
