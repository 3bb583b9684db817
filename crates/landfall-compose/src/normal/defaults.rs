//! What Compose adds to the merged tree before it looks at types: a key that is written but empty
//! is not the same as one that is missing.

use std::rc::Rc;

use super::lists::mapping;
use crate::env::Environment;
use crate::yaml::{Entry, Mapping, Node, Value};

/// Gives every build a context.
pub(crate) fn build_contexts(root: &mut Node) {
    each_service(root, build_context);
}

/// Gives a build its context.
pub(super) fn build_context(service: &mut Node) {
    let missing = |build: &Node| build.as_mapping().is_some_and(|m| !m.contains_key("context"));
    if service.get("build").is_some_and(missing)
        && let Some(build) = service.get_mut("build")
    {
        let context = Node::text(".", build.span);
        build.put("context", context);
    }
}

/// A request for devices that says neither how many nor which asks for all.
pub(super) fn device_counts(service: &mut Node) {
    const RESERVED: [&str; 4] = ["deploy", "resources", "reservations", "devices"];
    if RESERVED.iter().try_fold(&*service, |node, key| node.get(key)).is_some() {
        count_all(RESERVED.iter().try_fold(&mut *service, |node, key| node.get_mut(key)));
    }
    if service.get("gpus").is_some() {
        count_all(service.get_mut("gpus"));
    }
}

fn count_all(requests: Option<&mut Node>) {
    for request in requests.and_then(Node::items_mut).into_iter().flatten() {
        let silent =
            |keys: &Mapping| !keys.contains_key("count") && !keys.contains_key("device_ids");
        if request.as_mapping().is_some_and(silent) {
            let all = Node::text("all", request.span);
            request.put("count", all);
        }
    }
}

/// Networks and dependencies that other keys imply, values that the environment gives. Whether the
/// service joins the default network.
pub(super) fn implicit(service: &mut Node, environment: &Environment) -> bool {
    let default_network = attach(service);
    policy_and_build(service, environment);
    if service.get("environment").is_some()
        && let Some(variables) = service.get_mut("environment")
    {
        from_environment(variables, environment, true);
    }
    dependencies(service);
    // An unset variable is no name server.
    if service.get("dns").is_some()
        && let Some(servers) = service.get_mut("dns").and_then(Node::items_mut)
    {
        servers.retain(|server| !server.is_null() && server.as_text() != Some(""));
    }
    default_network
}

/// The network that services join when they name no other.
pub(super) fn network(root: &mut Node) {
    let span = root.span;
    if root.get("networks").and_then(Node::as_mapping).is_none() {
        root.put("networks", Node::new(Value::Mapping(Rc::default()), span));
    }
    if let Some(networks) = root.get_mut("networks")
        && networks.get("default").is_none()
    {
        networks.put("default", Node::new(Value::Null, span));
    }
}

fn policy_and_build(service: &mut Node, environment: &Environment) {
    if service.get("pull_policy").and_then(Node::as_text) == Some("if_not_present")
        && let Some(policy) = service.get_mut("pull_policy")
    {
        *policy = policy.with(Value::Text("missing".into()));
    }
    let Some(build) = service.get_mut("build") else { return };
    let unset = |build: &Node, key| build.get(key).is_none_or(Node::is_null);
    if unset(build, "context") {
        let context = Node::text(".", build.span);
        build.put("context", context);
    }
    if unset(build, "dockerfile") && unset(build, "dockerfile_inline") {
        let file = Node::text("Dockerfile", build.span);
        build.put("dockerfile", file);
    }
    if let Some(args) = build.get_mut("args") {
        from_environment(args, environment, false);
    }
}

/// Values of names without one; those that stay without are dropped unless they are kept as null.
fn from_environment(pairs: &mut Node, environment: &Environment, keep: bool) {
    // Most have a value, and what is not changed stays shared.
    if !pairs.as_mapping().is_some_and(|m| m.values().any(|entry| entry.value.is_null())) {
        return;
    }
    let Some(entries) = pairs.entries_mut() else { return };
    for (name, entry) in entries.iter_mut() {
        if entry.value.is_null()
            && let Some(value) = environment.get(name)
        {
            entry.value = Node::text(value, entry.value.span);
        }
    }
    if !keep {
        entries.retain(|_, entry| !entry.value.is_null());
    }
}

/// Joins a service to the default network if it joins no other; whether the default one is used.
fn attach(service: &mut Node) -> bool {
    let Some(keys) = service.as_mapping() else { return false };
    if keys.contains_key("provider") || keys.contains_key("network_mode") {
        return false;
    }
    let joined = keys.get("networks").and_then(|entry| entry.value.as_mapping());
    if let Some(joined) = joined.filter(|joined| !joined.is_empty()) {
        return joined.contains_key("default");
    }
    let nothing = Node::new(Value::Null, service.span);
    let mut networks = Mapping::new();
    networks.insert("default".into(), Entry { key: service.span, value: nothing });
    service.put("networks", Node::new(Value::Mapping(Rc::new(networks)), service.span));
    true
}

fn dependencies(service: &mut Node) {
    let mut implied: Vec<(String, bool, Node)> = Vec::new();
    let texts = |key: &str| {
        let list = service.get(key).and_then(Node::as_sequence).unwrap_or_default();
        list.iter().filter_map(|node| Some((node.as_text()?.to_owned(), node.clone())))
    };
    for (link, node) in texts("links") {
        let parts: Vec<&str> = link.split(':').collect();
        let target = if let [target, _] = parts[..] { target } else { link.as_str() };
        implied.push((target.to_owned(), true, node));
    }
    for key in ["network_mode", "ipc", "pid", "uts", "cgroup"] {
        let Some(node) = service.get(key) else { continue };
        if let Some(target) = node.as_text().and_then(|text| text.strip_prefix("service:")) {
            implied.push((target.to_owned(), true, node.clone()));
        }
    }
    for (volumes, node) in texts("volumes_from") {
        if !volumes.starts_with("container:") {
            let target = volumes.split(':').next().unwrap_or_default();
            implied.push((target.to_owned(), false, node));
        }
    }
    complete_written(service);
    if implied.is_empty() {
        return;
    }
    if service.get("depends_on").and_then(Node::as_mapping).is_none() {
        let empty = Node::new(Value::Mapping(Rc::default()), service.span);
        service.put("depends_on", empty);
    }
    let Some(depends) = service.get_mut("depends_on").and_then(Node::entries_mut) else { return };
    for (target, restart, at) in implied {
        let value = || {
            let mut value = mapping(&at, &[("condition", "service_started")]);
            value.put("restart", Node::new(Value::Bool(restart), at.span));
            value.put("required", Node::new(Value::Bool(true), at.span));
            Entry { key: at.span, value }
        };
        depends.insert_new(target.into(), value);
    }
}

/// Conditions that are not written.
fn complete_written(service: &mut Node) {
    if service.get("depends_on").is_none() {
        return;
    }
    let Some(depends) = service.get_mut("depends_on").and_then(Node::entries_mut) else { return };
    for entry in depends.values_mut() {
        let value = &mut entry.value;
        let Some(keys) = value.as_mapping() else { continue };
        let (condition, required) = (keys.contains_key("condition"), keys.contains_key("required"));
        if !condition {
            value.put("condition", Node::text("service_started", value.span));
        }
        if !required {
            value.put("required", Node::new(Value::Bool(true), value.span));
        }
    }
}

/// Runs for every service that is a mapping.
pub(super) fn each_service(root: &mut Node, mut run: impl FnMut(&mut Node)) {
    let Some(services) = root.get_mut("services").and_then(Node::entries_mut) else { return };
    for entry in services.values_mut() {
        if entry.value.as_mapping().is_some() {
            run(&mut entry.value);
        }
    }
}
