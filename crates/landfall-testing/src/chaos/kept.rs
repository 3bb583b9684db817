//! Networks that the engine would not let go, as the agent tells: an engine that was killed while it joined
//! a container may count that as a member for as long as it runs. They may be there until it lets go.

use std::collections::BTreeSet;

use super::app::App;

const TOLD: &str = "the engine keeps an empty network";

/// Those that the agent was refused since the serving rollout was asked for: every rollout that comes to
/// serve tries again. All of its log without one.
pub(super) fn since(log: &str, serving: u64) -> BTreeSet<String> {
    let asked = format!("asked for app={} rollout=d{serving} ", App::NAME);
    let from = log.rfind(&asked).unwrap_or_default();
    let told = log[from..].lines().filter(|line| line.contains(TOLD));
    told.filter_map(|line| Some(line.split_once("network=\"")?.1.split('"').next()?.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "\
        T1  INFO landfall_agent::carry_out: asked for app=chaos rollout=d39 by=\"root@vm\" kind=Deploy\n\
        T2  INFO landfall_agent::carry_out: asked for app=chaos rollout=d40 by=\"root@vm\" kind=Deploy\n\
        T3  WARN landfall_docker::networks: the engine keeps an empty network: it is left for now \
        network=\"landfall-chaos-default-d40\"\n\
        T4  INFO landfall_agent::carry_out: asked for app=chaos rollout=d41 by=\"root@vm\" kind=Deploy\n";

    #[test]
    fn a_kept_network_is_allowed_until_a_later_rollout_serves() {
        let kept = BTreeSet::from(["landfall-chaos-default-d40".to_owned()]);
        assert_eq!(since(LOG, 39), kept);
        assert_eq!(since(LOG, 41), BTreeSet::new());
        assert_eq!(since(LOG, 4), kept, "d4 is not in it, and d40 and d41 are not d4");
    }
}
