//! Values to their types: what stands in quotes becomes a number where one is wanted, short forms
//! become long ones, and what is empty goes away as the tables say.
//!
//! The scalars are in `scalar`, lists and pairs in `lists`, ports and volumes in their own modules.

use std::rc::Rc;

use super::shape::{Field, Keep, Kind, Shape};
use super::{lists, port, scalar, volume};
use crate::report::{Code, Finding, Report};
use crate::source::Span;
use crate::yaml::{Entry, Mapping, Node, Value};

/// Converts values and says what is wrong with them.
pub(super) struct Typing<'a> {
    pub(super) report: &'a mut Report,
    path: Vec<Rc<str>>,
    /// How many ports ranges may still come to.
    pub(super) ports_left: usize,
}

/// Ports that an app may have.
pub(super) const PORTS_MAX: usize = 250_000;

impl<'a> Typing<'a> {
    pub(super) fn new(report: &'a mut Report) -> Self {
        Self { report, path: Vec::new(), ports_left: PORTS_MAX }
    }

    /// Runs one step deeper in the document.
    pub(super) fn within<R>(&mut self, name: &Rc<str>, run: impl FnOnce(&mut Self) -> R) -> R {
        self.path.push(Rc::clone(name));
        let result = run(self);
        self.path.pop();
        result
    }

    /// A value of this kind; `None` when it is null or cannot be understood, which has been said.
    pub(super) fn value(&mut self, kind: &Kind, node: &Node) -> Option<Node> {
        if node.is_null() || node.is_refused() {
            return None;
        }
        match kind {
            Kind::Text => scalar::text(self, node),
            Kind::Flag => scalar::flag(self, node),
            Kind::Int => scalar::int(self, node),
            Kind::Float => scalar::float(self, node),
            Kind::Bytes => scalar::bytes(self, node),
            Kind::Duration => scalar::duration(self, node),
            Kind::Mode => scalar::mode(self, node),
            Kind::Count => scalar::count(self, node),
            Kind::Printed => scalar::printed(self, node),
            Kind::Texts => lists::texts(self, node),
            Kind::PrintedList => lists::printed(self, node),
            Kind::Command => lists::command(self, node),
            Kind::HealthTest => lists::health_test(self, node),
            Kind::Variables => lists::pairs(self, node, true),
            Kind::Pairs => lists::pairs(self, node, false),
            Kind::PairsOfLists => lists::pairs_of_lists(self, node),
            Kind::Hosts => lists::hosts(self, node),
            Kind::Ulimit => lists::ulimit(self, node),
            Kind::Ssh => lists::ssh(self, node),
            Kind::Object(shape) => self.object(shape, node),
            Kind::List(item) => self.list(node, |t, each| t.value(item, each)),
            Kind::Map(value) => self.map(value, node),
            Kind::Ports => port::ports(self, node),
            Kind::Volumes => volume::volumes(self, node),
            Kind::Devices => lists::devices(self, node),
            Kind::Grants => lists::grants(self, node),
            Kind::Gpus => lists::gpus(self, node),
            Kind::EnvFiles => Some(lists::env_files(self, node)),
        }
    }

    /// A mapping with known keys. Extensions stay as they are; other unknown keys go away, for the
    /// schema has refused them.
    pub(super) fn object(&mut self, shape: Shape, node: &Node) -> Option<Node> {
        let Some(mapping) = node.as_mapping() else {
            self.wrong(node, "a mapping");
            return None;
        };
        let mut out = Mapping::with_capacity(mapping.len() + 2);
        for (name, entry) in mapping {
            if let Some(field) = shape.iter().find(|field| field.name == &**name) {
                let value = self.within(name, |t| t.value(&field.kind, &entry.value));
                if let Some(value) = value.filter(|value| is_kept(field, value)) {
                    out.insert(Rc::clone(name), Entry { key: entry.key, value });
                }
            } else if name.starts_with("x-") {
                out.insert(Rc::clone(name), entry.clone());
            }
        }
        for field in shape.iter().filter(|field| field.keep == Keep::Always) {
            if !out.contains_key(field.name) {
                let value = self.empty(&field.kind, node.span);
                out.insert(field.name.into(), Entry { key: node.span, value });
            }
        }
        Some(node.with_entries(out))
    }

    /// What an unwritten key is printed as.
    fn empty(&mut self, kind: &Kind, span: Span) -> Node {
        match kind {
            Kind::Object(shape) => {
                let empty = Node::new(Value::Mapping(Rc::default()), span);
                self.object(shape, &empty).unwrap_or(empty)
            }
            Kind::Text => Node::text("", span),
            Kind::Flag => Node::new(Value::Bool(false), span),
            Kind::Int => Node::new(Value::Int(0), span),
            Kind::Bytes => Node::text("0", span),
            _ => Node::new(Value::Null, span),
        }
    }

    /// A list with every item converted; what has no value goes away.
    pub(super) fn list(
        &mut self,
        node: &Node,
        mut item: impl FnMut(&mut Self, &Node) -> Option<Node>,
    ) -> Option<Node> {
        let Some(items) = node.as_sequence() else {
            self.wrong(node, "a list");
            return None;
        };
        let items = items.iter().filter_map(|each| item(self, each)).collect();
        Some(node.with_items(items))
    }

    /// A mapping with free keys, whose null values stay.
    pub(super) fn map(&mut self, kind: &Kind, node: &Node) -> Option<Node> {
        let Some(mapping) = node.as_mapping() else {
            self.wrong(node, "a mapping");
            return None;
        };
        let mut out = Mapping::with_capacity(mapping.len());
        for (name, entry) in mapping {
            let value = match self.within(name, |t| t.value(kind, &entry.value)) {
                Some(value) => value,
                None => Node::new(Value::Null, entry.value.span),
            };
            out.insert(Rc::clone(name), Entry { key: entry.key, value });
        }
        Some(node.with_entries(out))
    }

    /// Where this is, for messages: `services.web.ports`.
    fn here(&self) -> String {
        self.path.join(".")
    }

    pub(super) fn wrong(&mut self, node: &Node, wanted: &str) {
        if node.is_refused() {
            return;
        }
        let message = format!("`{}` must be {wanted}, not {}", self.here(), node.value.kind());
        self.report.error(Code::WrongType, node.span, message);
    }

    pub(super) fn invalid(&mut self, node: &Node, why: &str) -> Finding<'_> {
        let message = format!("`{}`: {why}", self.here());
        self.report.error(Code::InvalidValue, node.span, message)
    }
}

fn is_kept(field: &Field, value: &Node) -> bool {
    let empty = match &value.value {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::Int(number) => *number == 0,
        Value::UInt(number) => *number == 0,
        Value::Float(number) => *number == 0.0,
        Value::Text(text) => match field.kind {
            Kind::Bytes => &**text == "0",
            Kind::Duration => &**text == "0s",
            _ => text.is_empty(),
        },
        Value::Sequence(items) => items.is_empty(),
        Value::Mapping(mapping) => mapping.is_empty(),
        Value::Timestamp | Value::Refused => false,
    };
    field.keep != Keep::Filled || !empty
}
