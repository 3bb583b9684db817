//! Relative paths to absolute ones, on a merged tree. `~` is the user's home.
//!
//! Used for whole apps and for what is taken from files in other folders, before it is merged. Looks
//! at no file, except to follow links in the paths that `develop.watch` watches, as Compose does.

use std::path::Path;
use std::rc::Rc;

use super::defaults::each_service;
use super::volume;
use crate::locate::clean;
use crate::report::{Code, Report};
use crate::short::volume::is_path;
use crate::yaml::{Node, Value};

/// Where relative paths start.
pub(crate) struct Base<'a> {
    pub(crate) folder: &'a Path,
    /// What `~` stands for, when that is known.
    pub(crate) home: Option<&'a str>,
}

/// Resolves every path of a document.
pub(crate) fn resolve(root: &mut Node, base: &Base<'_>, report: &mut Report) {
    each_service(root, |service| base.service(service, report));
    resources(root, base);
}

/// Resolves the paths of what stands beside the services.
pub(super) fn resources(root: &mut Node, base: &Base<'_>) {
    for section in ["configs", "secrets"] {
        for resource in values_mut(root.get_mut(section)) {
            change(resource.get_mut("file"), |path| base.mount(path));
        }
    }
    for definition in values_mut(root.get_mut("volumes")) {
        let text = |node: &Node, key| node.get(key).and_then(Node::as_text).map(str::to_owned);
        if text(definition, "driver").as_deref() != Some("local") {
            continue;
        }
        let Some(options) = definition.get_mut("driver_opts") else { continue };
        if text(options, "o").as_deref() == Some("bind") {
            change(options.get_mut("device"), |path| base.mount(path));
        }
    }
}

impl Base<'_> {
    /// Resolves the paths of a service.
    pub(super) fn service(&self, service: &mut Node, report: &mut Report) {
        if let Some(build) = service.get_mut("build") {
            change(build.get_mut("context"), |path| self.context(path));
            for context in values_mut(build.get_mut("additional_contexts")) {
                change(Some(context), |path| self.context(path));
            }
            self.keys(build.get_mut("ssh"));
        }
        for file in items_mut(service.get_mut("env_file")) {
            change(file.get_mut("path"), |path| self.plain(path));
        }
        for file in items_mut(service.get_mut("label_file")) {
            change(Some(file), |path| self.plain(path));
        }
        if let Some(extends) = service.get_mut("extends") {
            change(extends.get_mut("file"), |path| self.plain(path));
        }
        if let Some(develop) = service.get_mut("develop") {
            for trigger in items_mut(develop.get_mut("watch")) {
                change(trigger.get_mut("path"), |path| through_links(&self.plain(path)));
            }
        }
        for item in items_mut(service.get_mut("volumes")) {
            self.volume(item, report);
        }
    }

    fn volume(&self, item: &mut Node, report: &mut Report) {
        if let Some(text) = item.as_text() {
            if !is_path(text) || !text.contains(':') {
                return;
            }
            // What is wrong with it is said where the types are.
            let Ok(long) = volume::parse(text, item) else { return };
            *item = long;
        }
        if item.get("type").and_then(Node::as_text) != Some("bind") {
            return;
        }
        if item.get("source").is_none() {
            let message = "a bind mount must have a `source`";
            report.error(Code::KeyMissing, item.span, message);
        }
        change(item.get_mut("source"), |path| self.mount(path));
    }

    fn keys(&self, ssh: Option<&mut Node>) {
        let Some(ssh) = ssh else { return };
        for item in items_mut(Some(ssh)) {
            change(Some(item), |text| match text.split_once('=') {
                Some((id, path)) => format!("{id}={}", self.mount(path)),
                None => text.to_owned(),
            });
        }
        for path in values_mut(Some(ssh)) {
            change(Some(path), |path| self.mount(path));
        }
    }

    /// A file or a folder.
    fn plain(&self, path: &str) -> String {
        if path.is_empty() { String::new() } else { self.join(&self.at_home(path)) }
    }

    /// What is mounted: it may be a path of another system.
    fn mount(&self, path: &str) -> String {
        let path = self.at_home(path);
        if is_windows(&path) { path } else { self.join(&path) }
    }

    /// What an image is built from: it may be far away.
    fn context(&self, path: &str) -> String {
        const REMOTE: [&str; 6] =
            ["https://", "http://", "git://", "ssh://", "github.com/", "git@"];
        let remote = path.contains("://")
            || path.starts_with("service:")
            || REMOTE.iter().any(|prefix| path.starts_with(prefix));
        if remote { path.to_owned() } else { self.plain(path) }
    }

    fn at_home(&self, path: &str) -> String {
        match (path.strip_prefix('~'), self.home) {
            (Some(rest), Some(home)) => {
                let rest = rest.trim_start_matches('/');
                clean(&Path::new(home).join(rest)).to_string_lossy().into_owned()
            }
            _ => path.to_owned(),
        }
    }

    fn join(&self, path: &str) -> String {
        if path.starts_with('/') {
            return path.to_owned();
        }
        clean(&self.folder.join(path)).to_string_lossy().into_owned()
    }
}

/// `C:\…`, `C:/…` or `\\…`.
fn is_windows(path: &str) -> bool {
    let bytes = path.as_bytes();
    let drive = bytes.first().is_some_and(u8::is_ascii_alphabetic)
        && bytes.get(1) == Some(&b':')
        && matches!(bytes.get(2), Some(b'\\' | b'/'));
    drive || path.starts_with("\\\\")
}

/// The path with its first link followed.
fn through_links(path: &str) -> String {
    let mut at = std::path::PathBuf::new();
    for part in Path::new(path).components() {
        at.push(part);
        if at.is_symlink() {
            let Ok(target) = std::fs::canonicalize(&at) else { break };
            return path.replacen(&*at.to_string_lossy(), &target.to_string_lossy(), 1);
        }
    }
    path.to_owned()
}

fn change(node: Option<&mut Node>, change: impl FnOnce(&str) -> String) {
    if let Some(node) = node
        && let Some(text) = node.as_text()
    {
        let changed = change(text);
        if changed != text {
            *node = node.with(Value::Text(Rc::from(changed)));
        }
    }
}

fn items_mut(node: Option<&mut Node>) -> impl Iterator<Item = &mut Node> {
    node.and_then(Node::items_mut).into_iter().flatten()
}

fn values_mut(node: Option<&mut Node>) -> impl Iterator<Item = &mut Node> {
    let entries = node.and_then(Node::entries_mut).into_iter();
    entries.flat_map(|entries| entries.values_mut().map(|entry| &mut entry.value))
}
