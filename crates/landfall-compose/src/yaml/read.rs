//! Parser events to trees: the only place that knows the YAML parser.
//!
//! Refuses what Compose refuses (duplicate keys, keys that are no text, two merge keys) and what
//! would only hurt (deep nesting, alias bombs).

use std::collections::HashSet;
use std::rc::Rc;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Tag};

use super::anchor::{Anchors, DEPTH_MAX, Extent, Refused};
use super::complaint;
use super::mapping::Mapping;
use super::node::{Directive, Entry, Node, Value};
use super::scalar;
use crate::report::{Code, Report};
use crate::source::{FileId, Span, clamp};

/// The documents of a file; `None` when it is no YAML at all.
pub(crate) fn read(file: FileId, report: &mut Report) -> Option<Vec<Node>> {
    let text = report.sources.text(file);
    let options = granit_parser::options! {
        emit_comments: false,
        simple_key_max_lookahead: 16 * 1024,
        flow_nesting_limit: DEPTH_MAX as usize,
        block_nesting_limit: DEPTH_MAX as usize,
    };
    let mut reader = Reader {
        file,
        report,
        stack: Vec::new(),
        anchors: Anchors::default(),
        keys: HashSet::new(),
    };
    let mut documents = Vec::new();
    for next in Parser::new_from_str_with_options(&text, options) {
        let finished = match next {
            Ok((event, span)) => reader.event(&event, &span),
            Err(error) => Err(reader.syntax_error(&error)),
        };
        match finished {
            Ok(Some(document)) => documents.push(document),
            Ok(None) => {}
            Err(Stop) => return None,
        }
    }
    Some(documents)
}

/// The file cannot be read further; it has been said why.
struct Stop;

struct Reader<'a> {
    file: FileId,
    report: &'a mut Report,
    stack: Vec<Frame>,
    anchors: Anchors,
    /// Keys that were met: a text of each is enough.
    keys: HashSet<Rc<str>>,
}

/// A collection that is still open.
struct Frame {
    open: Open,
    start: u32,
    anchor: usize,
    directive: Option<Directive>,
    extent: Extent,
}

enum Open {
    Sequence(Vec<Node>),
    Mapping { entries: Mapping, key: Option<Key>, merges: Option<(Span, Node)> },
}

enum Key {
    Text(Rc<str>, Span),
    Merge(Span),
    /// Refused; its value is read and dropped.
    Bad,
}

impl Reader<'_> {
    fn event(
        &mut self,
        event: &Event<'_>,
        place: &granit_parser::Span,
    ) -> Result<Option<Node>, Stop> {
        let span = self.span(place);
        match event {
            Event::DocumentStart(..) => self.anchors = Anchors::default(),
            Event::Scalar(text, style, anchor, tag) => {
                let text = self.as_it_ends(text, *style, span);
                let node = self.scalar(text, *style, tag.as_deref(), span);
                self.anchors.define(*anchor, &node, Extent::LEAF);
                return Ok(self.place(node, Extent::LEAF, is_merge(text, *style, tag.is_none())));
            }
            Event::Alias(id) => return self.alias(*id, span),
            Event::SequenceStart(_, anchor, tag) => {
                self.open(Open::Sequence(Vec::new()), span.start, *anchor, tag.as_deref());
            }
            Event::MappingStart(_, anchor, tag) => {
                let open = Open::Mapping { entries: Mapping::new(), key: None, merges: None };
                self.open(open, span.start, *anchor, tag.as_deref());
            }
            Event::SequenceEnd | Event::MappingEnd => return self.close(span.end),
            _ => {}
        }
        Ok(None)
    }

    fn open(&mut self, open: Open, start: u32, anchor: usize, tag: Option<&Tag>) {
        let directive = tag.and_then(directive);
        self.stack.push(Frame { open, start, anchor, directive, extent: Extent::LEAF });
    }

    fn close(&mut self, end: u32) -> Result<Option<Node>, Stop> {
        let Some(frame) = self.stack.pop() else { return Ok(None) };
        let span = Span { file: self.file, start: frame.start, end: end.max(frame.start) };
        let value = match frame.open {
            Open::Sequence(mut items) => {
                items.shrink_to_fit();
                Value::Sequence(Rc::new(items))
            }
            Open::Mapping { mut entries, merges, .. } => {
                if let Some((key, merged)) = merges {
                    self.merge(&mut entries, key, &merged);
                }
                entries.shrink_to_fit();
                Value::Mapping(Rc::new(entries))
            }
        };
        let node = Node { value, span, directive: frame.directive };
        if frame.extent.depth > DEPTH_MAX {
            let message = format!("nested more than {DEPTH_MAX} levels deep");
            self.report.error(Code::YamlLimit, span, message);
            return Err(Stop);
        }
        self.anchors.define(frame.anchor, &node, frame.extent);
        Ok(self.place(node, frame.extent, false))
    }

    fn alias(&mut self, id: usize, span: Span) -> Result<Option<Node>, Stop> {
        let refused = match self.anchors.follow(id) {
            Ok((node, extent)) => return Ok(self.place(node, extent, false)),
            Err(refused) => refused,
        };
        match refused {
            Refused::Cycle => self
                .report
                .error(Code::YamlLimit, span, "this alias stands inside the node that it names")
                .hint("give the shared part its own anchor"),
            Refused::Budget => self
                .report
                .error(Code::YamlLimit, span, "aliases make this file grow without bounds")
                .hint("aliases of anchors that hold aliases multiply; write fewer levels"),
        };
        Err(Stop)
    }

    /// Puts a finished node where it belongs; the outermost one is returned.
    fn place(&mut self, node: Node, extent: Extent, merge: bool) -> Option<Node> {
        let Some(frame) = self.stack.last_mut() else { return Some(node) };
        frame.extent = frame.extent.with_child(extent);
        match &mut frame.open {
            // An item that is reset is as good as not written.
            Open::Sequence(_) if node.directive == Some(Directive::Reset) => {}
            Open::Sequence(items) => items.push(node),
            Open::Mapping { entries, key: slot, merges } => match slot.take() {
                None => *slot = Some(as_key(&node, merge, &mut self.keys, self.report)),
                Some(Key::Bad) => {}
                Some(Key::Merge(at)) => match merges {
                    Some((first, _)) => duplicate(self.report, "<<", at, *first),
                    None => *merges = Some((at, node)),
                },
                Some(Key::Text(name, at)) => {
                    if let Some(first) = entries.get(&name) {
                        duplicate(self.report, &name, at, first.key);
                    } else {
                        let node = if node.is_null() { Node { span: at, ..node } } else { node };
                        entries.insert(name, Entry { key: at, value: node });
                    }
                }
            },
        }
        None
    }

    /// Adds what a merge key brings: the mapping's own keys win, then the earlier source.
    fn merge(&mut self, entries: &mut Mapping, key: Span, merged: &Node) {
        let sources = merged.as_sequence().unwrap_or(std::slice::from_ref(merged));
        for source in sources {
            let Some(mapping) = source.as_mapping() else {
                let message = format!("`<<` merges mappings, but this is {}", source.value.kind());
                self.report
                    .error(Code::YamlShape, source.span, message)
                    .related(key, "merged here");
                continue;
            };
            for (name, entry) in mapping {
                match entries.get_mut(name) {
                    // What is reset here is as good as not written, but still takes the place of
                    // what an earlier file says.
                    Some(own) if own.value.directive == Some(Directive::Reset) => {
                        let directive = entry.value.directive.or(Some(Directive::Override));
                        own.value = Node { directive, ..entry.value.clone() };
                    }
                    Some(_) => {}
                    None => {
                        entries.insert(Rc::clone(name), entry.clone());
                    }
                }
            }
        }
    }

    /// A block that ends with the file, and the file without a line's end, has none either.
    fn as_it_ends<'t>(&self, text: &'t str, style: ScalarStyle, span: Span) -> &'t str {
        let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
        let all = self.report.sources.text(self.file);
        if block && clamp(all.len()) <= span.end && !all.ends_with('\n') {
            return text.strip_suffix('\n').unwrap_or(text);
        }
        text
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, tag: Option<&Tag>, span: Span) -> Node {
        let directive = tag.and_then(directive);
        let plain = style == ScalarStyle::Plain;
        let wanted = tag.and_then(|tag| tag.suffix_in_namespace("tag:yaml.org,2002:"));
        let value = match wanted.as_deref() {
            None if plain && (tag.is_none() || directive.is_some()) => scalar::resolve(text),
            None | Some("str") => Value::Text(text.into()),
            Some(wanted) => self.tagged(text, wanted, span),
        };
        Node { value, span, directive }
    }

    fn tagged(&mut self, text: &str, wanted: &str, span: Span) -> Value {
        let value = match wanted {
            "binary" => return self.binary(text, span),
            "float" => scalar::float(text).map(Value::Float),
            "int" => scalar::integer(&text.replace('_', "")),
            "bool" | "null" | "timestamp" => Some(scalar::resolve(text)).filter(|value| {
                matches!(
                    (wanted, value),
                    ("bool", Value::Bool(_)) | ("null", Value::Null) | (_, Value::Timestamp)
                )
            }),
            _ => Some(Value::Text(text.into())),
        };
        value.unwrap_or_else(|| {
            self.report.error(Code::YamlShape, span, format!("this is no `!!{wanted}`"));
            Value::Null
        })
    }

    fn binary(&mut self, text: &str, span: Span) -> Value {
        use base64::Engine as _;
        let compact: String = text.split_whitespace().collect();
        let bytes = base64::engine::general_purpose::STANDARD.decode(compact).ok();
        if let Some(text) = bytes.and_then(|bytes| String::from_utf8(bytes).ok()) {
            return Value::Text(text.into());
        }
        self.report.error(Code::YamlShape, span, "`!!binary` is no base64 of a UTF-8 text");
        Value::Null
    }

    fn syntax_error(&mut self, error: &ScanError) -> Stop {
        let at = clamp(error.marker().byte_offset().unwrap_or_default());
        let span = Span { file: self.file, start: at, end: at };
        let (message, hint) = complaint::in_words(&error.kind().to_string());
        let hint = (!hint.is_empty()).then_some(hint);
        self.report.error(Code::YamlSyntax, span, message).maybe_hint(hint);
        Stop
    }

    fn span(&self, place: &granit_parser::Span) -> Span {
        let start = place.tag_start().unwrap_or(place.start).byte_offset().unwrap_or_default();
        let end = place.end.byte_offset().unwrap_or(start);
        Span { file: self.file, start: clamp(start), end: clamp(end.max(start)) }
    }
}

fn is_merge(text: &str, style: ScalarStyle, untagged: bool) -> bool {
    text == "<<" && style == ScalarStyle::Plain && untagged
}

fn as_key(node: &Node, merge: bool, known: &mut HashSet<Rc<str>>, report: &mut Report) -> Key {
    match &node.value {
        Value::Text(_) if merge => Key::Merge(node.span),
        Value::Text(text) => {
            let name = known.get(text).unwrap_or(text);
            let name = Rc::clone(name);
            known.insert(Rc::clone(&name));
            Key::Text(name, node.span)
        }
        other => {
            report
                .error(
                    Code::YamlShape,
                    node.span,
                    format!("a key must be a text, not {}", other.kind()),
                )
                .hint("put it in quotes");
            Key::Bad
        }
    }
}

fn duplicate(report: &mut Report, name: &str, at: Span, first: Span) {
    report
        .error(Code::DuplicateKey, at, format!("the key `{name}` stands twice in one mapping"))
        .related(first, "it is here already");
}

fn directive(tag: &Tag) -> Option<Directive> {
    match (tag.handle(), tag.suffix()) {
        ("!", "reset") => Some(Directive::Reset),
        ("!", "override") => Some(Directive::Override),
        _ => None,
    }
}
