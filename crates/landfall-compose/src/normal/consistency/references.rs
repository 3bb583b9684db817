//! Names that a service uses: networks, volumes, secrets, configs, models, other services.

use super::{Scene, entries, items};
use crate::report::Code;
use crate::source::Span;
use crate::yaml::{Mapping, Node, Value};

pub(super) fn check(scene: &mut Scene<'_>, name: &str, service: &Node) {
    for (network, entry) in entries(service, "networks") {
        defined(scene, "networks", "network", network, entry.key);
    }
    for volume in items(service, "volumes") {
        let text = |key| volume.get(key).and_then(Node::as_text);
        if let (Some("volume"), Some(source)) = (text("type"), text("source")) {
            defined(scene, "volumes", "volume", source, volume.span);
        }
    }
    let build_secrets = service.get("build").map(|build| items(build, "secrets"));
    let secrets = items(service, "secrets").iter().chain(build_secrets.unwrap_or_default());
    for (section, kind, grants) in [
        ("secrets", "secret", secrets.collect::<Vec<_>>()),
        ("configs", "config", items(service, "configs").iter().collect()),
    ] {
        for grant in grants {
            let source = grant.get("source").and_then(Node::as_text).unwrap_or_default();
            defined(scene, section, kind, source, grant.span);
        }
    }
    for (model, entry) in entries(service, "models") {
        defined(scene, "models", "model", model, entry.key);
    }
    services(scene, name, service);
}

fn services(scene: &mut Scene<'_>, name: &str, service: &Node) {
    for (target, entry) in entries(service, "depends_on") {
        let required = !matches!(
            entry.value.get("required").map(|node| &node.value),
            Some(Value::Bool(false))
        );
        // What is not required may be disabled, but must be there.
        if required || !scene.services.contains_key(target) {
            needed(scene, name, target, entry.key, "depends on");
        }
    }
    if let Some(mode) = service.get("network_mode")
        && let Some(target) = mode.as_text().and_then(|text| text.strip_prefix("service:"))
    {
        needed(scene, name, target, mode.span, "shares the network of");
    }
    let contexts = service.get("build").map(|build| entries(build, "additional_contexts"));
    for (_, entry) in contexts.into_iter().flatten() {
        let target = entry.value.as_text().and_then(|text| text.strip_prefix("service:"));
        let Some(target) = target else { continue };
        needed(scene, name, target, entry.value.span, "is built from");
        let found = scene.services.get(target);
        if found.is_some_and(|other| other.value.get("build").is_none()) {
            let message = format!("service `{name}` is built from `{target}`, which is not built");
            scene.report.error(Code::Conflict, entry.value.span, message);
        }
    }
}

fn needed(scene: &mut Scene<'_>, name: &str, target: &str, at: Span, how: &str) {
    if scene.is_enabled(target) {
        return;
    }
    if scene.services.contains_key(target) {
        let message = format!("service `{name}` {how} `{target}`, whose profile is not enabled");
        scene
            .report
            .error(Code::InactiveProfile, at, message)
            .hint("enable its profile with `--profile`, or write `required: false`");
        return;
    }
    let message = format!("service `{name}` {how} `{target}`, which is not defined");
    let known = scene.services.keys().map(|name| &**name);
    scene.report.error(Code::Undefined, at, message).suggest(target, known);
}

fn defined(scene: &mut Scene<'_>, section: &str, kind: &str, name: &str, at: Span) {
    let known = scene.section(section);
    if known.is_some_and(|known| known.contains_key(name)) {
        return;
    }
    let names = known.into_iter().flat_map(Mapping::keys).map(|name| &**name);
    scene
        .report
        .error(Code::Undefined, at, format!("there is no {kind} `{name}` under `{section}`"))
        .suggest(name, names);
}
