//! The records of a deploy's journal as places to strike: learnt from a deploy that nothing disturbs.

use std::collections::BTreeMap;

use serde_json::Value;

/// A step, one way, with the numbers of its two records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Point {
    /// `start-replicas web`, `undo hand-over beat`, `began`.
    pub(super) name: String,
    /// Its first record: the intent.
    pub(super) intent: u64,
    /// Its second one: the outcome; `None` of a record that stands alone.
    pub(super) outcome: Option<u64>,
    /// Whether a deploy is under way there: not at its end.
    pub(super) is_step: bool,
}

/// Reads a trace (number, kind, step, way a line) with the names of the steps from the deploy's events.
pub(super) fn points(trace: &str, events: &[Value]) -> Vec<Point> {
    let mut names = BTreeMap::new();
    for event in events.iter().filter(|event| event["event"] == "step_started") {
        let text = |key: &str| event[key].as_str().unwrap_or_default();
        // Of a service its name; no counts, and no numbers that differ from deploy to deploy.
        let subject = text("subject").split(' ').next().unwrap_or_default();
        let is_service = subject.chars().all(|c| c.is_ascii_lowercase());
        let subject = if is_service { subject } else { "" };
        let name = format!("{} {subject}", text("name"));
        names.insert(event["step"].as_u64().unwrap_or_default(), name.trim().to_owned());
    }
    let mut points: Vec<Point> = Vec::new();
    for line in trace.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [seq, kind, step, way] = fields[..] else { continue };
        let Ok(seq) = seq.parse() else { continue };
        let step = step.parse().ok();
        let name = match step.and_then(|step: u64| names.get(&step)) {
            Some(name) if way == "undo" => format!("undo {name}"),
            Some(name) => name.clone(),
            None => kind.to_owned(),
        };
        match points.last_mut() {
            Some(last) if kind != "intended" && last.name == name => last.outcome = Some(seq),
            _ => {
                let is_step = step.is_some();
                points.push(Point { name, intent: seq, outcome: None, is_step });
            }
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_trace_becomes_steps_with_both_records() {
        let started = |step: u64, name: &str| json!({"event": "step_started", "step": step, "name": name, "subject": ""});
        let events = [started(0, "pin"), started(1, "hand over")];
        let trace = "1\tbegan\t\t\n2\tintended\t0\tdo\n3\tsucceeded\t0\tdo\n4\tintended\t1\tdo\n\
                     5\tfailed\t1\tdo\n6\tintended\t1\tundo\n7\tsucceeded\t1\tundo\n8\tended\t\t\n";
        let points = points(trace, &events);
        let seen: Vec<_> =
            points.iter().map(|p| (p.name.as_str(), p.intent, p.outcome, p.is_step)).collect();
        assert_eq!(
            seen,
            [
                ("began", 1, None, false),
                ("pin", 2, Some(3), true),
                ("hand over", 4, Some(5), true),
                ("undo hand over", 6, Some(7), true),
                ("ended", 8, None, false),
            ]
        );
    }
}
