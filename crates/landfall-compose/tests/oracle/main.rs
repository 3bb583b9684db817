//! landfall's loader beside `docker compose config`: cases by theme, and what the reference made of
//! each, kept so that the suite needs no reference.
//!
//! With `LANDFALL_ORACLE=path/of/docker-compose` new projects are made at random and given to both
//! (`LANDFALL_ORACLE_SEEDS=first..end` says which).
//! `LANDFALL_REAL_FILES=folder` names projects of others that both read then, besides.
//! `LANDFALL_UPDATE_ORACLE=path/of/docker-compose` asks the reference again and writes `goldens/`.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod archive;
mod classes;
mod compare;
mod explained;
mod generate;
mod golden;
mod mutate;
mod real;
mod stage;

use std::fmt::Write as _;

use serde_json::Value;

use crate::compare::differences;
use crate::stage::Stage;

/// Our own cases and generated ones.
const CASES_MIN: usize = 600;

#[test]
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
            match difference {
                Some(_) if explained.contains_key(&name) => unused.retain(|other| *other != name),
                Some(text) => surprises.extend([name.as_str(), "\n", text.as_str(), "\n"]),
                None => {}
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

/// Made at random, with the reference at hand.
#[test]
fn landfall_reads_random_projects_as_the_reference_does() {
    let Some(oracle) = std::env::var_os("LANDFALL_ORACLE") else { return };
    let seeds = std::env::var("LANDFALL_ORACLE_SEEDS").unwrap_or_else(|_| "1000..1300".to_owned());
    let (first, end) = seeds.split_once("..").expect("LANDFALL_ORACLE_SEEDS=first..end");
    let mut differences = String::new();
    for seed in first.parse::<u64>().unwrap()..end.parse().unwrap() {
        let case = generate::project(seed);
        let stage = Stage::new(&case);
        if let Some(text) = difference(&stage.expected(oracle.as_ref()), &stage) {
            let _ = writeln!(differences, "{}{text}", case.to_text());
        }
    }
    assert!(differences.is_empty(), "{differences}");
}

/// Projects of others, which are kept elsewhere.
#[test]
fn landfall_reads_real_files_as_the_reference_does() {
    let oracle = std::env::var_os("LANDFALL_ORACLE");
    let folder = std::env::var_os("LANDFALL_REAL_FILES");
    let (Some(oracle), Some(folder)) = (oracle, folder) else { return };
    let outcome = real::compare(folder.as_ref(), oracle.as_ref());
    println!("{}", outcome.table());
    assert!(outcome.differences.is_empty(), "{}", outcome.differences);
}
