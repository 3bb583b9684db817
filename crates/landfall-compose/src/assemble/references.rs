//! Which services wait for which: names that exist, profiles that are enabled, no circles.

use std::collections::BTreeMap;

use landfall_core::id::ServiceName;
use landfall_core::spec::{Condition, Dependency};

use super::{Active, Scene};
use crate::report::Code;
use crate::source::{Span, Spanned};

/// What one service waits for, each with the place that says so.
pub(super) type Waits = BTreeMap<ServiceName, (Span, Dependency)>;
/// The same of all services.
pub(super) type Dependencies = BTreeMap<ServiceName, Waits>;

/// Resolves `depends_on`, `links`, and what services share.
pub(super) fn dependencies(scene: &mut Scene<'_>, inactive: &Active) -> Dependencies {
    let mut all = Dependencies::new();
    for (name, (_, service)) in scene.active {
        let mut waits = Waits::new();
        let started = Dependency { condition: Condition::ServiceStarted, required: true };
        let links = service.links.iter();
        let links = links.map(|link| Spanned::new(link.value.service.clone(), link.span));
        let peers = service.peers.iter().map(|peer| peer.service.clone());
        let linked = links.chain(peers).map(|named| (named, started));
        // `depends_on` says more, so it comes last.
        for (wanted, dependency) in linked.chain(service.depends_on.iter().cloned()) {
            if let Some(other) = resolve(scene, name, &wanted, dependency, inactive) {
                waits.insert(other, (wanted.span, dependency));
            }
        }
        all.insert(name.clone(), waits);
    }
    all
}

fn resolve(
    scene: &mut Scene<'_>,
    name: &ServiceName,
    wanted: &Spanned<String>,
    dependency: Dependency,
    inactive: &Active,
) -> Option<ServiceName> {
    let text = &wanted.value;
    let parsed = text.parse::<ServiceName>().ok();
    if let Some(other) = parsed.clone().filter(|other| scene.active.contains_key(other)) {
        return Some(other);
    }
    if parsed.as_ref().is_some_and(|other| scene.idle.contains_key(other)) {
        // Compose does not wait for what does not run.
        return None;
    }
    let asleep = parsed.and_then(|other| inactive.get(&other));
    match asleep {
        _ if !dependency.required => {}
        Some((at, other)) => {
            let profiles = other.profiles.join("`, `");
            scene
                .report
                .error(
                    Code::InactiveProfile,
                    wanted.span,
                    format!("`{name}` needs `{text}`, which is not enabled"),
                )
                .related(*at, format!("it belongs to the profile `{profiles}`"))
                .hint("enable the profile with `--profile`, or write `required: false`");
        }
        None => {
            let known = scene.active.keys().chain(inactive.keys()).map(ServiceName::as_str);
            scene
                .report
                .error(Code::Undefined, wanted.span, format!("there is no service `{text}`"))
                .suggest(text, known);
        }
    }
    None
}

/// Says each circle once, at the service that closes it.
pub(super) fn refuse_cycles(scene: &mut Scene<'_>, depends: &Dependencies) {
    let mut done = std::collections::BTreeSet::new();
    for start in depends.keys() {
        let mut path = Vec::new();
        visit(start, depends, &mut path, &mut done, scene);
    }
}

fn visit<'d>(
    name: &'d ServiceName,
    depends: &'d Dependencies,
    path: &mut Vec<&'d ServiceName>,
    done: &mut std::collections::BTreeSet<&'d ServiceName>,
    scene: &mut Scene<'_>,
) {
    if done.contains(name) {
        return;
    }
    path.push(name);
    for (other, (at, _)) in depends.get(name).into_iter().flatten() {
        if let Some(first) = path.iter().position(|seen| *seen == other) {
            let circle: Vec<&str> =
                path[first..].iter().copied().chain([other]).map(ServiceName::as_str).collect();
            let message = format!("services wait for each other: {}", circle.join(" → "));
            scene.report.error(Code::Cycle, *at, message);
        } else {
            visit(other, depends, path, done, scene);
        }
    }
    path.pop();
    done.insert(name);
}
