//! Walks a tree along the tables.

use std::collections::HashSet;
use std::rc::Rc;

use super::common::QUOTES;
use super::service::SERVICE;
use super::types::{Kind, Names, Others, Shape, Table, Words};
use crate::extension;
use crate::report::{Code, Report};
use crate::text::shortened;
use crate::yaml::{Entry, Mapping, Node, Value};

const SPLIT: &str = "leave out the space, or put the whole in quotes";

/// Reports what a tree has that the tables do not allow.
pub(super) struct Checker<'a> {
    report: &'a mut Report,
    pub(super) path: Vec<String>,
    /// Collections that were seen, each with the shape it was seen as: one that is shared by an
    /// anchor is looked at once, or a small file could ask for years of work.
    seen: HashSet<(usize, usize)>,
}

impl<'a> Checker<'a> {
    pub(super) fn new(report: &'a mut Report) -> Self {
        Self { report, path: Vec::new(), seen: HashSet::new() }
    }

    pub(super) fn check(&mut self, node: &Node, shape: &'static Shape) {
        let shared = match &node.value {
            Value::Sequence(items) => Rc::as_ptr(items).addr(),
            Value::Mapping(mapping) => Rc::as_ptr(mapping).addr(),
            _ => 0,
        };
        if shared != 0 && !self.seen.insert((shared, std::ptr::from_ref(shape).addr())) {
            return;
        }
        if node.is_refused() {
            return;
        }
        let Some(kind) = shape.kinds.iter().find(|kind| is_of(&node.value, kind)) else {
            return self.wrong_type(node, shape);
        };
        match (kind, &node.value) {
            (Kind::Int(min, max), _) => self.number_within(node, *min, *max),
            (Kind::Text(words), Value::Text(text)) => self.words(node, text, words),
            (Kind::List(items, unique), Value::Sequence(list)) => {
                self.list(list, items, *unique);
            }
            (Kind::Map(table), Value::Mapping(mapping)) => {
                if self.is_in_list() && accepts_text(shape) && is_split_text(mapping, table) {
                    let message =
                        format!("`{}` is a mapping because of the space after `:`", self.here());
                    self.report.error(Code::WrongType, node.span, message).hint(SPLIT);
                } else {
                    self.keys(node, mapping, table);
                }
            }
            (Kind::Names(names), Value::Mapping(mapping)) => self.names(mapping, names),
            _ => {}
        }
    }

    fn within(&mut self, segment: &str, entry: &Node, shape: &'static Shape) {
        self.path.push(shortened(segment).into_owned());
        self.check(entry, shape);
        self.path.pop();
    }

    fn here(&self) -> String {
        self.path.join(".")
    }

    fn is_in_list(&self) -> bool {
        self.path.last().is_some_and(|last| last.parse::<usize>().is_ok())
    }

    fn wrong_type(&mut self, node: &Node, shape: &Shape) {
        let place = match self.here() {
            place if place.is_empty() => "a compose file".to_owned(),
            place => format!("`{place}`"),
        };
        let message = format!("{place} must be {}, not {}", shape.wanted, node.value.kind());
        let hint = self.hint(node, shape);
        let hint = (!hint.is_empty()).then_some(hint);
        self.report.error(Code::WrongType, node.span, message).maybe_hint(hint);
    }

    /// What was meant, most likely.
    fn hint(&self, node: &Node, shape: &Shape) -> &'static str {
        let is_scalar = !matches!(
            node.value,
            Value::Null | Value::Sequence(_) | Value::Mapping(_) | Value::Text(_)
        );
        let wants_mapping =
            shape.kinds.iter().any(|kind| matches!(kind, Kind::Map(_) | Kind::Names(_)));
        match &node.value {
            Value::Null => "give it a value, or leave the key out",
            Value::Mapping(mapping)
                if self.is_in_list() && mapping.len() == 1 && accepts_text(shape) =>
            {
                if shape.hint == QUOTES { SPLIT } else { shape.hint }
            }
            Value::Sequence(items)
                if wants_mapping && items.iter().any(|item| item.as_mapping().is_some()) =>
            {
                "leave out the `-` before its keys"
            }
            Value::Text(text) if wants_mapping && text.contains(':') && !text.contains(' ') => {
                "a `:` needs a space behind it"
            }
            _ if is_scalar || shape.hint != QUOTES => shape.hint,
            _ => "",
        }
    }

    fn invalid(&mut self, node: &Node, why: &str) -> crate::report::Finding<'_> {
        let message = format!("`{}`: {why}", self.here());
        self.report.error(Code::InvalidValue, node.span, message)
    }

    fn number_within(&mut self, node: &Node, min: i64, max: i64) {
        let fits = match node.value {
            Value::Int(value) => (min..=max).contains(&value),
            // Whole, and as a text as short as any limit: what does not fit an `i64` does not fit.
            Value::Float(value) => match format!("{value:.0}").parse::<i64>() {
                Ok(value) => (min..=max).contains(&value),
                Err(_) => max == i64::MAX && value > 0.0,
            },
            _ => max == i64::MAX,
        };
        if !fits {
            let why = match max {
                i64::MAX => format!("must be {min} or more"),
                _ => format!("must be from {min} to {max}"),
            };
            self.invalid(node, &why);
        }
    }

    fn words(&mut self, node: &Node, text: &str, words: &Words) {
        match words {
            Words::Any => {}
            Words::OneOf(known) if known.contains(&text) => {}
            Words::OneOf(known) => {
                let all = listed(known);
                self.invalid(node, &format!("must be {all}")).suggest(text, known.iter().copied());
            }
            Words::Like(fits, _) if fits(text) => {}
            Words::Like(_, why) => {
                self.invalid(node, why);
            }
        }
    }

    fn list(&mut self, items: &[Node], shape: &'static Shape, unique: bool) {
        let mut known = HashSet::new();
        for (index, item) in items.iter().enumerate() {
            self.within(&index.to_string(), item, shape);
            let again = unique && item.printed().is_some_and(|text| !known.insert(text));
            if again {
                let message = format!("`{}` has this entry twice", self.here());
                self.report.error(Code::Conflict, item.span, message).hint("remove one");
            }
        }
    }

    fn keys(&mut self, node: &Node, mapping: &Mapping, table: &'static Table) {
        for (name, entry) in mapping {
            match table.find(name) {
                None if &**name == "x-landfall" => self.extension(entry, table),
                Some(shape) => self.within(name, &entry.value, shape),
                None if table.others == Others::Accepted => {}
                None if table.others == Others::Extensions && name.starts_with("x-") => {}
                None => self.unknown_key(name, entry, table),
            }
        }
        let missing = table.required.iter().filter(|name| !mapping.contains_key(name));
        let missing: Vec<String> = missing.map(|name| format!("`{name}`")).collect();
        if !missing.is_empty() {
            let message = format!("{} needs {}", table.owner, missing.join(" and "));
            self.report.error(Code::KeyMissing, node.span, message);
        }
    }

    /// `x-landfall` has a table of its own.
    fn extension(&mut self, entry: &Entry, table: &Table) {
        let outer: Vec<&str> = self.path.iter().map(String::as_str).collect();
        let place = match outer[..] {
            [] => &extension::APP,
            ["services", _] => &extension::SERVICE,
            ["volumes", _] => &extension::VOLUME,
            _ => {
                let message = format!("`x-landfall` means nothing in {}", table.owner);
                let hint = "it stands at the top of the file, in a service or in a volume";
                self.report.error(Code::UnknownKey, entry.key, message).hint(hint);
                return;
            }
        };
        self.path.push("x-landfall".to_owned());
        extension::check(&entry.value, place, &self.here(), self.report);
        self.path.pop();
    }

    fn unknown_key(&mut self, name: &str, entry: &Entry, table: &'static Table) {
        let message = format!("{} has no key `{}`", table.owner, shortened(name));
        let known = table.keys.iter().map(|(key, _)| *key);
        let finding = self.report.error(Code::UnknownKey, entry.key, message);
        finding.maybe_hint(elsewhere(name, table)).suggest(name, known);
    }

    fn names(&mut self, mapping: &Mapping, names: &'static Names) {
        for (name, entry) in mapping {
            if (names.fits)(name) {
                self.within(name, &entry.value, names.shape);
                continue;
            }
            let spared = names.of.is_empty() && was_in_list(entry);
            if !names.rule.is_empty() && !spared {
                let message = match names.of {
                    "" => format!("a key of `{}` {}", self.here(), names.rule),
                    of => {
                        format!("`{}` cannot be the name of {of}: {}", shortened(name), names.rule)
                    }
                };
                self.report.error(Code::InvalidName, entry.key, message);
            }
        }
    }
}

/// Whether an entry was written `- NAME=value`: then its key is the whole of it, and a value without
/// a name is let through.
fn was_in_list(entry: &Entry) -> bool {
    let (key, value) = (entry.key, entry.value.span);
    key.file == value.file && key.start <= value.start && value.end <= key.end
}

/// Where a key belongs that stands in the wrong mapping.
fn elsewhere(name: &str, table: &Table) -> Option<String> {
    if SERVICE.find(name).is_some() {
        return Some(format!("`{name}` is a key of a service"));
    }
    if table.owner != SERVICE.owner {
        return None;
    }
    let below = |table: &'static Table| {
        let maps = table.keys.iter().flat_map(|(key, shape)| {
            let maps = shape.kinds.iter().filter_map(|kind| match kind {
                Kind::Map(inner) => Some(*inner),
                _ => None,
            });
            maps.map(move |inner| (*key, inner))
        });
        maps.collect::<Vec<(&str, &'static Table)>>()
    };
    let found = below(&SERVICE).into_iter().find(|(_, inner)| inner.find(name).is_some());
    found.map(|(key, _)| format!("`{name}` stands under `{key}`"))
}

/// Whether a mapping is a text that a colon and a space have split: `- data: /data`.
fn is_split_text(mapping: &Mapping, table: &Table) -> bool {
    let mut entries = mapping.iter();
    let (Some((name, entry)), None) = (entries.next(), entries.next()) else { return false };
    let is_scalar = matches!(entry.value.value, Value::Text(_) | Value::Int(_));
    let known = table.keys.iter().map(|(key, _)| *key);
    is_scalar && !name.starts_with("x-") && crate::suggest::nearest(name, known).is_none()
}

fn accepts_text(shape: &Shape) -> bool {
    shape.kinds.iter().any(|kind| matches!(kind, Kind::Text(_)))
}

/// Whether a value is of a kind, whatever it says.
fn is_of(value: &Value, kind: &Kind) -> bool {
    match kind {
        Kind::Null => matches!(value, Value::Null),
        Kind::Bool => matches!(value, Value::Bool(_)),
        Kind::Int(..) => match value {
            Value::Int(_) | Value::UInt(_) => true,
            Value::Float(value) => value.fract() == 0.0,
            _ => false,
        },
        Kind::Number => matches!(value, Value::Int(_) | Value::UInt(_) | Value::Float(_)),
        Kind::Text(_) => matches!(value, Value::Text(_)),
        Kind::List(..) => matches!(value, Value::Sequence(_)),
        Kind::Map(_) | Kind::Names(_) => matches!(value, Value::Mapping(_)),
    }
}

/// `a`, `b` or `c`.
fn listed(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        Some((last, _)) => last.clone(),
        None => String::new(),
    }
}
