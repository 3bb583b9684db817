//! Settings of one service that contradict each other.

use std::collections::HashMap;

use super::{Scene, items};
use crate::report::Code;
use crate::yaml::{Entry, Node, Value};

pub(super) fn check(scene: &mut Scene<'_>, name: &str, entry: &Entry) {
    let service = &entry.value;
    let has = |key| service.get(key).is_some();
    let mut conflict = |node: &Node, why: &str| {
        scene.report.error(Code::Conflict, node.span, format!("service `{name}`: {why}"));
    };
    if let (Some(mode), Some(_)) = (service.get("network_mode"), service.get("networks")) {
        conflict(mode, "`network_mode` and `networks` exclude each other");
    }
    let build = service.get("build");
    if let Some(inline) = build.and_then(|build| build.get("dockerfile_inline"))
        && build.and_then(|build| build.get("dockerfile")).is_some()
    {
        conflict(inline, "`dockerfile` and `dockerfile_inline` exclude each other");
    }
    if let (Some(platform), Some(build)) = (service.get("platform"), build) {
        let platforms = items(build, "platforms");
        let listed = |node: &Node| node.as_text() == platform.as_text();
        if !platforms.is_empty() && !platforms.iter().any(listed) {
            conflict(platform, "`build.platforms` must hold the service's `platform`");
        }
    }
    if !has("build") && !has("image") && !has("provider") {
        scene
            .report
            .error(Code::KeyMissing, entry.key, format!("service `{name}` has no image"))
            .hint("give it `image` or `build`");
    }
    health(scene, name, service);
    amounts(scene, name, service);
    watches(scene, name, service);
    mounts(scene, name, service);
}

fn health(scene: &mut Scene<'_>, name: &str, service: &Node) {
    let Some(test) = service.get("healthcheck").and_then(|health| health.get("test")) else {
        return;
    };
    let first = test.as_sequence().and_then(|words| words.first()).and_then(Node::as_text);
    if !matches!(first, None | Some("CMD" | "CMD-SHELL" | "NONE")) {
        let message =
            format!("the health test of `{name}` must start with `CMD`, `CMD-SHELL` or `NONE`");
        scene.report.error(Code::InvalidValue, test.span, message);
    }
}

fn at<'a>(service: &'a Node, path: &[&str]) -> Option<&'a Node> {
    path.iter().try_fold(service, |node, key| node.get(key))
}

fn amounts(scene: &mut Scene<'_>, name: &str, service: &Node) {
    const LIMITS: &[&str] = &["deploy", "resources", "limits"];
    const RESERVATIONS: &[&str] = &["deploy", "resources", "reservations"];
    const TWICE: &[(&str, &[&str], &str)] = &[
        ("cpus", LIMITS, "cpus"),
        ("mem_limit", LIMITS, "memory"),
        ("mem_reservation", RESERVATIONS, "memory"),
        ("pids_limit", LIMITS, "pids"),
    ];
    let mut error = |code, node: &Node, why: &str| {
        scene.report.error(code, node.span, format!("service `{name}`: {why}"));
    };
    for (short, path, long) in TWICE {
        let (Some(given), Some(group)) = (service.get(short), at(service, path)) else { continue };
        if group.get(long).is_none_or(|other| !other.same_as(given)) {
            let why = format!("`{short}` and `{}.{long}` differ", path.join("."));
            error(Code::Conflict, given, &why);
        }
    }
    let replicas = at(service, &["deploy", "replicas"]);
    let scale = service.get("scale");
    if let (Some(scale), Some(replicas)) = (scale, replicas)
        && !scale.same_as(replicas)
    {
        error(Code::Conflict, scale, "`scale` and `deploy.replicas` differ");
    }
    for count in [scale, replicas].into_iter().flatten() {
        if matches!(count.value, Value::Int(count) if count < 0) {
            error(Code::InvalidValue, count, "there cannot be fewer than 0 replicas");
        }
    }
    let many = |node: &&Node| matches!(node.value, Value::Int(count) if count > 1);
    if let (Some(count), Some(_)) = (scale.or(replicas).filter(many), service.get("container_name"))
    {
        error(Code::Conflict, count, "with a `container_name` there can be only one replica");
    }
}

fn watches(scene: &mut Scene<'_>, name: &str, service: &Node) {
    let triggers = service.get("develop").map(|develop| items(develop, "watch"));
    for trigger in triggers.unwrap_or_default() {
        let action = trigger.get("action").and_then(Node::as_text);
        if trigger.get("target").is_none() && !matches!(action, Some("rebuild" | "restart")) {
            let message = format!("a watch of `{name}` needs a `target`");
            scene.report.error(Code::KeyMissing, trigger.span, message);
        }
    }
}

fn mounts(scene: &mut Scene<'_>, name: &str, service: &Node) {
    let mut known = HashMap::new();
    let tmpfs = items(service, "tmpfs").iter().filter_map(|node| {
        let text = node.as_text()?;
        Some((text.split(':').next().unwrap_or_default(), node))
    });
    let volumes = items(service, "volumes").iter();
    let volumes =
        volumes.filter_map(|node| Some((node.get("target").and_then(Node::as_text)?, node)));
    for (target, node) in tmpfs.chain(volumes) {
        if let Some(first) = known.insert(target, node.span) {
            let message = format!("service `{name}` mounts `{target}` twice");
            scene.report.error(Code::Conflict, node.span, message).related(first, "mounted here");
        }
    }
}
