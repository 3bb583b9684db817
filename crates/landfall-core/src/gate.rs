//! The health gate: may a replica take traffic? A judgement over observations; it probes nothing.

use serde::{Deserialize, Serialize};

use crate::id::ServiceName;
use crate::mutation::{Mutation, planted};
use crate::reason::{Reason, ReasonKind};
use crate::release::Release;
use crate::spec::{HealthTest, Healthcheck};

/// How one service's replicas are judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateSpec {
    /// What to ask; `None`: it only has to stay up.
    pub probe: Option<Probe>,
    /// Good answers in a row that are needed.
    pub successes: u32,
    /// Without a probe: how long it must run without a restart.
    pub stay_up_ms: u64,
    /// How long it may take.
    pub timeout_ms: u64,
    /// Exits after which it counts as crashed.
    pub exits_max: u32,
}

/// One question to a replica.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Probe {
    /// `GET` on the replica's own address.
    Http {
        /// Container port.
        port: u16,
        /// Path and query.
        path: String,
        /// Which answers are good.
        accept: Accept,
    },
    /// The compose `healthcheck` test, run inside.
    Exec {
        /// What to run.
        test: HealthTest,
        /// How long it may take.
        timeout_ms: u64,
    },
}

/// Which HTTP answers are good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Accept {
    /// 2xx and 3xx: a health path was declared.
    Healthy,
    /// Below 500: nobody said what healthy looks like, but a server error is not it.
    NotBroken,
}

impl Accept {
    /// Judges a status code.
    pub fn accepts(self, status: u16) -> bool {
        match self {
            Self::Healthy => (200..400).contains(&status),
            Self::NotBroken => (100..500).contains(&status),
        }
    }
}

const EXEC_TIMEOUT_MS: u64 = 30_000;

impl GateSpec {
    /// The gate of a service: a declared health path, else the health check of the compose file, else
    /// the image's, else any sane HTTP answer on a routed port, else staying up.
    pub fn of(release: &Release, name: &ServiceName) -> Option<Self> {
        let service = release.spec.services.get(name)?;
        let routed = service.ports.first().map(|port| port.target);
        let routed = routed.or(service.routes.first().map(|route| route.port));
        let image = release.images.get(name)?;
        let health = &service.health;
        let port = health
            .port
            .or(routed)
            .or(service.expose.first().copied())
            .or(image.exposed.first().copied());
        let check = check(service.container.healthcheck.as_ref(), image.healthcheck.as_ref());
        let stateful = service.workload == crate::spec::Workload::Stateful;
        let probe = match (&health.path, check) {
            (Some(path), _) => {
                port.map(|port| Probe::Http { port, path: path.clone(), accept: Accept::Healthy })
            }
            (None, Some((test, timeout_ms))) if *test != HealthTest::None => Some(Probe::Exec {
                test: test.clone(),
                timeout_ms: timeout_ms.unwrap_or(EXEC_TIMEOUT_MS).min(EXEC_TIMEOUT_MS),
            }),
            (None, _) => routed.filter(|_| !stateful).map(|port| Probe::Http {
                port,
                path: "/".to_owned(),
                accept: Accept::NotBroken,
            }),
        };
        Some(Self {
            probe,
            successes: health.successes.max(1),
            stay_up_ms: health.stay_up_ms,
            timeout_ms: health.timeout_ms,
            exits_max: 3,
        })
    }
}

/// The test that counts and its time limit: the file's, or the image's with the file's timings.
fn check<'c>(
    file: Option<&'c Healthcheck>,
    image: Option<&'c Healthcheck>,
) -> Option<(&'c HealthTest, Option<u64>)> {
    match (file, image) {
        (Some(file), image) if file.test == HealthTest::Image => {
            image.map(|image| (&image.test, file.timeout_ms.or(image.timeout_ms)))
        }
        (file, image) => file.or(image).map(|check| (&check.test, check.timeout_ms)),
    }
}

/// What was seen of a replica at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// Time since it was started.
    pub elapsed_ms: u64,
    /// It runs now.
    pub running: bool,
    /// Times it has exited since it was started.
    pub exits: u32,
    /// Exit code, when it does not run.
    pub exit_code: Option<i64>,
    /// The probe's answer, when one was asked: an error says what came instead.
    pub probe: Option<Result<(), String>>,
}

/// What follows from the observations so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// Look again.
    Wait,
    /// It may take traffic.
    Ready,
    /// It never will.
    Failed(Reason),
}

/// One replica's way through the gate.
#[derive(Debug, Clone)]
pub struct Gate {
    spec: GateSpec,
    successes: u32,
    exits_seen: u32,
    up_since_ms: u64,
    last_problem: Option<String>,
}

impl Gate {
    /// A gate nobody has passed yet.
    pub fn new(spec: GateSpec) -> Self {
        Self { spec, successes: 0, exits_seen: 0, up_since_ms: 0, last_problem: None }
    }

    /// Nobody could look: what it did meanwhile is not known, so it has to show anew that it stays up.
    pub fn unseen(&mut self, elapsed_ms: u64) {
        self.successes = 0;
        self.up_since_ms = elapsed_ms;
    }

    /// Takes one observation in and judges.
    pub fn observe(&mut self, seen: &Observation) -> Judgement {
        if seen.exits > self.exits_seen || !seen.running {
            self.exits_seen = self.exits_seen.max(seen.exits);
            self.successes = 0;
            self.up_since_ms = seen.elapsed_ms;
        }
        if self.exits_seen >= self.spec.exits_max {
            let code = seen.exit_code.map(|code| format!(", exit code {code}")).unwrap_or_default();
            return failed(
                ReasonKind::Crashed,
                format!("it exited {} times{code}", self.exits_seen),
            );
        }
        match (&self.spec.probe, &seen.probe) {
            (None, _) => {
                if seen.running && seen.elapsed_ms - self.up_since_ms >= self.spec.stay_up_ms {
                    return Judgement::Ready;
                }
            }
            (Some(_), Some(Ok(()))) if seen.running => {
                self.successes += 1;
                if self.successes >= self.spec.successes || planted(Mutation::GateAfterFirstAnswer)
                {
                    return Judgement::Ready;
                }
            }
            (Some(_), Some(Err(problem))) => {
                self.successes = 0;
                self.last_problem = Some(problem.clone());
            }
            (Some(_), Some(Ok(())) | None) => {}
        }
        if seen.elapsed_ms >= self.spec.timeout_ms {
            let problem = self.last_problem.as_deref().unwrap_or("it did not stay up");
            let seconds = self.spec.timeout_ms.div_ceil(1000);
            return failed(ReasonKind::NotReady, format!("not ready after {seconds} s: {problem}"));
        }
        Judgement::Wait
    }
}

fn failed(kind: ReasonKind, message: String) -> Judgement {
    Judgement::Failed(Reason::new(kind, message))
}

/// Pause before the next look: eager at first, so that a deploy waits for the app, not for a timer.
pub fn next_look_ms(elapsed_ms: u64) -> u64 {
    match elapsed_ms {
        0..5_000 => 10,
        5_000..30_000 => 50,
        _ => 100,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(probe: bool) -> GateSpec {
        let probe =
            probe.then(|| Probe::Http { port: 80, path: "/".into(), accept: Accept::Healthy });
        GateSpec { probe, successes: 2, stay_up_ms: 500, timeout_ms: 1_000, exits_max: 3 }
    }

    fn up(elapsed_ms: u64, probe: Option<Result<(), String>>) -> Observation {
        Observation { elapsed_ms, running: true, exits: 0, exit_code: None, probe }
    }

    #[test]
    fn successes_must_come_in_a_row() {
        let mut gate = Gate::new(spec(true));
        assert_eq!(gate.observe(&up(10, Some(Ok(())))), Judgement::Wait);
        assert_eq!(gate.observe(&up(20, Some(Err("503".into())))), Judgement::Wait);
        assert_eq!(gate.observe(&up(30, Some(Ok(())))), Judgement::Wait);
        assert_eq!(gate.observe(&up(40, Some(Ok(())))), Judgement::Ready);
    }

    #[test]
    fn without_a_probe_it_must_stay_up_since_its_last_exit() {
        let mut gate = Gate::new(spec(false));
        assert_eq!(gate.observe(&up(400, None)), Judgement::Wait);
        assert_eq!(gate.observe(&Observation { exits: 1, ..up(450, None) }), Judgement::Wait);
        assert_eq!(gate.observe(&Observation { exits: 1, ..up(600, None) }), Judgement::Wait);
        assert_eq!(gate.observe(&Observation { exits: 1, ..up(950, None) }), Judgement::Ready);
    }

    #[test]
    fn while_nobody_can_look_it_does_not_stay_up() {
        let mut gate = Gate::new(spec(false));
        assert_eq!(gate.observe(&up(10, None)), Judgement::Wait);
        gate.unseen(450);
        assert_eq!(gate.observe(&up(510, None)), Judgement::Wait);
        assert_eq!(gate.observe(&up(950, None)), Judgement::Ready);
    }

    #[test]
    fn a_crash_loop_fails_early_with_its_exit_code() {
        let mut gate = Gate::new(spec(true));
        let seen = Observation {
            elapsed_ms: 300,
            running: false,
            exits: 3,
            exit_code: Some(1),
            probe: None,
        };
        let Judgement::Failed(reason) = gate.observe(&seen) else { panic!("must fail") };
        assert_eq!(reason.kind, ReasonKind::Crashed);
        assert!(reason.message.contains("exit code 1"), "{reason}");
    }

    #[test]
    fn the_last_problem_is_part_of_the_reason() {
        let mut gate = Gate::new(spec(true));
        gate.observe(&up(10, Some(Err("answered 503".into()))));
        let Judgement::Failed(reason) = gate.observe(&up(1_000, None)) else { panic!("must fail") };
        assert_eq!(reason.kind, ReasonKind::NotReady);
        assert!(reason.message.contains("answered 503"), "{reason}");
    }
}
