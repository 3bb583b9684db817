//! `compose.landfall.yaml`: what landfall should know beyond a compose file, with its reasons.
//!
//! Only what was recognised is written as a setting; what a person has to decide stands beside it as
//! a comment. The compose file itself is never touched.

use std::path::Path;

use landfall_core::spec::AppSettings;

use super::health::Seen;
use super::survey::{Published, Role, Service, Survey, Volume};
use super::{OVERLAY_NAME, habits, scalar};
use crate::output::wrap::wrap;

/// Columns of comments.
const COLUMNS: usize = 84;

/// What is written, besides the survey.
pub(crate) struct Scene<'a> {
    pub(crate) survey: &'a Survey,
    /// The compose files as named in commands, in order.
    pub(crate) files: &'a [String],
    /// The health path that was seen in the sources of a service.
    pub(crate) seen: &'a dyn Fn(&Service) -> Option<Seen>,
}

/// The whole text.
pub(crate) fn text(scene: &Scene<'_>) -> String {
    let mut out = head(scene.files);
    out.extend(app(scene.survey));
    let blocks: Vec<(&Service, Block)> =
        scene.survey.services.iter().map(|service| (service, block(service, scene))).collect();
    let (said, unsaid): (Vec<_>, Vec<_>) = blocks.iter().partition(|(_, block)| !block.is_empty());
    if !unsaid.is_empty() {
        out.extend([String::new(), "# Nothing has to be said about these:".to_owned()]);
        out.extend(unsaid.iter().map(|(service, _)| format!("#   {}", remark(service))));
    }
    if !said.is_empty() {
        let is_set = said.iter().any(|(_, block)| !block.set.is_empty());
        out.extend([String::new(), if is_set { "services:" } else { "# services:" }.to_owned()]);
        out.extend(said.iter().flat_map(|(service, block)| block.lines(&service.name)));
    }
    out.extend(volumes(&scene.survey.volumes));
    out.join("\n") + "\n"
}

fn head(files: &[String]) -> Vec<String> {
    let names = files.join(", ");
    let flags: Vec<String> = all_files(files).iter().map(|file| format!("-f {file}")).collect();
    vec![
        format!("# What landfall should know beyond {names}, which stays as it is."),
        "# Written by `landfall init`; from here on it is yours to change.".to_owned(),
        "#".to_owned(),
        format!("# Name both:      landfall {} check", flags.join(" ")),
        format!("# or once, .env:  COMPOSE_FILE={}", all_files(files).join(":")),
        "#".to_owned(),
        "# `docker compose` may read this file too; it passes over `x-landfall`.".to_owned(),
        String::new(),
    ]
}

/// The files with this one behind them.
pub(crate) fn all_files(files: &[String]) -> Vec<String> {
    let beside = files.first().and_then(|file| Path::new(file).parent()).unwrap_or(Path::new(""));
    let own = beside.join(OVERLAY_NAME).display().to_string();
    files.iter().filter(|file| **file != own).cloned().chain([own.clone()]).collect()
}

fn app(survey: &Survey) -> Vec<String> {
    if survey.says_app {
        return vec!["# `x-landfall` of the app: your compose file has it already.".to_owned()];
    }
    let settings = AppSettings::default();
    let seconds = |ms: u64| format!("{}s", ms / 1000);
    let defaults = [
        ("drain", seconds(settings.drain_ms), "how long old requests may take after the cutover"),
        ("keep", settings.keep.to_string(), "releases to go back to"),
        ("deadline", seconds(settings.progress_deadline_ms), "longest wait for a sign of progress"),
    ];
    let line = |(key, value, what): (&str, String, &str)| {
        format!("{:<18} # {what}", format!("  {key}: {value}"))
    };
    let defaults = defaults.into_iter().map(line);
    std::iter::once("x-landfall: # the defaults".to_owned()).chain(defaults).collect()
}

/// What is said about a service: notes above it, then settings.
#[derive(Default)]
struct Block {
    notes: Vec<String>,
    set: Vec<String>,
    /// Written as comments, for a person to take or leave.
    offered: Vec<String>,
}

impl Block {
    fn note(&mut self, line: impl Into<String>) {
        self.notes.push(line.into());
    }

    fn is_empty(&self) -> bool {
        self.notes.is_empty() && self.set.is_empty() && self.offered.is_empty()
    }

    fn lines(&self, service: &str) -> Vec<String> {
        let mut out = vec![String::new()];
        let name = scalar(service);
        if self.set.is_empty() && self.offered.is_empty() {
            out.push(format!("  # {name}:"));
            out.extend(self.comments().map(|note| format!("  #   {note}")));
            return out;
        }
        out.extend(self.comments().map(|note| format!("  # {note}")));
        // Without a setting the whole service stays a comment: its value would be null.
        let lead = if self.set.is_empty() { "  # " } else { "  " };
        out.push(format!("{lead}{name}:"));
        out.push(format!("{lead}  x-landfall:"));
        out.extend(self.set.iter().map(|line| format!("{lead}    {line}")));
        let offer = if self.set.is_empty() { "  #     " } else { "      # " };
        out.extend(self.offered.iter().map(|line| format!("{offer}{line}")));
        out
    }

    /// The notes in lines; as a list when there are several.
    fn comments(&self) -> impl Iterator<Item = String> {
        let (first, others) = if self.notes.len() > 1 { ("- ", "  ") } else { ("", "") };
        self.notes.iter().flat_map(move |note| {
            let lines = wrap(note, COLUMNS).into_iter().enumerate();
            lines.map(move |(index, line)| {
                format!("{}{line}", if index == 0 { first } else { others })
            })
        })
    }
}

/// A service with something to set, or to think about.
fn block(service: &Service, scene: &Scene<'_>) -> Block {
    let mut block = Block::default();
    if service.says {
        return block;
    }
    match &service.role {
        Role::Job(why) => {
            block.note(format!("It {why}, so it runs once a release, before users see it."));
            block.set.push("job: before-cutover".to_owned());
        }
        Role::Singleton(why) => {
            block.note(format!(
                "It {why}. Two at once would do everything twice, so the old one stops before the \
                 new one starts."
            ));
            block.set.push("singleton: true".to_owned());
        }
        Role::Replicated => {
            public(service, scene, &mut block);
            health(service, scene, &mut block);
            twice(service, &mut block);
        }
        Role::InPlace => {
            block.note(
                "Two of it cannot live side by side (a UDP port, a fixed address, the host's \
                 network), so a deploy replaces it in place, with a short gap.",
            );
            block.set.push("update: in-place".to_owned());
        }
        Role::KnownJob | Role::Data(_) => {}
    }
    if let Some(job) = service.hidden_job {
        block.note(format!(
            "`{job}` stands in its start command, so every replica runs it. In a service of its \
             own, with `job: before-cutover`, it runs once a release."
        ));
    }
    block
}

/// How users reach it.
fn public(service: &Service, scene: &Scene<'_>, block: &mut Block) {
    for port in tcp(service) {
        let target = port.target;
        block.note(if port.host.is_none() {
            format!(
                "Port {target} is published without a host port, so the edge cannot serve it: write \
                 `8080:{target}` for example."
            )
        } else {
            format!(
                "The edge listens on {} and passes requests on to port {target} of the release \
                 that serves.",
                port.place()
            )
        });
    }
    if service.published.iter().any(|port| port.is_udp) {
        block.note(
            "Two releases cannot share its UDP port, so it is replaced in place, with a short gap.",
        );
        block.set.push("update: in-place".to_owned());
    }
    if is_the_public_one(service, scene) {
        let port = service.exposed.first().copied().unwrap_or(8000);
        block.note(
            "It looks like what users talk to, but publishes no port; `routes` gives it to them \
             through the edge.",
        );
        block.offered.push(format!("routes: [{{listen: 80, port: {port}}}]"));
    }
}

fn tcp(service: &Service) -> impl Iterator<Item = &Published> {
    service.published.iter().filter(|port| !port.is_udp)
}

/// Where nothing is published: the likeliest service to face users.
fn is_the_public_one(service: &Service, scene: &Scene<'_>) -> bool {
    let services = &scene.survey.services;
    let candidates = || services.iter().filter(|s| s.role == Role::Replicated);
    if candidates().any(|s| !s.published.is_empty() || s.says) {
        return false;
    }
    let rank = |s: &Service| (habits::publicness(&s.name), !s.exposed.is_empty());
    let best = candidates().max_by_key(|s| rank(s));
    best.is_some_and(|best| best.name == service.name && rank(best).0 > 0)
}

/// How a new replica shows that it is ready.
fn health(service: &Service, scene: &Scene<'_>, block: &mut Block) {
    let is_public = tcp(service).next().is_some() || is_the_public_one(service, scene);
    if service.has_healthcheck || !is_public {
        return;
    }
    if let Some(seen) = (scene.seen)(service) {
        block.note(format!(
            "It has no healthcheck. {} mentions `{}`; it must answer 200 when the app can serve.",
            seen.file.display(),
            seen.path
        ));
        block.set.push(format!("health: {{path: {}}}", scalar(&seen.path)));
    } else {
        block.note(
            "It has no healthcheck, so it counts as ready once it accepts connections. A path that \
             answers 200 when the app can serve tells more.",
        );
        block.offered.push("health: {path: /healthz}".to_owned());
    }
}

/// What it writes while two releases are alive.
fn twice(service: &Service, block: &mut Block) {
    if !service.data.is_empty() {
        block.note(format!(
            "During a deploy the old and the new one both write to {}. If only one may (SQLite, a \
             lock file), make it a singleton.",
            list(&service.data)
        ));
        block.offered.push("singleton: true".to_owned());
    }
}

/// A service about which nothing has to be said.
fn remark(service: &Service) -> String {
    let name = &service.name;
    if service.says {
        return format!("{name}: your compose file has its `x-landfall` already");
    }
    match &service.role {
        Role::KnownJob => {
            format!("{name}: others wait for it to complete, so it runs once a release")
        }
        Role::Data(image) => {
            let kept = match &service.data[..] {
                [] => ", though no volume keeps its data".to_owned(),
                data => format!("; its data stays in {}", list(data)),
            };
            format!("{name}: a known database ({image}), left alone while unchanged{kept}")
        }
        Role::Job(_) | Role::Singleton(_) | Role::InPlace | Role::Replicated => {
            format!("{name}: the new one starts beside the old one")
        }
    }
}

fn volumes(volumes: &[Volume]) -> Vec<String> {
    let mut out = Vec::new();
    let mut kept = Vec::new();
    for volume in volumes.iter().filter(|volume| !volume.says && !volume.is_external) {
        if volume.is_made_by_a_release {
            out.push(format!("  {}:", scalar(&volume.key)));
            out.push(format!("    # {} fills it for each release anew.", list(&volume.writers)));
            out.push("    x-landfall: {scope: release}".to_owned());
        } else if habits::is_made_by_a_release(&volume.key) {
            kept.push(format!(
                "#   {}: if each release fills it anew, `x-landfall: {{scope: release}}`",
                volume.key
            ));
        } else {
            let users = if volume.writers.is_empty() { &volume.readers } else { &volume.writers };
            let by = if users.is_empty() { "nobody".to_owned() } else { list(users) };
            kept.push(format!("#   {}: written by {by}", volume.key));
        }
    }
    let mut lines = Vec::new();
    if !out.is_empty() {
        lines.extend([String::new(), "volumes:".to_owned()]);
        lines.extend(out);
    }
    if !kept.is_empty() {
        lines.push(String::new());
        lines.push("# Data, shared by all releases and never removed by one:".to_owned());
        lines.extend(kept);
    }
    lines
}

/// `a`, `b` and `c`
fn list(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match &names[..] {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
