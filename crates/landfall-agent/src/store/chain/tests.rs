//! The golden file: every kind of record as it stands on disk. Changing it means a new format.

use super::*;
use landfall_core::plan::{Plan, RolloutKind};
use landfall_core::planner::{HoldWish, PlanInput, plan};
use landfall_core::reason::{Reason, ReasonKind};
use landfall_core::record::{Action, Effect, Retry, Verdict};

const GOLDEN: &str = include_str!("golden.ndjson");

/// A plan with a step of each kind that a deploy of the shop has.
fn shop_plan() -> Plan {
    planned(None)
}

/// The same, held before its cutover.
fn held_plan() -> Plan {
    let preview = std::net::SocketAddr::from(([127, 0, 0, 1], 15_000));
    planned(Some(HoldWish { preview, max_ms: Some(604_800_000) }))
}

fn planned(hold: Option<HoldWish>) -> Plan {
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
        hold,
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
        // Format 2.
        Record::Began { plan: Box::new(held_plan()) },
        Record::Held,
        Record::Promoted { by: "ann@laptop".to_owned() },
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

// I23
#[test]
fn a_newer_format_is_refused_before_it_is_read() {
    let error = decode(r#"{"v":3,"record":"of the future"}"#).unwrap_err();
    assert!(matches!(&error, StoreError::Foreign(text) if text.contains("format 3")), "{error}");
    assert!(error.to_string().contains("newer landfall"), "{error}");
}

// I23
#[test]
fn what_a_record_says_beyond_us_is_refused_and_never_half_read() {
    let more = r#"{"v":1,"record":"resumed","by":"ann"}"#;
    let error = decode(more).unwrap_err();
    assert!(matches!(&error, StoreError::Foreign(text) if text.contains("more than")), "{error}");
    // A kind that no version up to ours has.
    let error = decode(r#"{"v":1,"record":"of the future"}"#).unwrap_err();
    assert!(matches!(error, StoreError::Damaged(_)), "{error}");
}

#[test]
fn a_record_cut_anywhere_is_refused() {
    for line in GOLDEN.lines() {
        for length in (0..line.len()).filter(|length| line.is_char_boundary(*length)) {
            assert!(decode(&line[..length]).is_err(), "cut at {length}");
        }
    }
}

/// An agent that knows no holds must not take up a held rollout: it would cut it over.
#[test]
fn a_record_is_written_in_the_lowest_version_that_can_carry_it() {
    for record in every_kind(shop_plan()) {
        let hold = match &record {
            Record::Began { plan } => plan.hold.is_some(),
            Record::Held | Record::Promoted { .. } => true,
            _ => false,
        };
        let version = if hold { 2 } else { 1 };
        let text = encode(&record).unwrap();
        assert!(text.starts_with(&format!(r#"{{"v":{version},"#)), "{text}");
    }
    let plan = Plan { kind: RolloutKind::Recovered, ..shop_plan() };
    let text = encode(&Record::Began { plan: Box::new(plan) }).unwrap();
    assert!(text.starts_with(r#"{"v":2,"#), "{text}");
    assert_eq!(decode(&text).unwrap().format(), 2);
}

/// As the second version writes it.
const ABANDONED: &str = concat!(
    r#"{"v":2,"record":"ended","verdict":{"verdict":"abandoned","#,
    r#""reason":{"kind":"engine","message":"it does not answer","service":null,"logs":[]},"#,
    r#""by":"ann@laptop","serving":{"release":1,"rollout":1},"#,
    r#""left":["container shop-web-d2-1 (runs)"]}}"#
);

#[test]
fn an_abandoned_rollout_stands_on_disk_as_ever() {
    let record = Record::Ended {
        verdict: Verdict::Abandoned {
            reason: Reason::new(ReasonKind::Engine, "it does not answer"),
            by: "ann@laptop".to_owned(),
            serving: Some(landfall_core::plan::Serving {
                release: landfall_core::id::ReleaseNumber(1),
                rollout: RolloutNumber(1),
            }),
            left: vec!["container shop-web-d2-1 (runs)".to_owned()],
        },
    };
    assert_eq!(encode(&record).unwrap(), ABANDONED);
    assert_eq!(decode(ABANDONED).unwrap(), record);
}
