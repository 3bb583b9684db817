//! `volumes` of a service: `[source:]target[:options]` to long forms.
//!
//! Looser than what a deploy accepts: Compose drops options that it does not know.

use std::rc::Rc;

use super::lists::sequence;
use super::tables::VOLUME;
use super::typed::Typing;
use crate::locate;
use crate::short::volume::{is_path, split};
use crate::yaml::{Entry, Mapping, Node, Value};

pub(super) fn volumes(t: &mut Typing<'_>, node: &Node) -> Option<Node> {
    let Some(items) = node.as_sequence() else {
        t.wrong(node, "a list");
        return None;
    };
    let volumes = items.iter().filter_map(|item| {
        let long = match item.as_text() {
            Some(text) => match parse(text, item) {
                Ok(long) => long,
                Err(why) => {
                    t.invalid(item, &why);
                    return None;
                }
            },
            None => item.clone(),
        };
        let volume = t.object(VOLUME, &long)?;
        Some(with_clean_target(t, volume))
    });
    let volumes = volumes.collect();
    Some(sequence(node, volumes))
}

fn with_clean_target(t: &mut Typing<'_>, mut volume: Node) -> Node {
    let Some(target) = volume.get("target").and_then(Node::as_text) else {
        t.invalid(&volume, "a volume must have a `target`");
        return volume;
    };
    let clean = locate::clean(target.as_ref()).to_string_lossy().into_owned();
    if clean != target
        && let Value::Mapping(entries) = &mut volume.value
        && let Some(entry) = Rc::make_mut(entries).get_mut("target")
    {
        entry.value = entry.value.with(Value::Text(clean.into()));
    }
    volume
}

/// The long form of an entry, with the place of the short one.
pub(super) fn parse(text: &str, at: &Node) -> Result<Node, String> {
    let mut long = Long { at, entries: Mapping::new() };
    // Compose looks no further at texts that are too short to hold a colon.
    if (1..=2).contains(&text.len()) {
        long.put("type", text_at("volume", at));
        long.put("target", text_at(text, at));
        return Ok(long.finish());
    }
    let sections = split(text)?;
    let (source, target, options) = match &sections[..] {
        [target] => ("", target, ""),
        [source, target] => (source.as_str(), target, ""),
        [source, target, options] => (source.as_str(), target, options.as_str()),
        _ => return Err("too many colons".to_owned()),
    };
    let is_bind = !source.is_empty() && is_path(source);
    long.put("type", text_at(if is_bind { "bind" } else { "volume" }, at));
    long.put("source", text_at(source, at));
    long.put("target", text_at(target, at));
    let (mut bind, mut volume) = (Mapping::new(), Mapping::new());
    let flag = |value| Entry { key: at.span, value: Node::new(Value::Bool(value), at.span) };
    let text = |value| Entry { key: at.span, value: text_at(value, at) };
    for option in options.split(',') {
        match option {
            "ro" => long.put("read_only", flag(true).value),
            "rw" => long.put("read_only", flag(false).value),
            "nocopy" => {
                volume.insert("nocopy".into(), flag(true));
            }
            "z" | "Z" => {
                bind.insert("selinux".into(), text(option));
            }
            "private" | "rprivate" | "shared" | "rshared" | "slave" | "rslave" => {
                bind.insert("propagation".into(), text(option));
            }
            _ => {}
        }
    }
    if is_bind {
        bind.insert("create_host_path".into(), flag(true));
    }
    if is_bind || !bind.is_empty() {
        long.put("bind", Node::new(Value::Mapping(Rc::new(bind)), at.span));
    }
    if !is_bind || !volume.is_empty() {
        long.put("volume", Node::new(Value::Mapping(Rc::new(volume)), at.span));
    }
    Ok(long.finish())
}

/// The long form of an entry while it is put together.
struct Long<'a> {
    at: &'a Node,
    entries: Mapping,
}

impl Long<'_> {
    fn put(&mut self, name: &str, value: Node) {
        self.entries.insert(name.into(), Entry { key: self.at.span, value });
    }

    fn finish(self) -> Node {
        Node::new(Value::Mapping(Rc::new(self.entries)), self.at.span)
    }
}

fn text_at(text: &str, at: &Node) -> Node {
    Node::text(text, at.span)
}
