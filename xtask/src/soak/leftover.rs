//! What must be there after many deploys, and nothing else: the serving release and the app's data.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context as _, Result};
use landfall_testing::host::{Project, Thing, Things};
use serde_json::Value;

use crate::cmd::{cmd, read};
use crate::stage::Stage;
use crate::text::Checks;

const SETTLE_BOUND: Duration = Duration::from_mins(1);

/// How many of each kind and scope.
pub(super) type Shape = BTreeMap<(&'static str, String), usize>;

/// What an app consists of, told after its first deploy and again after its last.
pub(super) fn shape(things: &Things) -> Shape {
    let kinds = [
        ("containers", &things.containers),
        ("networks", &things.networks),
        ("volumes", &things.volumes),
    ];
    let mut shape = Shape::new();
    for (kind, all) in kinds {
        for thing in all {
            *shape.entry((kind, thing.scope.clone())).or_default() += 1;
        }
    }
    shape
}

/// Judges what is there; returns it in words.
pub(super) fn judge(
    stage: &Stage,
    project: &Project,
    first: &Shape,
    checks: &mut Checks,
) -> Result<String> {
    let app = project.app();
    let status = stage.host.wait_settled(app, SETTLE_BOUND)?;
    let rollout = status["serving"]["rollout"].as_u64().context("nothing serves")?;
    let things = stage.host.things(app)?;
    let last = shape(&things);
    checks.expect(&last == first, || format!("there was {first:?}, and now there is {last:?}"));
    let of_release = things.of_scope("release");
    let others: Vec<&Thing> =
        of_release.iter().filter(|t| t.rollout.parse() != Ok(rollout)).collect();
    checks.expect(others.is_empty(), || format!("left over of older rollouts: {others:?}"));
    edge(&status, rollout, checks);
    bridges(stage, checks)?;
    let tags = tags(stage, project, checks)?;
    Ok(format!(
        "{} containers, {} networks, {} volumes, as after the first deploy; {tags} image tags",
        things.containers.len(),
        things.networks.len(),
        things.volumes.len()
    ))
}

/// The edge knows the serving rollout's endpoints and no retired ones.
fn edge(status: &Value, rollout: u64, checks: &mut Checks) {
    let targets = status["targets"].as_array().map(Vec::as_slice).unwrap_or_default();
    checks.expect(!targets.is_empty(), || "the edge has no endpoint".to_owned());
    for target in targets {
        let fine = target["rollout"] == rollout && target["retired"] == false;
        checks.expect(fine, || format!("the edge still has {target}"));
    }
}

/// Every bridge that carries an address belongs to a network that the engine knows.
fn bridges(stage: &Stage, checks: &mut Checks) -> Result<()> {
    // Bridges first: a network that others make meanwhile is no orphan.
    let addresses = read(&mut cmd("ip", ["-o", "-4", "address", "show"]))?;
    let known = read(&mut stage.engine.docker(["network", "ls", "--quiet"]))?;
    let known: BTreeSet<&str> = known.lines().collect();
    let names = addresses.lines().filter_map(|line| line.split_whitespace().nth(1));
    for id in names.filter_map(|name| name.strip_prefix("br-")) {
        checks.expect(known.contains(id), || format!("the bridge br-{id} has no network"));
    }
    Ok(())
}

/// Tags are of kept releases only; returns how many there are.
fn tags(stage: &Stage, project: &Project, checks: &mut Checks) -> Result<usize> {
    let releases = stage.host.verb(project, &["releases"], &[("RELEASE", "v1")])?;
    let kept: BTreeSet<String> = releases
        .events
        .iter()
        .filter(|release| release["kept"] == true)
        .map(|release| format!("r{}", release["number"]))
        .collect();
    checks.expect(!kept.is_empty(), || format!("no release is kept: {releases}"));
    let tags = stage.host.image_tags(project.app())?;
    let stale: Vec<&String> = tags
        .iter()
        .filter(|tag| {
            let release = tag.rsplit_once(':').and_then(|(_, tag)| tag.split('-').next());
            !release.is_some_and(|release| kept.contains(release))
        })
        .collect();
    checks.expect(stale.is_empty(), || format!("tags of forgotten releases: {stale:?}"));
    Ok(tags.len())
}
