//! What the services of a compose file are, as far as their files tell.
//!
//! Reads the tree of `landfall config` and, where the files can be deployed, the workloads that
//! landfall would give them. Decides nothing: [`super::overlay`] writes the findings down.

use std::collections::BTreeMap;
use std::path::Path;

use landfall_compose::keeps_data;
use landfall_core::spec::{AppSpec, Workload};
use serde_json::Value;

use super::habits;

/// All services, and the volumes that no release owns.
#[derive(Debug)]
pub(crate) struct Survey {
    pub(crate) services: Vec<Service>,
    pub(crate) volumes: Vec<Volume>,
    /// `x-landfall` stands at the top already.
    pub(crate) says_app: bool,
}

/// One service.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) published: Vec<Published>,
    /// Container ports that other services may use.
    pub(crate) exposed: Vec<u16>,
    pub(crate) has_healthcheck: bool,
    /// `x-landfall` stands in it already.
    pub(crate) says: bool,
    /// Folder of its build context, if it is built.
    pub(crate) context: Option<String>,
    /// Named volumes and writable binds, as mounted.
    pub(crate) data: Vec<String>,
    /// A migration in front of its server, in one command.
    pub(crate) hidden_job: Option<&'static str>,
}

/// What a service seems to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Role {
    /// Others wait for it to complete, or it says so itself.
    KnownJob,
    /// It ends by itself: why.
    Job(String),
    /// It must not run twice: why.
    Singleton(String),
    /// A known database: its image.
    Data(String),
    /// Two of it cannot live side by side.
    InPlace,
    /// Serves or works; may run twice.
    Replicated,
}

/// One published port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Published {
    pub(crate) host_ip: Option<String>,
    /// The host's port, or a range.
    pub(crate) host: Option<String>,
    pub(crate) target: u64,
    pub(crate) is_udp: bool,
}

/// One named volume.
#[derive(Debug)]
pub(crate) struct Volume {
    pub(crate) key: String,
    pub(crate) writers: Vec<String>,
    pub(crate) readers: Vec<String>,
    /// Filled anew by each release.
    pub(crate) is_made_by_a_release: bool,
    pub(crate) is_external: bool,
    pub(crate) says: bool,
}

/// Looks at every service; `spec` is there when the files can be deployed as they are.
pub(crate) fn survey(config: &Value, spec: Option<&AppSpec>, directory: &Path) -> Survey {
    let services = mapping(&config["services"]);
    let awaited = awaited(&services);
    let services: Vec<Service> = services
        .iter()
        .map(|(name, service)| look(name, service, spec, &awaited, directory))
        .collect();
    let volumes = volumes(config, &services);
    Survey { services, volumes, says_app: !config["x-landfall"].is_null() }
}

type Entries<'a> = Vec<(&'a str, &'a Value)>;

fn mapping(value: &Value) -> Entries<'_> {
    value.as_object().into_iter().flatten().map(|(key, value)| (key.as_str(), value)).collect()
}

/// The strongest condition that others wait for.
fn awaited<'a>(services: &Entries<'a>) -> BTreeMap<&'a str, &'a str> {
    let mut awaited = BTreeMap::new();
    for (_, service) in services {
        for (name, dependency) in mapping(&service["depends_on"]) {
            let condition = dependency["condition"].as_str().unwrap_or("service_started");
            let known = awaited.entry(name).or_insert(condition);
            if condition == "service_completed_successfully" {
                *known = condition;
            }
        }
    }
    awaited
}

fn look(
    name: &str,
    service: &Value,
    spec: Option<&AppSpec>,
    awaited: &BTreeMap<&str, &str>,
    directory: &Path,
) -> Service {
    let published: Vec<Published> = list(&service["ports"]).iter().map(published).collect();
    let command =
        habits::plain(&[words(&service["entrypoint"]), words(&service["command"])].concat());
    let image = service["image"].as_str().unwrap_or_default();
    let spec = spec.and_then(|s| s.services.iter().find(|(n, _)| n.as_str() == name));
    let workload = spec.map(|(_, service)| service.workload);
    let serves = !published.is_empty();
    let is_stateful = workload == Some(Workload::Stateful);
    let role = if awaited.get(name) == Some(&"service_completed_successfully") {
        Role::KnownJob
    } else if keeps_data(image) && (is_stateful || workload.is_none()) {
        Role::Data(image.to_owned())
    } else if is_stateful {
        Role::InPlace
    } else if let Some(why) = job(service, name, &command, awaited).filter(|_| !serves) {
        Role::Job(why)
    } else if let Some(why) = habits::singleton(name, image, &command) {
        Role::Singleton(why.to_owned())
    } else {
        Role::Replicated
    };
    let data = list(&service["volumes"]).iter().filter_map(|m| written(m, directory)).collect();
    Service {
        name: name.to_owned(),
        role,
        published,
        exposed: list(&service["expose"]).iter().filter_map(port_number).collect(),
        has_healthcheck: has_healthcheck(&service["healthcheck"]),
        says: !service["x-landfall"].is_null(),
        context: service["build"]["context"].as_str().map(str::to_owned),
        data,
        hidden_job: habits::hidden_job(&command),
    }
}

/// Why a service ends by itself, if it does.
fn job(
    service: &Value,
    name: &str,
    command: &str,
    awaited: &BTreeMap<&str, &str>,
) -> Option<String> {
    let never_restarts = matches!(service["restart"].as_str(), None | Some("no" | "on-failure"));
    if let Some(what) = habits::job(command).filter(|_| never_restarts) {
        return Some(format!("{what} and ends"));
    }
    // What nobody awaits and what never said it ends may just be a server without a policy.
    let says_no = service["restart"].as_str() == Some("no");
    let is_awaited = awaited.get(name) == Some(&"service_started");
    let is_quiet = service["expose"].is_null() && service["healthcheck"].is_null();
    (says_no && is_awaited && is_quiet)
        .then(|| "is not restarted, and others wait for it".to_owned())
}

fn published(port: &Value) -> Published {
    let text = |key: &str| {
        let value = &port[key];
        value.as_str().map(str::to_owned).or_else(|| value.as_u64().map(|n| n.to_string()))
    };
    Published {
        host_ip: text("host_ip"),
        host: text("published").filter(|host| !host.is_empty()),
        target: port["target"].as_u64().unwrap_or_default(),
        is_udp: port["protocol"].as_str() == Some("udp"),
    }
}

impl Published {
    /// `0.0.0.0:80`
    pub(crate) fn place(&self) -> String {
        let host = self.host.as_deref().unwrap_or("any free port");
        match &self.host_ip {
            Some(ip) if ip.contains(':') => format!("[{ip}]:{host}"),
            Some(ip) => format!("{ip}:{host}"),
            None => format!("port {host}"),
        }
    }
}

/// What a mount keeps: the named volume, or the folder of the host that is written to.
fn written(mount: &Value, directory: &Path) -> Option<String> {
    let source = mount["source"].as_str()?;
    let is_kept = match mount["type"].as_str()? {
        "volume" => true,
        "bind" => !source.contains(".sock"),
        _ => false,
    };
    let shown = match Path::new(source).strip_prefix(directory) {
        Ok(inside) => format!("./{}", inside.display()),
        Err(_) => source.to_owned(),
    };
    (is_kept && mount["read_only"].as_bool() != Some(true)).then_some(shown)
}

fn read(service: &Value) -> impl Iterator<Item = &str> {
    let mounts = list(&service["volumes"]).iter();
    mounts.filter(|m| m["read_only"].as_bool() == Some(true)).filter_map(|m| m["source"].as_str())
}

fn volumes(config: &Value, services: &[Service]) -> Vec<Volume> {
    let all = mapping(&config["services"]);
    let look = |(key, volume): (&str, &Value)| {
        let writers: Vec<&Service> =
            services.iter().filter(|s| s.data.iter().any(|data| data == key)).collect();
        let readers = all.iter().filter(|(_, service)| read(service).any(|source| source == key));
        let by_a_job = writers.iter().any(|s| matches!(s.role, Role::KnownJob | Role::Job(_)));
        let keeps = writers.iter().any(|s| matches!(s.role, Role::Data(_)));
        Volume {
            key: key.to_owned(),
            is_made_by_a_release: habits::is_made_by_a_release(key) && by_a_job && !keeps,
            writers: writers.iter().map(|s| s.name.clone()).collect(),
            readers: readers.map(|(name, _)| (*name).to_owned()).collect(),
            is_external: volume["external"].as_bool() == Some(true),
            says: !volume["x-landfall"].is_null(),
        }
    };
    mapping(&config["volumes"]).into_iter().map(look).collect()
}

fn has_healthcheck(check: &Value) -> bool {
    let is_off = check["disable"].as_bool() == Some(true)
        || check["test"][0].as_str() == Some("NONE")
        || check["test"].as_str() == Some("NONE");
    !check.is_null() && !is_off
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn words(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        other => list(other).iter().filter_map(|word| word.as_str()).map(str::to_owned).collect(),
    }
}

fn port_number(value: &Value) -> Option<u16> {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.split(['/', '-']).next()?.parse().ok()
}
