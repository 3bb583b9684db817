//! The golden file: every kind of record as it stands on disk. Changing it means a new format.

use super::*;
use landfall_core::plan::{Plan, RolloutKind};
use landfall_core::planner::{PlanInput, plan};
use landfall_core::reason::{Reason, ReasonKind};
use landfall_core::record::{Action, Effect, Retry, Verdict};

const GOLDEN: &str = include_str!("golden.ndjson");

/// A plan with a step of each kind that a deploy of the shop has.
fn shop_plan() -> Plan {
    let release = crate::testkit::release(1);
    let input = PlanInput {
        kind: RolloutKind::Deploy,
        rollout: RolloutNumber(1),
        release: Some(&release),
        serving: None,
        stateful: &[],
        networks: &[],
        taken: &[],
        pool: landfall_core::subnet::default_pool(),
        keep: vec![release.number],
    };
    plan(&input).unwrap()
}

fn every_kind(plan: Plan) -> Vec<Record> {
    let mut reason = Reason::new(ReasonKind::Crashed, "it exited 3 times, exit code 1");
    reason.service = Some("web".parse().unwrap());
    reason.logs = vec!["boom".to_owned()];
    let step = 1;
    vec![
        Record::Began { plan: Box::new(plan) },
        Record::Intended { step, action: Action::Do },
        Record::Succeeded { step, action: Action::Do },
        Record::Failed {
            step,
            action: Action::Undo,
            reason: reason.clone(),
            effect: Effect::Unknown,
            retry: Retry::Later,
        },
        Record::Turned { reason: reason.clone() },
        Record::Resumed,
        Record::Stuck { reason: reason.clone() },
        Record::Ended { verdict: Verdict::Succeeded },
        Record::Ended { verdict: Verdict::RolledBack { reason } },
    ]
}

#[test]
fn what_was_ever_written_can_be_read_and_is_still_written_so() {
    let lines: Vec<_> = GOLDEN.lines().collect();
    assert!(lines.len() > 8, "the golden file is cut");
    for line in lines {
        assert_eq!(encode(&decode(line).unwrap()).unwrap(), line);
    }
}

#[test]
fn every_kind_of_record_stands_in_the_golden_file() {
    let tag = |text: &str| {
        let value: serde_json::Value = serde_json::from_str(text).unwrap();
        (value["record"].clone(), value["verdict"]["verdict"].clone())
    };
    let golden: Vec<_> = GOLDEN.lines().map(tag).collect();
    let ours = every_kind(shop_plan()).iter().map(|r| tag(&encode(r).unwrap())).collect::<Vec<_>>();
    assert_eq!(golden, ours);
}

/// `cargo test -p landfall-agent -- --ignored write_the_golden_file`, for a new format only.
#[test]
#[ignore = "writes the golden file"]
fn write_the_golden_file() {
    let lines =
        every_kind(shop_plan()).iter().map(|r| encode(r).unwrap() + "\n").collect::<String>();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/store/chain/golden.ndjson");
    std::fs::write(path, lines).unwrap();
}

#[test]
fn another_format_is_refused_before_it_is_read() {
    let error = decode(r#"{"v":2,"record":"of the future"}"#).unwrap_err();
    assert!(matches!(&error, StoreError::Foreign(text) if text.contains("format 2")), "{error}");
    let error = decode(r#"{"v":1,"record":"resum"#).unwrap_err();
    assert!(matches!(error, StoreError::Damaged(_)), "{error}");
}
