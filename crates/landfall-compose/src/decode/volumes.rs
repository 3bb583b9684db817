//! `volumes` and `tmpfs` of a service.

use landfall_core::spec::{Recursive, Relabel};

use super::keys::Rule::{self, NoEffect, Take};
use super::service::ServiceDraft;
use super::{Decoder, Keys};
use crate::report::Code;
use crate::short::quantity;
use crate::short::volume::{self, Kind, Volume};
use crate::source::Spanned;
use crate::yaml::{Entry, Node};

pub(super) fn volumes(d: &mut Decoder<'_>, entry: &Entry, service: &mut ServiceDraft) {
    d.each(&entry.value, |d, item| {
        let volume = if item.as_mapping().is_some() { long(d, item) } else { short(d, item) };
        let volume = volume.filter(|volume| has_absolute_target(d, item, &volume.target));
        service.volumes.extend(volume.map(|volume| Spanned::new(volume, item.span)));
    });
}

fn has_absolute_target(d: &mut Decoder<'_>, item: &Node, target: &str) -> bool {
    if target.starts_with('/') {
        return true;
    }
    let windows = target.as_bytes().get(1) == Some(&b':');
    let hint = "a single letter before the colon is a Windows drive; give the volume a longer name";
    d.invalid(item, "the path inside the container must be absolute")
        .maybe_hint(windows.then_some(hint));
    false
}

fn short(d: &mut Decoder<'_>, item: &Node) -> Option<Volume> {
    let text = d.text(item)?;
    match volume::parse(&text) {
        Ok(volume) => Some(volume),
        Err(why) => {
            d.invalid(item, &why).hint("write it as `SOURCE:/path` or `SOURCE:/path:ro`");
            None
        }
    }
}

#[derive(Default)]
struct Draft {
    kind: Option<Kind>,
    volume: Volume,
}

const VOLUME: Keys<Draft> = Keys { owner: "a mount", rules: VOLUME_RULES };
const VOLUME_RULES: &[(&str, Rule<Draft>)] = &[
    ("bind", Take(|d, e, v| d.keys(&e.value, &BIND, &mut v.volume))),
    ("consistency", NoEffect),
    ("image", Take(|d, e, v| d.keys(&e.value, &IMAGE, &mut v.volume))),
    ("read_only", Take(|d, e, v| d.switch(e, &mut v.volume.read_only))),
    ("source", Take(|d, e, v| v.volume.source = d.text(&e.value))),
    ("target", Take(|d, e, v| v.volume.target = d.text(&e.value).unwrap_or_default())),
    ("tmpfs", Take(|d, e, v| d.keys(&e.value, &TMPFS, &mut v.volume))),
    ("type", Take(|d, e, v| v.kind = kind(d, &e.value))),
    ("volume", Take(|d, e, v| d.keys(&e.value, &NAMED, &mut v.volume))),
];

const BIND: Keys<Volume> = Keys {
    owner: "`bind`",
    rules: &[
        ("create_host_path", Take(|d, e, v| d.switch(e, &mut v.create_host_path))),
        ("propagation", Take(|d, e, v| v.propagation = d.text(&e.value))),
        ("recursive", Take(|d, e, v| recursive(d, &e.value, v))),
        ("selinux", Take(|d, e, v| v.relabel = relabel(d, &e.value))),
    ],
};

const NAMED: Keys<Volume> = Keys {
    owner: "`volume`",
    rules: &[
        ("labels", Take(|d, e, v| v.labels = d.loose_pairs(&e.value))),
        ("nocopy", Take(|d, e, v| d.switch(e, &mut v.nocopy))),
        ("subpath", Take(|d, e, v| v.subpath = d.text(&e.value))),
    ],
};

const IMAGE: Keys<Volume> =
    Keys { owner: "`image`", rules: &[("subpath", Take(|d, e, v| v.subpath = d.text(&e.value)))] };

fn relabel(d: &mut Decoder<'_>, node: &Node) -> Option<Relabel> {
    match d.text(node)?.as_str() {
        "z" => Some(Relabel::Shared),
        "Z" => Some(Relabel::Private),
        _ => {
            d.invalid(node, "must be `z` or `Z`");
            None
        }
    }
}

fn recursive(d: &mut Decoder<'_>, node: &Node, volume: &mut Volume) {
    volume.recursive = match d.text(node).as_deref() {
        Some("disabled") => Recursive::Disabled,
        Some("writable") => Recursive::Writable,
        Some("readonly") => Recursive::ReadOnly,
        Some("enabled") | None => Recursive::Enabled,
        Some(_) => {
            d.invalid(node, "must be `enabled`, `disabled`, `writable` or `readonly`");
            Recursive::Enabled
        }
    };
}

const TMPFS: Keys<Volume> = Keys {
    owner: "`tmpfs`",
    rules: &[
        ("mode", Take(|d, e, v| v.mode = d.file_mode(&e.value))),
        ("size", Take(|d, e, v| v.size_bytes = d.size_bytes(&e.value))),
    ],
};

fn kind(d: &mut Decoder<'_>, node: &Node) -> Option<Kind> {
    match d.text(node)?.as_str() {
        "volume" => Some(Kind::Volume),
        "bind" => Some(Kind::Bind),
        "tmpfs" => Some(Kind::Tmpfs),
        "image" => Some(Kind::Image),
        other @ ("npipe" | "cluster") => {
            let why = match other {
                "npipe" => "it exists on Windows only",
                _ => "it means something to Docker Swarm only",
            };
            let what = format!("a mount of type `{other}`");
            d.refused(&what, node.span, why, "mount a volume or a folder");
            None
        }
        _ => {
            d.invalid(node, "must be `volume`, `bind`, `tmpfs` or `image`");
            None
        }
    }
}

fn long(d: &mut Decoder<'_>, item: &Node) -> Option<Volume> {
    let errors = d.report.errors_met();
    let mut draft = Draft::default();
    draft.volume.create_host_path = true;
    d.keys(item, &VOLUME, &mut draft);
    let missing = match (draft.kind, &draft.volume) {
        (None, _) => Some("type"),
        (_, volume) if volume.target.is_empty() => Some("target"),
        (Some(Kind::Bind | Kind::Image), volume) if volume.source.is_none() => Some("source"),
        _ => None,
    };
    if let Some(missing) = missing {
        if d.report.errors_met() == errors {
            let message = format!("a mount needs a `{missing}`");
            d.report.error(Code::KeyMissing, item.span, message);
        }
        return None;
    }
    Some(Volume { kind: draft.kind?, ..draft.volume })
}

impl Decoder<'_> {
    /// Permission bits: a number as YAML reads it, or an octal text.
    pub(super) fn file_mode(&mut self, node: &Node) -> Option<u32> {
        let bits = match node.as_text() {
            Some(text) => u32::from_str_radix(text.trim_start_matches("0o"), 8).ok(),
            None => self.integer(node).and_then(|bits| u32::try_from(bits).ok()),
        };
        let bits = bits.filter(|bits| *bits <= 0o7777);
        if bits.is_none() {
            self.invalid(node, "is no file mode").hint("write it as `0440`");
        }
        bits
    }
}

pub(super) fn tmpfs(d: &mut Decoder<'_>, entry: &Entry, service: &mut ServiceDraft) {
    d.each(&entry.value, |d, item| {
        let Some(text) = d.text(item) else { return };
        let (target, options) = text.split_once(':').unwrap_or((&text, ""));
        let mut volume =
            Volume { kind: Kind::Tmpfs, target: target.to_owned(), ..Volume::default() };
        for option in options.split(',').filter(|option| !option.is_empty()) {
            if !tmpfs_option(option, &mut volume) {
                d.invalid(item, "an option of this tmpfs is none that the engine knows");
            }
        }
        if has_absolute_target(d, item, target) {
            service.volumes.push(Spanned::new(volume, item.span));
        }
    });
}

fn tmpfs_option(option: &str, volume: &mut Volume) -> bool {
    match option.split_once('=') {
        Some(("size", size)) => {
            volume.size_bytes = quantity::size_bytes(size);
            volume.size_bytes.is_some()
        }
        Some(("mode", mode)) => {
            volume.mode = u32::from_str_radix(mode, 8).ok();
            volume.mode.is_some()
        }
        None if option == "ro" => {
            volume.read_only = true;
            true
        }
        // What the engine gives every tmpfs.
        None if matches!(option, "rw" | "noexec" | "nosuid" | "nodev" | "defaults") => true,
        None => FLAGS.contains(&option) && further(option, volume),
        Some((name, value)) => {
            SETTINGS.contains(&name) && !value.is_empty() && further(option, volume)
        }
    }
}

/// Mount options of a tmpfs that the engine hands to the kernel.
const FLAGS: &[&str] = &[
    "async",
    "atime",
    "dev",
    "diratime",
    "dirsync",
    "exec",
    "mand",
    "noatime",
    "nodiratime",
    "nomand",
    "norelatime",
    "nostrictatime",
    "relatime",
    "remount",
    "strictatime",
    "suid",
    "sync",
];
const SETTINGS: &[&str] = &["gid", "mpol", "nr_blocks", "nr_inodes", "uid"];

fn further(option: &str, volume: &mut Volume) -> bool {
    volume.options.push(option.to_owned());
    true
}
