//! What was acknowledged before a cut against what its copy holds.

use landfall_testing::host::{Host, ask};
use serde_json::Value;

use anyhow::{Context as _, Result, bail};

use super::app::APP;

/// Numbers of events that tell a record are multiples of this.
const RECORD: u64 = 100_000;

/// What the world was told before a cut.
pub(super) struct Told {
    /// Every event that any client has seen.
    pub(super) events: Vec<Value>,
    /// The edge's table as it said itself.
    pub(super) table: Value,
}

/// The edge's table, which it persists before it tells it.
pub(super) fn table(host: &Host) -> Result<Value> {
    let answer = ask(&host.edge_socket(), "GET", "/v1/table", None)?;
    if answer.status != 200 {
        bail!("the edge answers {}", answer.status);
    }
    Ok(serde_json::from_slice(&answer.body)?)
}

/// Everything that a copy lacks, or that would make recovery go wrong; `after` is the edge's table
/// once the copy was taken.
pub(super) fn losses(told: &Told, after: &Value, copy: &Value) -> Result<Vec<String>> {
    let mut losses = Vec::new();
    for event in told.events.iter().filter(|event| event["app"] == APP) {
        losses.extend(record(event, copy)?);
    }
    losses.extend(edge(&told.table, after, &copy["table"])?);
    for rollout in rollouts(copy) {
        losses.extend(decision(told, rollout, &copy["table"]));
    }
    let copies: Vec<&Value> = copy["agent"]["copies"].as_array().into_iter().flatten().collect();
    for kept in copy["agent"]["kept"].as_array().into_iter().flatten() {
        if !copies.contains(&kept) {
            losses.push(format!("{kept} has no sealed copy"));
        }
    }
    for broken in copy["agent"]["broken_copies"].as_array().into_iter().flatten() {
        losses.push(format!("a sealed copy is broken: {broken}"));
    }
    Ok(losses)
}

/// The records of these events that are acknowledged.
pub(super) fn acknowledged(told: &Told) -> usize {
    told.events.iter().filter(|event| record_of(event).is_some()).count()
}

fn rollouts(copy: &Value) -> impl Iterator<Item = &Value> {
    let all = copy["agent"]["rollouts"].as_array().into_iter().flatten();
    all.filter(|rollout| rollout["app"] == APP)
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
        "stuck" => "stuck",
        "ended" => "ended",
        _ => return None,
    };
    Some((usize::try_from(seq / RECORD - 1).ok()?, kind))
}

fn record(event: &Value, copy: &Value) -> Result<Option<String>> {
    let Some((place, kind)) = record_of(event) else { return Ok(None) };
    let number = event["rollout"].as_u64().context("an event without its rollout")?;
    let there = rollouts(copy)
        .find(|rollout| rollout["rollout"] == number)
        .map(|rollout| &rollout["records"][place]);
    let same = there.is_some_and(|record| {
        record["record"] == kind && (event["step"].is_null() || event["step"] == record["step"])
    });
    let lost = format!("record {} of d{number} ({kind}) is {there:?}", place + 1);
    Ok((!same).then_some(lost))
}

/// The table is the last acknowledged one, or one that was on its way.
fn edge(told: &Value, after: &Value, there: &Value) -> Result<Option<String>> {
    let generation = |table: &Value| table["generation"].as_u64().context("a generation");
    let (before, now) = (generation(told)?, generation(there)?);
    let matches = |table: &Value| table["generation"] != there["generation"] || table == there;
    if now < before || !matches(told) || !matches(after) {
        return Ok(Some(format!("the edge's table is {there}, acknowledged was {told}")));
    }
    let emptied = told["apps"].get(APP).is_some() && there["apps"].get(APP).is_none();
    Ok(emptied.then(|| "the edge's table is empty".to_owned()))
}

/// What recovery would do with this rollout must fit what the world was told.
fn decision(told: &Told, rollout: &Value, table: &Value) -> Option<String> {
    let number = &rollout["rollout"];
    let next = rollout["next"].as_str().unwrap_or_default();
    let goes_back = next == "turn" || next == "rolled back" || next.starts_with("undo");
    let of = |event: &&Value| event["rollout"] == *number;
    let cutover = told.events.iter().filter(of).find(|event| event["name"] == "cutover")?;
    let is_done = |event: &Value| {
        event["event"] == "step_done" && event["step"] == cutover["step"] && event["action"] == "do"
    };
    let is_told = told.events.iter().filter(of).any(is_done);
    let past = rollout["past_pivot"] == true;
    let serving = table["apps"][APP]["rollout"].as_u64();
    if is_told && (!past || goes_back) {
        return Some(format!("d{number} was cut over, and would be taken back: {next}"));
    }
    if past && serving < number.as_u64() {
        return Some(format!("d{number} is past its pivot, the edge serves {serving:?}"));
    }
    if goes_back && serving == number.as_u64() {
        return Some(format!("d{number} serves, and would be taken back: {next}"));
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn copy(records: Value, next: &str, past: bool, serving: u64) -> Value {
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
        let event = |seq: u64, kind: &str, step: u64| {
            json!({"app": APP, "rollout": 2, "seq": seq * RECORD, "event": kind, "step": step,
                "name": "cutover", "action": "do"})
        };
        let events = vec![event(1, "step_started", 7), event(2, "step_done", 7)];
        Told { events, table: table(2) }
    }

    #[test]
    fn a_copy_that_holds_what_was_told_has_no_losses_and_each_loss_is_seen() {
        let whole = json!([{"record": "intended", "step": 7}, {"record": "succeeded", "step": 7}]);
        let good = copy(whole.clone(), "do 8", true, 2);
        let found = |copy: &Value| losses(&told(), &table(2), copy).unwrap();
        assert_eq!(found(&good), Vec::<String>::new());
        assert_eq!(acknowledged(&told()), 2);
        let bad = [
            copy(json!([{"record": "intended", "step": 7}]), "do 7", false, 2),
            copy(whole.clone(), "undo 6", true, 2),
            copy(whole.clone(), "do 8", true, 1),
        ];
        for copy in bad {
            assert!(!found(&copy).is_empty(), "{copy}");
        }
        let mut torn = good.clone();
        torn["agent"]["copies"] = json!([]);
        assert!(found(&torn)[0].contains("no sealed copy"));
        let mut empty = good;
        empty["table"] = json!({"generation": 3, "apps": {}});
        assert!(!found(&empty).is_empty());
    }
}
