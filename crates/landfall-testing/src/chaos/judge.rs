//! What must hold once a fault is over: one whole release serves, nothing is left over, nothing of
//! others is touched, one-offs ran once and singletons alone.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::Duration;

use serde_json::Value;

use super::app::{App, Wish};
use super::site::Site;
use super::world::World;
use crate::host::until;

/// Engine, agent and containers have this long to be well again after the last fault.
pub(super) const WELL_BOUND: Duration = Duration::from_secs(45);
const VERSIONS: usize = 4;
/// As the app's file says it.
const RELEASES_KEPT: usize = 2;

/// What was true before a deploy.
pub(super) struct Before {
    /// The rollout that served.
    pub(super) rollout: u64,
    /// What it answered.
    pub(super) word: String,
    /// Ids of what is not ours.
    pub(super) foreign: BTreeSet<String>,
}

/// What a deploy is to lead to.
pub(super) struct Target {
    /// What it answers then.
    pub(super) word: String,
    /// Its one-off has run at most so often, over all rollouts to it.
    pub(super) runs_max: u64,
}

impl Target {
    /// A release that was never asked for before.
    pub(super) fn new(wish: &Wish) -> Self {
        Self { word: wish.word.clone(), runs_max: 1 }
    }
}

/// Which release serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The new one.
    Succeeded,
    /// The one before.
    Undone,
}

/// The serving rollout as a status tells it; 0 when nothing serves.
pub(super) fn serving(status: &Value) -> u64 {
    status["serving"]["rollout"].as_u64().unwrap_or_default()
}

/// Looks again and again until all is well; otherwise says what was wrong at last.
pub(super) fn judge(
    site: &Site,
    before: &Before,
    target: &Target,
    shape: &BTreeMap<String, usize>,
) -> Result<Verdict, Vec<String>> {
    judge_of(|| seen(site), before, target, shape)
}

/// The same, where containers of other rollouts may still be there if they have ended: an engine that
/// did not know them has them again, and the next deploy removes them.
pub(super) fn judge_but_ended(
    site: &Site,
    before: &Before,
    target: &Target,
    shape: &BTreeMap<String, usize>,
) -> Result<Verdict, Vec<String>> {
    let seen = || {
        let (status, mut world) = seen(site)?;
        world.forget_ended_of_others(serving(&status));
        Ok((status, world))
    };
    judge_of(seen, before, target, shape)
}

/// What there is, without networks that the engine would not let go.
fn seen(site: &Site) -> io::Result<(Value, World)> {
    let (status, mut world) = (site.status()?, site.world()?);
    world.forget_networks(&site.kept_networks(serving(&status))?);
    Ok((status, world))
}

fn judge_of(
    mut seen: impl FnMut() -> io::Result<(Value, World)>,
    before: &Before,
    target: &Target,
    shape: &BTreeMap<String, usize>,
) -> Result<Verdict, Vec<String>> {
    let mut wrong = Vec::new();
    let mut look = || {
        let (status, world) = seen()?;
        look(&status, &world, before, target, shape)
    };
    let well = until(WELL_BOUND, || match look() {
        Ok((verdict, problems)) if problems.is_empty() => Some(verdict),
        Ok((_, problems)) => {
            wrong = problems;
            None
        }
        Err(error) => {
            wrong = vec![error.to_string()];
            None
        }
    });
    well.ok_or(wrong)
}

fn look(
    status: &Value,
    world: &World,
    before: &Before,
    target: &Target,
    shape: &BTreeMap<String, usize>,
) -> io::Result<(Verdict, Vec<String>)> {
    let mut wrong = Vec::new();
    if !status["open"].is_null() {
        wrong.push(format!("not settled: {}", status["open"]));
    }
    let rollout = serving(status);
    let (verdict, word) = if rollout == before.rollout {
        (Verdict::Undone, &before.word)
    } else {
        (Verdict::Succeeded, &target.word)
    };
    for _ in 0..VERSIONS {
        let (code, body) = App::get("/version")?;
        if code != 200 || body["release"] != word.as_str() {
            wrong.push(format!("{word} should serve, and the answer is {code} {body}"));
        }
    }
    if &world.shape() != shape {
        wrong.push(format!("there is {:?}", difference(&world.shape(), shape)));
    }
    let others = world.of_others(rollout);
    if !others.is_empty() {
        wrong.push(format!("left over of other rollouts: {others:?}"));
    }
    let tagged = world.tagged_releases(App::NAME);
    if tagged.len() > RELEASES_KEPT {
        wrong.push(format!("image tags of {tagged:?}, and {RELEASES_KEPT} releases are kept"));
    }
    let foreign = world.foreign();
    if foreign != before.foreign {
        let touched: Vec<_> = foreign.symmetric_difference(&before.foreign).collect();
        wrong.push(format!("what is not ours was touched: {touched:?}"));
    }
    wrong.extend(targets(status, rollout));
    wrong.extend(records(target, verdict)?);
    Ok((verdict, wrong))
}

/// What differs, as `what: there is n instead of m`.
fn difference(have: &BTreeMap<String, usize>, want: &BTreeMap<String, usize>) -> Vec<String> {
    let keys: BTreeSet<_> = have.keys().chain(want.keys()).collect();
    let count = |of: &BTreeMap<String, usize>, key: &String| of.get(key).copied().unwrap_or(0);
    keys.into_iter()
        .filter(|key| count(have, key) != count(want, key))
        .map(|key| format!("{key}: {} instead of {}", count(have, key), count(want, key)))
        .collect()
}

/// The edge knows the serving rollout's endpoints and no others.
fn targets(status: &Value, rollout: u64) -> Option<String> {
    let targets = status["targets"].as_array().map(Vec::as_slice).unwrap_or_default();
    let fine = |target: &&Value| target["rollout"] == rollout && target["retired"] == false;
    let strange: Vec<&Value> = targets.iter().filter(|target| !fine(target)).collect();
    if targets.is_empty() {
        return Some("the edge has no endpoint".to_owned());
    }
    (!strange.is_empty()).then(|| format!("the edge still has {strange:?}"))
}

/// What the app's own books say: a one-off runs once, a singleton never beside another.
fn records(target: &Target, verdict: Verdict) -> io::Result<Option<String>> {
    let number = |key: &str| -> io::Result<u64> {
        Ok(App::stored(key)?.and_then(|text| text.parse().ok()).unwrap_or_default())
    };
    let runs = number(&format!("runs:{}", target.word))?;
    let enough = verdict == Verdict::Undone || runs >= 1;
    if runs > target.runs_max || !enough {
        return Ok(Some(format!("the one-off of {} ran {runs} times", target.word)));
    }
    let beside = number("beats-beside-each-other")?;
    Ok((beside > 0).then(|| format!("two singletons ran beside each other, {beside} beats")))
}
