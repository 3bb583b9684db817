//! What was acknowledged before a cut, against what the cut left.

use std::collections::BTreeMap;

use serde_json::Value;

use super::APP;

/// Numbers of events that tell a record are multiples of this.
const RECORD: u64 = 100_000;

/// Whose disk it is: each has its own, or the one's syncs would make the other's writes durable too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    Agent,
    Edge,
}

/// What the world was told up to a cut, and by that acknowledged.
pub(super) struct Told {
    /// Every event that any client printed.
    pub(super) events: Vec<Value>,
    /// The edge's last word about its table.
    pub(super) table: Value,
}

/// Something acknowledged that is not there, or a decision that does not fit it.
#[derive(Debug)]
pub(super) struct Loss {
    /// Whose disk should have it.
    pub(super) of: Of,
    pub(super) what: String,
}

/// What the product itself reads in a state folder.
pub(super) struct Left<'a> {
    inspected: &'a Value,
    rollouts: BTreeMap<u64, &'a Value>,
}

impl<'a> Left<'a> {
    pub(super) fn new(inspected: &'a Value) -> Self {
        let all = inspected["agent"]["rollouts"].as_array().into_iter().flatten();
        let ours = all.filter(|rollout| rollout["app"] == APP);
        let rollouts = ours.filter_map(|rollout| Some((rollout["rollout"].as_u64()?, rollout)));
        Self { inspected, rollouts: rollouts.collect() }
    }
}

/// Everything that is lost, or would make recovery go wrong.
pub(super) fn losses(told: &Told, left: &Left<'_>) -> Vec<Loss> {
    let agent = |what| Loss { of: Of::Agent, what };
    let events = told.events.iter().filter(|event| event["app"] == APP);
    let mut losses: Vec<Loss> = events.filter_map(|event| record(event, left)).map(agent).collect();
    let table = &left.inspected["table"];
    losses.extend(edge(&told.table, table).map(|what| Loss { of: Of::Edge, what }));
    let mut of: BTreeMap<u64, Vec<&Value>> = BTreeMap::new();
    for event in &told.events {
        of.entry(event["rollout"].as_u64().unwrap_or_default()).or_default().push(event);
    }
    for (d, rollout) in &left.rollouts {
        let is_cut_over = of.get(d).is_some_and(|events| cut_over(events).is_some());
        losses.extend(decision(is_cut_over, *d, rollout, table));
    }
    let list = |name: &str| left.inspected["agent"][name].as_array().into_iter().flatten();
    for kept in list("kept").filter(|kept| !list("copies").any(|copy| copy == *kept)) {
        losses.push(agent(format!("{kept} has no sealed copy")));
    }
    losses.extend(list("broken_copies").map(|broken| agent(format!("a broken copy: {broken}"))));
    losses
}

/// How many of these events tell a record, and by that acknowledge it.
pub(super) fn acknowledged(events: &[Value]) -> usize {
    events.iter().filter(|event| record_of(event).is_some()).count()
}

/// The rollout whose cutover the world was told of last: it serves, or one that came after it.
pub(super) fn cut_over(events: &[&Value]) -> Option<u64> {
    let done = |event: &&&Value| event["event"] == "step_done" && event["action"] == "do";
    let cutover = |done: &&&Value| {
        let starts = events.iter().filter(|event| event["name"] == "cutover");
        let mut same = starts.filter(|event| event["rollout"] == done["rollout"]);
        same.any(|event| event["step"] == done["step"])
    };
    let told = events.iter().rev().filter(done).find(cutover)?;
    told["rollout"].as_u64()
}

/// Which step the world knew to be under way at the end of these events of one client.
pub(super) fn under_way(events: &[Value]) -> String {
    let last = events.iter().rev().find_map(|event| match event["event"].as_str()? {
        "ended" => Some("told its end".to_owned()),
        "step_started" => {
            let way = if event["action"] == "undo" { "undo of " } else { "" };
            Some(format!("{way}{}", event["name"].as_str()?))
        }
        "planned" => Some("planned".to_owned()),
        _ => None,
    });
    last.unwrap_or_else(|| "before its plan".to_owned())
}

/// The place and kind of the record that an event tells; `None` for what no journal knows.
fn record_of(event: &Value) -> Option<(usize, &'static str)> {
    let seq = event["seq"].as_u64().filter(|seq| *seq > 0 && seq.is_multiple_of(RECORD))?;
    let kind = match event["event"].as_str()? {
        "planned" => "began",
        "step_started" => "intended",
        "step_done" => "succeeded",
        "step_failed" => "failed",
        "turned_back" => "turned",
        "resumed" => "resumed",
        "held" => "held",
        "promoted" => "promoted",
        "stuck" => "stuck",
        "ended" => "ended",
        _ => return None,
    };
    Some((usize::try_from(seq / RECORD - 1).ok()?, kind))
}

fn record(event: &Value, left: &Left<'_>) -> Option<String> {
    let (place, kind) = record_of(event)?;
    let number = event["rollout"].as_u64()?;
    let there = left.rollouts.get(&number).map(|rollout| &rollout["records"][place]);
    let same = there.is_some_and(|record| {
        record["record"] == kind && (event["step"].is_null() || event["step"] == record["step"])
    });
    (!same).then(|| format!("record {} of d{number} ({kind}) is {there:?}", place + 1))
}

/// The table is the last acknowledged one, or a later one.
fn edge(told: &Value, there: &Value) -> Option<String> {
    let generation = |table: &Value| table["generation"].as_u64();
    // Nobody was told of a table yet.
    let before = generation(told)?;
    let same = match generation(there) {
        Some(now) if now == before => told == there,
        now => now > Some(before),
    };
    (!same).then(|| format!("the edge's table is {there}, acknowledged was {told}"))
}

/// What recovery would do with this rollout must fit what the world was told.
fn decision(is_cut_over: bool, number: u64, rollout: &Value, table: &Value) -> Option<Loss> {
    let next = rollout["next"].as_str().unwrap_or_default();
    let goes_back = next == "turn" || next == "rolled back" || next.starts_with("undo");
    let past = rollout["past_pivot"] == true;
    let serving = table["apps"][APP]["rollout"].as_u64();
    if is_cut_over && (!past || goes_back) {
        let what = format!("d{number} was cut over, and would be taken back: {next}");
        return Some(Loss { of: Of::Agent, what });
    }
    if past && serving < Some(number) {
        let what = format!("d{number} is past its pivot, the edge serves {serving:?}");
        return Some(Loss { of: Of::Edge, what });
    }
    if goes_back && serving == Some(number) {
        let what = format!("d{number} serves, and would be taken back: {next}");
        return Some(Loss { of: Of::Agent, what });
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn left(records: &Value, next: &str, past: bool, serving: u64) -> Value {
        let rollout =
            json!({"app": APP, "rollout": 2, "records": records, "next": next, "past_pivot": past});
        json!({
            "agent": {"rollouts": [rollout], "kept": [[APP, 1]], "copies": [[APP, 1]], "broken_copies": []},
            "table": table(serving),
        })
    }

    fn table(serving: u64) -> Value {
        json!({"generation": serving, "apps": {APP: {"rollout": serving}}})
    }

    fn told() -> Told {
        let event = |seq: u64, kind: &str, name: &str| {
            json!({"app": APP, "rollout": 2, "seq": seq * RECORD, "event": kind, "step": 7,
                "name": name, "action": "do"})
        };
        let events = vec![event(1, "step_started", "cutover"), event(2, "step_done", "")];
        Told { events, table: table(2) }
    }

    fn found(left: &Value) -> Vec<Loss> {
        losses(&told(), &Left::new(left))
    }

    #[test]
    fn what_holds_all_that_was_told_has_no_losses() {
        let whole = json!([{"record": "intended", "step": 7}, {"record": "succeeded", "step": 7}]);
        assert!(found(&left(&whole, "do 8", true, 2)).is_empty());
        assert_eq!(acknowledged(&told().events), 2);
        assert_eq!(cut_over(&told().events.iter().collect::<Vec<_>>()), Some(2));
        assert_eq!(under_way(&told().events), "cutover");
    }

    #[test]
    fn each_loss_is_seen_and_put_to_its_disk() {
        let whole = json!([{"record": "intended", "step": 7}, {"record": "succeeded", "step": 7}]);
        let short = json!([{"record": "intended", "step": 7}]);
        let good = left(&whole, "do 8", true, 2);
        let mut uncopied = good.clone();
        uncopied["agent"]["copies"] = json!([]);
        let mut empty = good.clone();
        empty["table"] = json!({"generation": 2, "apps": {}});
        let bad = [
            (left(&short, "do 7", false, 2), Of::Agent, "record 2 of d2 (succeeded)"),
            (left(&whole, "undo 6", true, 2), Of::Agent, "would be taken back"),
            (left(&whole, "do 8", true, 1), Of::Edge, "acknowledged was"),
            (uncopied, Of::Agent, "no sealed copy"),
            (empty, Of::Edge, "acknowledged was"),
        ];
        for (left, of, what) in bad {
            let found = found(&left);
            let first = found.first().map(|loss| (loss.of, loss.what.contains(what)));
            assert_eq!(first, Some((of, true)), "{left}: {found:?}");
        }
    }
}
