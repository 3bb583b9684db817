//! landfall's loader beside `docker compose config`: cases by theme, and what the reference made of
//! each, kept so that the suite needs no reference.
//!
//! `LANDFALL_UPDATE_ORACLE=path/of/docker-compose` asks the reference again and writes `goldens/`.

mod archive;
mod classes;
mod compare;
mod explained;
mod golden;
mod stage;

use std::fmt::Write as _;

use serde_json::Value;

use crate::compare::differences;
use crate::stage::Stage;

/// Our own cases and generated ones.
const CASES_MIN: usize = 600;

#[test]
#[ignore = "the loader does not print its tree yet"]
fn landfall_reads_what_the_reference_reads() {
    let explained = explained::all();
    let (mut cases, mut surprises) = (0, String::new());
    let mut unused: Vec<&str> = explained.keys().map(String::as_str).collect();
    for theme in golden::themes() {
        for case in &theme.cases {
            cases += 1;
            let name = format!("{}/{}", theme.name, case.name);
            let Some(expected) = theme.expected.get(&case.name) else {
                let _ = writeln!(surprises, "{name}: no golden; set LANDFALL_UPDATE_ORACLE\n");
                continue;
            };
            let difference = difference(expected, &Stage::new(case));
            match (difference, explained.get(&name)) {
                (None, None) => {}
                (Some(_), Some(_)) => unused.retain(|other| *other != name),
                (Some(text), None) => drop(writeln!(surprises, "{name}\n{text}")),
                (None, Some(_)) => {}
            }
        }
    }
    assert!(surprises.is_empty(), "{surprises}");
    assert!(unused.is_empty(), "explained, but no difference any more: {unused:?}");
    assert!(cases >= CASES_MIN, "{cases} cases");
}

/// How landfall's answer differs from the reference's, in words.
pub(crate) fn difference(expected: &Value, stage: &Stage) -> Option<String> {
    let refused = expected.as_str().map(|text| text.trim_start_matches("refused: "));
    match (refused, stage.load()) {
        (None, Ok(tree)) => {
            let found = differences(expected, &tree);
            (!found.is_empty()).then(|| format!("  {}\n", found.join("\n  ")))
        }
        (Some(class), Err((classes, said))) => (!classes::agree(class, &classes))
            .then(|| format!("  refused as `{class}`, by landfall as {classes:?}\n{said}")),
        (Some(class), Ok(_)) => Some(format!("  refused as `{class}`, landfall accepts it\n")),
        (None, Err((_, said))) => Some(format!("  accepted, landfall refuses it\n{said}")),
    }
}
