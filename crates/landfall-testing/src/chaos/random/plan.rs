//! What a round of the random run does: drawn from its seed, the same on every machine.

use super::super::fault::{Fault, Which};

/// Faults in one round at most.
pub(super) const HITS_MAX: u32 = 3;

/// A rollout that a person asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Deploy,
    Broken,
    Replace,
    RollBack,
    Cancelled,
}

/// A fault at a moment after the rollout's begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Hit {
    AgentKilled,
    AgentStopped { for_ms: u64 },
    ClientKilled,
    EdgeKilled,
    Fault(Fault),
    DiskFreed,
}

/// A rollout and what happens to it.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) wanted: Wanted,
    /// With their moments, in order. A disk that fills is freed later.
    pub(super) hits: Vec<(u64, Hit)>,
    pub(super) cancel_at_ms: Option<u64>,
}

/// A linear congruential generator.
#[derive(Debug)]
pub(super) struct Dice(pub(super) u64);

impl Dice {
    /// The next round's plan; only what served twice can be rolled back.
    pub(super) fn plan(&mut self, can_roll_back: bool) -> Plan {
        let wanted = match self.below(100) {
            0..14 => Wanted::Broken,
            14..22 => Wanted::Replace,
            22..35 => Wanted::Cancelled,
            35..48 if can_roll_back => Wanted::RollBack,
            _ => Wanted::Deploy,
        };
        let hits = self.hits();
        let cancel_at_ms = (wanted == Wanted::Cancelled).then(|| self.below(3_000));
        Plan { wanted, hits, cancel_at_ms }
    }

    fn hits(&mut self) -> Vec<(u64, Hit)> {
        let mut hits = Vec::new();
        for _ in 0..self.one_of([0, 1, 1, 2, 2, HITS_MAX]) {
            let at_ms = self.below(4_000);
            let hit = match self.below(100) {
                0..38 => Hit::AgentKilled,
                38..52 => Hit::AgentStopped { for_ms: 200 + self.below(2_000) },
                52..64 => Hit::ClientKilled,
                64..70 => Hit::EdgeKilled,
                70..80 => Hit::Fault(Fault::EngineEnds { kill: self.below(100) < 50, live: true }),
                80..85 => Hit::Fault(Fault::ContainerdKilled),
                85..91 => Hit::Fault(Fault::CandidateRemoved),
                _ => {
                    let which = self.one_of([Which::Engine, Which::Agent, Which::Edge]);
                    hits.push((at_ms + 500 + self.below(3_000), Hit::DiskFreed));
                    let leave_kib = self.one_of([0, 4, 64, 1024]);
                    Hit::Fault(Fault::DiskFull { which, leave_kib })
                }
            };
            hits.push((at_ms, hit));
        }
        hits.sort_unstable();
        hits
    }

    fn one_of<T: Copy, const N: usize>(&mut self, those: [T; N]) -> T {
        those[usize::try_from(self.below(N as u64)).unwrap_or(0)]
    }

    fn below(&mut self, end: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::{Dice, Hit, Wanted};

    #[test]
    fn a_seed_has_one_plan_and_many_seeds_have_all_there_is() {
        let rounds = |seed| {
            let mut dice = Dice(seed);
            (0..400).map(|_| dice.plan(true)).collect::<Vec<_>>()
        };
        let plans = rounds(1);
        assert_eq!(format!("{plans:?}"), format!("{:?}", rounds(1)));
        assert_ne!(format!("{plans:?}"), format!("{:?}", rounds(2)));
        for wanted in [Wanted::Deploy, Wanted::Broken, Wanted::Replace, Wanted::RollBack] {
            assert!(plans.iter().any(|plan| plan.wanted == wanted), "{wanted:?}");
        }
        for plan in &plans {
            assert_eq!(plan.cancel_at_ms.is_some(), plan.wanted == Wanted::Cancelled);
            assert!(plan.hits.is_sorted());
            let filled = |hit: &Hit| matches!(hit, Hit::Fault(super::Fault::DiskFull { .. }));
            let full = plan.hits.iter().filter(|(_, hit)| filled(hit)).count();
            let freed = plan.hits.iter().filter(|(_, hit)| *hit == Hit::DiskFreed).count();
            assert_eq!(full, freed, "{plan:?}");
        }
    }
}
