//! What the engine has of an app: containers, networks and volumes, found by label as landfall
//! itself finds them. Asks the `docker` command, which owes landfall nothing.

use std::fmt;
use std::io;
use std::process::Command;
use std::time::Duration;

use super::process::run;

const BOUND: Duration = Duration::from_mins(1);
const APP: &str = "landfall.app";

/// One container, network or volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thing {
    /// Its name at the engine.
    pub name: String,
    /// Whose it is.
    pub app: String,
    /// `app` or `release`.
    pub scope: String,
    /// The release that it was made for.
    pub release: String,
    /// The rollout that made it.
    pub rollout: String,
    /// Of a container: which service.
    pub service: String,
}

/// All of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Things {
    /// Running or not.
    pub containers: Vec<Thing>,
    /// User-defined ones.
    pub networks: Vec<Thing>,
    /// Named ones.
    pub volumes: Vec<Thing>,
}

impl Things {
    /// Nothing at all.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// All of one scope: `app` or `release`.
    pub fn of_scope(&self, scope: &str) -> Self {
        let of = |all: &[Thing]| all.iter().filter(|one| one.scope == scope).cloned().collect();
        Self {
            containers: of(&self.containers),
            networks: of(&self.networks),
            volumes: of(&self.volumes),
        }
    }

    /// Everything but volumes: what `down` must have removed.
    pub fn without_volumes(&self) -> Self {
        Self { volumes: Vec::new(), ..self.clone() }
    }

    /// Containers, then networks, then volumes.
    pub fn iter(&self) -> impl Iterator<Item = &Thing> {
        self.containers.iter().chain(&self.networks).chain(&self.volumes)
    }
}

impl fmt::Display for Things {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("nothing");
        }
        let kinds = [
            ("containers", &self.containers),
            ("networks", &self.networks),
            ("volumes", &self.volumes),
        ];
        let some = kinds.into_iter().filter(|(_, all)| !all.is_empty()).map(|(kind, all)| {
            let names: Vec<&str> = all.iter().map(|thing| thing.name.as_str()).collect();
            format!("{kind} {}", names.join(", "))
        });
        f.write_str(&some.collect::<Vec<_>>().join("; "))
    }
}

pub(super) fn of(docker_host: &str, app: Option<&str>) -> io::Result<Things> {
    let filter = app.map_or_else(|| format!("label={APP}"), |app| format!("label={APP}={app}"));
    let list = |words: &[&str], name: &str| -> io::Result<Vec<Thing>> {
        let labels = ["app", "scope", "release", "rollout", "service"];
        let labels = labels.map(|label| format!("{{{{.Label \"landfall.{label}\"}}}}")).join("\t");
        let format = format!("{{{{.{name}}}}}\t{labels}");
        let flags = ["--filter", &filter, "--format", &format];
        let listed = docker(docker_host, &[words, &flags].concat())?;
        Ok(listed.lines().filter_map(thing).collect())
    };
    Ok(Things {
        containers: list(&["ps", "--all"], "Names")?,
        networks: list(&["network", "ls"], "Name")?,
        volumes: list(&["volume", "ls"], "Name")?,
    })
}

fn thing(line: &str) -> Option<Thing> {
    let mut fields = line.split('\t').map(str::to_owned);
    let mut next = || fields.next();
    let thing = Thing {
        name: next()?,
        app: next()?,
        scope: next()?,
        release: next()?,
        rollout: next()?,
        service: next().unwrap_or_default(),
    };
    Some(thing)
}

pub(super) fn clear(docker_host: &str, app: &str) -> io::Result<()> {
    let things = of(docker_host, Some(app))?;
    let remove = |words: &[&str], all: &[Thing]| -> io::Result<()> {
        if all.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = all.iter().map(|thing| thing.name.as_str()).collect();
        docker(docker_host, &[words, &names].concat()).map(drop)
    };
    remove(&["rm", "--force", "--volumes"], &things.containers)?;
    remove(&["network", "rm"], &things.networks)?;
    remove(&["volume", "rm"], &things.volumes)?;
    let tags = tags(docker_host, app)?;
    if tags.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = tags.iter().map(String::as_str).collect();
    docker(docker_host, &[&["rmi", "--no-prune"], &names[..]].concat()).map(drop)
}

/// The tags that hold the images of an app's releases.
pub(super) fn tags(docker_host: &str, app: &str) -> io::Result<Vec<String>> {
    let repository = format!("landfall/{app}");
    let format = ["--format", "{{.Repository}}:{{.Tag}}"];
    let listed = docker(docker_host, &[&["images", &repository], &format[..]].concat())?;
    Ok(listed.lines().map(str::to_owned).collect())
}

fn docker(docker_host: &str, words: &[&str]) -> io::Result<String> {
    let mut command = Command::new("docker");
    command.args(words).env("DOCKER_HOST", docker_host).env_remove("DOCKER_CONTEXT");
    let ended = run(&mut command, BOUND)?;
    if ended.code == 0 {
        return Ok(ended.stdout);
    }
    Err(io::Error::other(format!("docker {}: {}", words.join(" "), ended.stderr.trim())))
}
