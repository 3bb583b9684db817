//! Services that wait for each other in a circle.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use crate::report::{Code, Report};
use crate::yaml::{Mapping, Node};

/// How far a walk has come with a service.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    Open,
    Done,
}

/// Reports the first circle that is met. The walk keeps its own stack, so that a long chain of
/// services does no harm.
pub(super) fn refuse_cycles(root: &Node, disabled: &BTreeSet<Rc<str>>, report: &mut Report) {
    let Some(services) = root.get("services").and_then(Node::as_mapping) else { return };
    let mut marks: HashMap<&str, Mark> = HashMap::new();
    for name in services.keys().filter(|name| !disabled.contains(*name)) {
        let mut stack: Vec<(&str, Vec<&str>)> = Vec::new();
        if !marks.contains_key(&**name) {
            marks.insert(name, Mark::Open);
            stack.push((name, targets(services, name)));
        }
        while let Some((service, left)) = stack.last_mut() {
            let Some(next) = left.pop() else {
                marks.insert(service, Mark::Done);
                stack.pop();
                continue;
            };
            if disabled.contains(next) {
                continue;
            }
            match marks.get(next) {
                Some(Mark::Done) => {}
                Some(Mark::Open) => {
                    say(&stack, next, services, report);
                    return;
                }
                None => {
                    marks.insert(next, Mark::Open);
                    stack.push((next, targets(services, next)));
                }
            }
        }
    }
}

fn targets<'a>(services: &'a Mapping, name: &str) -> Vec<&'a str> {
    let depends = services.get(name).and_then(|entry| entry.value.get("depends_on"));
    let targets = depends.and_then(Node::as_mapping).into_iter().flat_map(Mapping::keys);
    targets.map(|name| &**name).filter(|name| services.contains_key(name)).collect()
}

fn say(stack: &[(&str, Vec<&str>)], first: &str, services: &Mapping, report: &mut Report) {
    let circle: Vec<&str> =
        stack.iter().map(|(name, _)| *name).skip_while(|name| *name != first).collect();
    let last = circle.last().copied().unwrap_or(first);
    let depends = services.get(last).and_then(|entry| entry.value.get("depends_on"));
    let edge = depends.and_then(Node::as_mapping).and_then(|targets| targets.get(first));
    let message = format!("services wait for each other: {} -> {first}", circle.join(" -> "));
    report.error(Code::Cycle, edge.map(|edge| edge.key), message);
}
