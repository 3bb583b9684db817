//! Files over files that do not do what they seem to do.

use landfall_core::diagnostic::Severity::Warning;

use crate::facts::App;
use crate::finding::Out;
use crate::rule::Rule;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "empty-list-in-overlay",
        severity: Warning,
        title: "an empty list that takes nothing away",
        why: "Lists of several files are added up. `ports: []` in an overlay therefore adds nothing and \
            removes nothing: what the base file publishes is still published.",
        fix: "write `!override []` or `!reset []` instead of `[]`",
        before: "# compose.yaml\nservices:\n  web:\n    image: web:1.4.2\n    ports: [\"80:80\"]\n# \
            compose.override.yaml\nservices:\n  web:\n    ports: []\n",
        after: "# compose.yaml\nservices:\n  web:\n    image: web:1.4.2\n    ports: [\"80:80\"]\n# \
            compose.override.yaml\nservices:\n  web:\n    ports: !override []\n",
        run: empty_list,
    },
    Rule {
        id: "ports-added-up",
        severity: Warning,
        title: "an overlay that publishes a second port instead of another one",
        why: "Ports of several files are added up, and only equal ones are one. `81:80` over `80:80` \
            publishes both: the port that was meant to go is still open.",
        fix: "write `ports: !override` in the overlay",
        before: "# compose.yaml\nservices:\n  web:\n    image: web:1.4.2\n    ports: [\"80:80\"]\n# \
            compose.override.yaml\nservices:\n  web:\n    ports: [\"81:80\"]\n",
        after: "# compose.yaml\nservices:\n  web:\n    image: web:1.4.2\n    ports: [\"80:80\"]\n# \
            compose.override.yaml\nservices:\n  web:\n    ports: !override [\"81:80\"]\n",
        run: ports_added_up,
    },
];

/// Keys whose lists are added up.
const ADDED_UP: &[&str] = &["cap_add", "devices", "dns", "env_file", "expose", "ports", "volumes"];

fn empty_list(app: &App<'_>, out: &mut Out) {
    for (index, name, written) in app.written().filter(|(index, _, _)| *index > 0) {
        let Some(service) = app.service(name) else { continue };
        for key in ADDED_UP {
            let empty =
                written.get(key).filter(|list| list.is_list() && list.items().next().is_none());
            let Some(list) = empty else { continue };
            // After `!reset` or `!override` nothing is left of what was before.
            let left = service.view.get(key).is_some_and(|merged| merged.items().next().is_some());
            let before = app.written().find(|(other, of, view)| {
                *other < index
                    && *of == name
                    && view.get(key).is_some_and(|l| l.items().next().is_some())
            });
            if let (true, Some((_, _, base))) = (left, before) {
                let message =
                    format!("`{key}: []` takes nothing away: lists of files are added up");
                let finding = out.service(service, list.key_at(), message);
                finding.hint(format!("write `{key}: !override []`"));
                if let Some(list) = base.get(key) {
                    finding.related(list.key_at(), "this is still in force");
                }
            }
        }
    }
}

fn ports_added_up(app: &App<'_>, out: &mut Out) {
    for service in app.services() {
        for (index, port) in service.ports.iter().enumerate() {
            let before = service.ports[..index].iter().find(|other| {
                let same = other.target == port.target && other.protocol == port.protocol;
                same && other.at.file != port.at.file
                    && (other.published, &other.host_ip) != (port.published, &port.host_ip)
            });
            if let Some(other) = before {
                let (one, two, target) = (other.shown(), port.shown(), port.target.0);
                let message =
                    format!("`{}` publishes {target} as {one} and as {two}", service.name);
                out.service(service, port.at.clone(), message)
                    .related(other.at.clone(), "this one stays");
            }
        }
    }
}
