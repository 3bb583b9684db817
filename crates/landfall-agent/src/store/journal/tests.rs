//! Golden histories folded again, and journals that are not what was written.

use landfall_core::record::Verdict;
use landfall_core::rollout::{Next, Rollout};

use super::*;

#[path = "../../../tests/it/histories.rs"]
mod histories;

macro_rules! history {
    ($name:literal) => {
        include_str!(concat!("../../../tests/golden/", $name, ".jsonl"))
    };
}

/// What comes next, in words.
fn next(rollout: &Rollout) -> String {
    match rollout.next() {
        Next::Do(step) => format!("do {}", rollout.plan().steps[step].name()),
        Next::Undo(step) => format!("undo {}", rollout.plan().steps[step].name()),
        Next::Turn(_) => "turn".to_owned(),
        Next::Stick(_) => "stick".to_owned(),
        Next::Stuck(_) => "stuck".to_owned(),
        Next::Hold => "hold".to_owned(),
        Next::Held => "held".to_owned(),
        Next::End(verdict) => format!("end: {}", word(&verdict)),
        Next::Ended(verdict) => format!("ended: {}", word(&verdict)),
    }
}

fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Succeeded => "succeeded",
        Verdict::RolledBack { .. } => "rolled back",
        Verdict::Abandoned { .. } => "abandoned",
    }
}

fn opened(history: &str) -> (tempfile::TempDir, Connection) {
    let dir = tempfile::tempdir().unwrap();
    histories::import(history, &dir.path().join("landfall.db"), |_, _| true);
    let connection = super::super::schema::open(dir.path()).unwrap();
    (dir, connection)
}

// I23
#[test]
fn every_golden_history_folds_as_ever_and_is_written_as_ever() {
    let expected = [
        ("deploy", history!("deploy"), vec!["ended: succeeded"]),
        ("undone", history!("undone"), vec!["ended: succeeded", "ended: rolled back"]),
        ("in-doubt", history!("in-doubt"), vec!["ended: succeeded", "do cutover"]),
        ("stuck", history!("stuck"), vec!["ended: succeeded"]),
        ("rolled-back", history!("rolled-back"), vec!["ended: succeeded"; 3]),
        ("down", history!("down"), vec!["ended: succeeded"; 2]),
        ("engine", history!("engine"), vec!["ended: succeeded", "ended: rolled back"]),
    ];
    for (name, history, ends) in expected {
        let (dir, connection) = opened(history);
        let app = column::app(&one(&connection, "SELECT app FROM apps")).unwrap();
        for (number, end) in (1..).zip(ends) {
            let journal = read(&connection, &app, RolloutNumber(number)).unwrap().unwrap();
            let records = journal.entries.iter().map(|entry| entry.record.clone());
            let rollout = Rollout::replay(records).unwrap();
            assert_eq!(next(&rollout), end, "{name} d{number}");
        }
        let mut texts = connection.prepare("SELECT record FROM records").unwrap();
        for text in texts.query_map([], |row| row.get::<_, String>(0)).unwrap() {
            let text = text.unwrap();
            assert_eq!(chain::encode(&chain::decode(&text).unwrap()).unwrap(), text, "{name}");
        }
        let store = histories::dump(&dir.path().join("landfall.db"));
        assert_eq!(store, history, "{name}: opening changed it");
    }
}

/// The history of a rollout that got stuck and was resumed, at the moment when it was stuck.
#[test]
fn a_history_that_was_stuck_says_so_at_its_record() {
    let (_dir, connection) = opened(history!("stuck"));
    let app = column::app("shop").unwrap();
    let journal = read(&connection, &app, RolloutNumber(1)).unwrap().unwrap();
    let until = journal.entries.iter().position(|e| matches!(e.record, Record::Stuck { .. }));
    let records = journal.entries[..=until.unwrap()].iter().map(|entry| entry.record.clone());
    assert_eq!(next(&Rollout::replay(records).unwrap()), "stuck");
}

fn one(connection: &Connection, sql: &str) -> String {
    connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// A history with its records changed by a vandal.
fn vandalised(sql: &str) -> Result<Option<Journal>, StoreError> {
    let (_dir, connection) = opened(history!("deploy"));
    connection
        .execute_batch("DROP TRIGGER records_stay_as_written; DROP TRIGGER records_stay")
        .unwrap();
    connection.execute_batch(sql).unwrap();
    read(&connection, &column::app("shop").unwrap(), RolloutNumber(1))
}

// I11
#[test]
fn a_journal_with_a_gap_another_hash_or_a_cut_record_is_refused() {
    let last = "(SELECT max(seq) FROM records)";
    let damages = [
        "DELETE FROM records WHERE seq = 5".to_owned(),
        "DELETE FROM records WHERE seq = 1".to_owned(),
        "DELETE FROM records".to_owned(),
        "UPDATE records SET hash = 'no' WHERE seq = 3".to_owned(),
        "UPDATE records SET at_ms = at_ms + 1 WHERE seq = 3".to_owned(),
        format!("UPDATE records SET record = substr(record, 1, 20) WHERE seq = {last}"),
        "UPDATE records SET seq = 1000 WHERE seq = 7".to_owned(),
    ];
    for sql in damages {
        let read = vandalised(&sql);
        assert!(matches!(read, Err(StoreError::Damaged(_))), "{sql}: {read:?}");
    }
    assert!(vandalised("SELECT 1").unwrap().is_some());
    // Without the newest record it is an open rollout, as after a crash.
    let cut = vandalised(&format!("DELETE FROM records WHERE seq = {last}")).unwrap().unwrap();
    assert!(!matches!(cut.entries.last().unwrap().record, Record::Ended { .. }));
}

// I23
#[test]
fn a_rollout_of_a_kind_that_is_not_known_is_refused_as_newer() {
    let read = vandalised("UPDATE rollouts SET kind = 'teleport'");
    let Err(StoreError::Foreign(message)) = read else { panic!("{read:?}") };
    assert!(message.contains("teleport") && message.contains("newer"), "{message}");
}
