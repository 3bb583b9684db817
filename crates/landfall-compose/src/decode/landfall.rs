//! `x-landfall`: what landfall alone needs, at the top of the file, in services and in volumes.
//!
//! What is not written keeps core's default, so a plain file needs none of it. The same keys stand in
//! [`crate::extension`], with words for people.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use landfall_core::spec::{AppSettings, HealthSettings, RouteSettings, VolumeScope};

use super::keys::Rule::{self, NoEffect, Take};
use super::networks::VolumeDraft;
use super::service::ServiceDraft;
use super::{Decoder, Keys};
use crate::report::Code;
use crate::source::{Span, Spanned};
use crate::yaml::{Entry, Node};

/// Settings of the app.
pub(crate) type AppExtension = AppSettings;

/// Settings of a service.
#[derive(Debug, Default)]
pub(crate) struct ServiceExtension {
    /// `singleton: true`.
    pub(crate) singleton: Option<Span>,
    pub(crate) update: Option<Spanned<Update>>,
    /// `job: before-cutover`.
    pub(crate) job: Option<Span>,
    pub(crate) health: HealthSettings,
    pub(crate) routes: Vec<Spanned<RouteSettings>>,
}

/// `update`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Update {
    /// New beside old.
    Rolling,
    /// Old away, then new: it keeps data.
    InPlace,
}

pub(super) const APP: Keys<AppExtension> =
    Keys { owner: "`x-landfall` of the app", rules: APP_RULES };
const APP_RULES: &[(&str, Rule<AppExtension>)] = &[
    // For `landfall check` only.
    ("allow", NoEffect),
    ("deadline", Take(|d, e, app| set(d.duration_ms(&e.value), &mut app.progress_deadline_ms))),
    ("drain", Take(|d, e, app| set(d.duration_ms(&e.value), &mut app.drain_ms))),
    ("hold", Take(|d, e, app| set(d.boolean(&e.value), &mut app.hold))),
    ("hold_max", Take(|d, e, app| set(d.duration_ms(&e.value), &mut app.hold_max_ms))),
    ("keep", Take(|d, e, app| set(d.count(&e.value, 1, 1000), &mut app.keep))),
];

pub(super) fn service(d: &mut Decoder<'_>, entry: &Entry, service: &mut ServiceDraft) {
    d.keys(&entry.value, &SERVICE, &mut service.landfall);
}

const SERVICE: Keys<ServiceExtension> =
    Keys { owner: "`x-landfall` of a service", rules: SERVICE_RULES };
const SERVICE_RULES: &[(&str, Rule<ServiceExtension>)] = &[
    ("allow", NoEffect),
    ("health", Take(|d, e, s| d.keys(&e.value, &HEALTH, &mut s.health))),
    ("job", Take(job)),
    ("routes", Take(routes)),
    (
        "singleton",
        Take(|d, e, s| s.singleton = (d.boolean(&e.value) == Some(true)).then_some(e.key)),
    ),
    ("update", Take(update)),
];

const HEALTH: Keys<HealthSettings> = Keys {
    owner: "`health`",
    rules: &[
        ("path", Take(|d, e, h| h.path = url_path(d, &e.value))),
        ("port", Take(|d, e, h| h.port = d.port_number(&e.value))),
        ("stay_up", Take(|d, e, h| set(d.duration_ms(&e.value), &mut h.stay_up_ms))),
        ("successes", Take(|d, e, h| set(d.count(&e.value, 1, 1000), &mut h.successes))),
        ("timeout", Take(|d, e, h| set(d.duration_ms(&e.value), &mut h.timeout_ms))),
    ],
};

fn job(d: &mut Decoder<'_>, entry: &Entry, service: &mut ServiceExtension) {
    match d.text(&entry.value).as_deref() {
        Some("before-cutover") => service.job = Some(entry.key),
        Some(_) => {
            d.invalid(&entry.value, "must be `before-cutover`");
        }
        None => {}
    }
}

fn update(d: &mut Decoder<'_>, entry: &Entry, service: &mut ServiceExtension) {
    let update = match d.text(&entry.value).as_deref() {
        Some("rolling") => Update::Rolling,
        Some("in-place") => Update::InPlace,
        Some(_) => {
            d.invalid(&entry.value, "must be `rolling` or `in-place`");
            return;
        }
        None => return,
    };
    service.update = Some(Spanned::new(update, entry.key));
}

#[derive(Default)]
struct RouteDraft {
    listen: Option<SocketAddr>,
    host: Option<String>,
    path: Option<String>,
    port: Option<u16>,
}

const ROUTE: Keys<RouteDraft> = Keys {
    owner: "a route",
    rules: &[
        ("host", Take(|d, e, r| r.host = host(d, &e.value))),
        ("listen", Take(|d, e, r| r.listen = listen(d, &e.value))),
        ("path", Take(|d, e, r| r.path = url_path(d, &e.value))),
        ("port", Take(|d, e, r| r.port = d.port_number(&e.value))),
    ],
};

fn routes(d: &mut Decoder<'_>, entry: &Entry, service: &mut ServiceExtension) {
    d.each(&entry.value, |d, item| {
        let errors = d.report.errors_met();
        let mut draft = RouteDraft::default();
        d.keys(item, &ROUTE, &mut draft);
        let (Some(listen), Some(port)) = (draft.listen, draft.port) else {
            if d.report.errors_met() == errors {
                let missing = if draft.listen.is_none() { "listen" } else { "port" };
                let message = format!("a route needs `{missing}`");
                d.report.error(Code::KeyMissing, item.span, message);
            }
            return;
        };
        let path = draft.path.unwrap_or_else(|| "/".to_owned());
        let route = RouteSettings { listen, host: draft.host, path, port };
        service.routes.push(Spanned::new(route, item.span));
    });
}

/// `80`, `:80`, `127.0.0.1:80` or `[::1]:80`.
fn listen(d: &mut Decoder<'_>, node: &Node) -> Option<SocketAddr> {
    let text = d.printed(node)?;
    let any = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    let port = text.strip_prefix(':').unwrap_or(&text).parse::<u16>().ok();
    let listen = port.map(|port| SocketAddr::new(any, port)).or_else(|| text.parse().ok());
    let listen = listen.filter(|listen| listen.port() != 0);
    if listen.is_none() {
        d.invalid(node, "is no address to listen on").hint("write `80` or `127.0.0.1:80`");
    }
    listen
}

fn host(d: &mut Decoder<'_>, node: &Node) -> Option<String> {
    let host = d.text(node)?.to_ascii_lowercase();
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '*');
    if host.is_empty() || !host.chars().all(good) {
        d.invalid(node, "is no host name").hint("write it without `http://` and without a port");
        return None;
    }
    Some(host)
}

fn url_path(d: &mut Decoder<'_>, node: &Node) -> Option<String> {
    let path = d.text(node)?;
    if !path.starts_with('/') || path.contains(|c: char| c.is_whitespace() || c.is_control()) {
        d.invalid(node, "must start with `/` and hold no spaces");
        return None;
    }
    Some(path)
}

pub(super) fn volume(d: &mut Decoder<'_>, entry: &Entry, volume: &mut VolumeDraft) {
    d.keys(&entry.value, &VOLUME, volume);
}

const VOLUME: Keys<VolumeDraft> =
    Keys { owner: "`x-landfall` of a volume", rules: &[("scope", Take(scope))] };

fn scope(d: &mut Decoder<'_>, entry: &Entry, volume: &mut VolumeDraft) {
    let scope = match d.text(&entry.value).as_deref() {
        Some("app") => VolumeScope::App,
        Some("release") => VolumeScope::Release,
        Some(_) => {
            d.invalid(&entry.value, "must be `app` or `release`");
            return;
        }
        None => return,
    };
    volume.scope = Some(Spanned::new(scope, entry.key));
}

fn set<T>(value: Option<T>, into: &mut T) {
    if let Some(value) = value {
        *into = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extension::{self, Kind, Setting};
    use crate::short::quantity;

    fn names<T>(keys: &Keys<T>) -> Vec<&'static str> {
        keys.rules.iter().map(|(name, _)| *name).collect()
    }

    fn inside(settings: &'static [Setting], name: &str) -> &'static [Setting] {
        match settings.iter().find(|setting| setting.name == name).map(|setting| &setting.kind) {
            Some(Kind::Group(group) | Kind::Groups(group)) => group.settings,
            other => panic!("{name} has no keys: {other:?}"),
        }
    }

    #[test]
    fn what_is_read_is_what_is_documented() {
        let service = extension::SERVICE.settings;
        for (read, documented) in [
            (names(&APP), extension::APP.settings),
            (names(&SERVICE), service),
            (names(&VOLUME), extension::VOLUME.settings),
            (names(&HEALTH), inside(service, "health")),
            (names(&ROUTE), inside(service, "routes")),
        ] {
            let documented: Vec<&str> = documented.iter().map(|setting| setting.name).collect();
            assert_eq!(read, documented);
        }
    }

    #[test]
    fn the_documented_defaults_are_those_of_the_core() {
        let default = |settings: &'static [Setting], name: &str| {
            settings
                .iter()
                .find(|setting| setting.name == name)
                .map(|setting| setting.default)
                .unwrap()
        };
        let ms = |settings, name| quantity::duration_ms(default(settings, name)).unwrap();
        let (app, health) = (AppSettings::default(), HealthSettings::default());
        let settings = extension::APP.settings;
        assert_eq!(ms(settings, "deadline"), app.progress_deadline_ms);
        assert_eq!(ms(settings, "drain"), app.drain_ms);
        assert_eq!(default(settings, "hold"), app.hold.to_string());
        assert_eq!(ms(settings, "hold_max"), app.hold_max_ms);
        assert_eq!(default(settings, "keep"), app.keep.to_string());
        let settings = inside(extension::SERVICE.settings, "health");
        assert_eq!(ms(settings, "stay_up"), health.stay_up_ms);
        assert_eq!(ms(settings, "timeout"), health.timeout_ms);
        assert_eq!(default(settings, "successes"), health.successes.to_string());
    }
}
