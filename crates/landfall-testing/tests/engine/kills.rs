//! The agent is killed in the middle of deploys: each ends by itself, and nobody outside notices.

use std::time::{Duration, Instant};

use crate::fixture::Variant;
use crate::ring::{Ring, clean};

/// Kills at these fractions of a deploy's usual time: spread, not clustered, and not in step.
const MOMENTS: [f64; 10] = [0.03, 0.11, 0.22, 0.31, 0.43, 0.52, 0.64, 0.73, 0.85, 0.94];

#[test]
fn an_agent_killed_at_ten_moments_of_a_deploy_finishes_or_undoes_it() {
    let ring = Ring::new();
    ring.deploys("a", Variant::Fine);
    let usual = Instant::now();
    ring.deploys("b", Variant::Fine);
    let usual = usual.elapsed();
    let load = ring.load();
    let mut serving = "b".to_owned();
    for (n, moment) in MOMENTS.into_iter().enumerate() {
        let word = format!("w{n}");
        let mut client = ring.spawn_deploy(&word, Variant::Fine);
        pause(usual.mul_f64(moment));
        ring.kill_agent();
        // It may wait for its agent to come back: nobody does in this story.
        drop(client.kill());
        client.wait().expect("it was killed");
        ring.start_agent();
        ring.wait_settled();
        let answer = ring.answer();
        assert!(answer == word || answer == serving, "{answer} is neither {word} nor {serving}");
        serving = answer;
        let left = ring.leftovers();
        assert_eq!((left.containers.len(), left.networks.len()), (4, 2), "{moment}: {left:?}");
    }
    clean(load);
}

/// Lets time pass: here the moment is the point, not a condition to wait for.
#[expect(clippy::disallowed_methods, reason = "a kill at a moment of time is what is tried")]
fn pause(time: Duration) {
    std::thread::sleep(time);
}
