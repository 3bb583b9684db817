//! `volumes` of a service: `[source:]target[:options]`.
//!
//! The splitting is compose-go's (`format/volume.go`), with its Windows drives: in `v:/data` the
//! whole text is a target, not a volume named `v`. Unknown options are refused, not dropped.

use std::collections::BTreeMap;

use landfall_core::spec::{Recursive, Relabel};

use crate::yaml::Node;

/// One entry of `volumes`, short or long.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Volume {
    pub(crate) kind: Kind,
    pub(crate) source: Option<String>,
    pub(crate) target: String,
    pub(crate) read_only: bool,
    pub(crate) nocopy: bool,
    pub(crate) propagation: Option<String>,
    pub(crate) create_host_path: bool,
    pub(crate) relabel: Option<Relabel>,
    pub(crate) recursive: Recursive,
    pub(crate) subpath: Option<String>,
    pub(crate) labels: BTreeMap<String, String>,
    /// Further options of a tmpfs.
    pub(crate) options: Vec<String>,
    pub(crate) size_bytes: Option<u64>,
    pub(crate) mode: Option<u32>,
}

/// What is mounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Kind {
    /// A named volume, or an anonymous one without a source.
    #[default]
    Volume,
    /// A path of the host.
    Bind,
    /// Memory.
    Tmpfs,
    /// The files of an image.
    Image,
}

/// Reads the short syntax.
pub(crate) fn parse(text: &str) -> Result<Volume, String> {
    let sections = split(text)?;
    let (source, target, options) = match &sections[..] {
        [target] => (None, target, None),
        [source, target] => (Some(source), target, None),
        [source, target, options] => (Some(source), target, Some(options)),
        _ => return Err("too many colons".to_owned()),
    };
    let kind = match source {
        Some(source) if is_path(source) => Kind::Bind,
        _ => Kind::Volume,
    };
    let mut volume = Volume {
        kind,
        source: source.cloned(),
        target: target.clone(),
        create_host_path: kind == Kind::Bind,
        ..Volume::default()
    };
    for option in options.iter().flat_map(|options| options.split(',')) {
        apply(option, &mut volume)?;
    }
    Ok(volume)
}

/// The sections between colons; a drive letter keeps its colon.
pub(crate) fn split(text: &str) -> Result<Vec<String>, String> {
    if text.is_empty() {
        return Err("the entry is empty".to_owned());
    }
    let mut sections = vec![String::new()];
    for c in text.chars() {
        let section = sections.last_mut().expect("it starts with one section");
        let mut letters = section.chars();
        let drive = letters.next().is_some_and(char::is_alphabetic) && letters.next().is_none();
        if c == ':' && !drive {
            sections.push(String::new());
        } else {
            section.push(c);
        }
    }
    if sections.iter().any(String::is_empty) {
        return Err("nothing stands between two colons".to_owned());
    }
    Ok(sections)
}

fn apply(option: &str, volume: &mut Volume) -> Result<(), String> {
    match option {
        "ro" => volume.read_only = true,
        "rw" => volume.read_only = false,
        "nocopy" | "volume-nocopy" => volume.nocopy = true,
        "z" => volume.relabel = Some(Relabel::Shared),
        "Z" => volume.relabel = Some(Relabel::Private),
        // They only ever meant something to Docker Desktop's file sharing.
        "cached" | "delegated" | "consistent" => {}
        "private" | "rprivate" | "shared" | "rshared" | "slave" | "rslave" => {
            volume.propagation = Some(option.to_owned());
        }
        _ => return Err("an option after the second colon is unknown".to_owned()),
    }
    Ok(())
}

/// Whether a source is a path: `.`, `/`, `~` or a Windows drive.
pub(crate) fn is_path(source: &str) -> bool {
    source.starts_with(['.', '/', '~', '\\']) || source.as_bytes().get(1) == Some(&b':')
}

/// What an entry of `volumes` is told from others by: where it is mounted.
pub(crate) fn identity(node: &Node) -> Option<String> {
    let target = match node.as_text() {
        Some(text) => parse(text).ok()?.target,
        None => node.get("target").and_then(Node::as_text)?.to_owned(),
    };
    Some(crate::locate::clean(target.as_ref()).to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match parse(text) {
            Err(reason) => reason,
            Ok(v) => {
                let flags = [(v.read_only, "ro"), (v.nocopy, "nocopy"), (v.relabel.is_some(), "z")];
                let flags: Vec<&str> = flags.iter().filter(|f| f.0).map(|f| f.1).collect();
                let source = v.source.unwrap_or_default();
                let propagation = v.propagation.unwrap_or_default();
                let kind = format!("{:?}", v.kind).to_lowercase();
                let flags = flags.join(",");
                let all = format!("{kind} {source} > {} {flags} {propagation}", v.target);
                all.replace("  ", " ").trim().to_owned()
            }
        }
    }

    #[test]
    fn the_short_syntax_is_read() {
        let cases = [
            ("/data", "volume > /data"),
            ("db:/data", "volume db > /data"),
            ("db:/data:ro", "volume db > /data ro"),
            ("db:/data:nocopy", "volume db > /data nocopy"),
            ("./a:/b", "bind ./a > /b"),
            (".:/b:ro,z", "bind . > /b ro,z"),
            ("~/a:/b:rw", "bind ~/a > /b"),
            ("/a:/b:ro,rslave", "bind /a > /b ro rslave"),
            ("/a:/b:cached", "bind /a > /b"),
            ("v:/data", "volume > v:/data"),
            ("", "the entry is empty"),
            (":/b", "nothing stands between two colons"),
            ("/a::ro", "nothing stands between two colons"),
            ("/a:/b:ro:x", "too many colons"),
            ("/a:/b:bogus", "an option after the second colon is unknown"),
        ];
        for (text, expected) in cases {
            assert_eq!(shown(text), expected, "{text}");
        }
    }
}
