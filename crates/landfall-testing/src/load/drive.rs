//! The pacer: sends the mixture at its rate until it is told to stop, then waits for what is under
//! way and has the acknowledged orders checked.

use std::hash::{BuildHasher as _, RandomState};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, oneshot};

use super::call::Calls;
use super::client::{Client, Manner};
use super::config::{Kind, LoadConfig, Part};
use super::lock;
use super::report::Report;
use super::stats::{Outcome, PhaseId, Stats};
use super::writes::{self, Acknowledged};

/// What every request's task shares.
struct Shared {
    client: Client,
    calls: Calls,
    stats: Arc<Mutex<Stats>>,
    acknowledged: Acknowledged,
    timeout: Duration,
    upload_time: Duration,
    repeats_max: u32,
}

pub(super) async fn run(
    config: LoadConfig,
    target: SocketAddr,
    stats: Arc<Mutex<Stats>>,
    stop: oneshot::Receiver<()>,
) -> Report {
    lock(&stats).set_slow_above(config.slow_above);
    let name = config.target.clone();
    let check_bound = config.check_bound;
    let shared = Arc::new(Shared {
        client: Client::new(target, config.stale_within),
        calls: Calls::new(config.clone()),
        stats: Arc::clone(&stats),
        acknowledged: Acknowledged::default(),
        timeout: config.timeout,
        upload_time: config.upload_time,
        repeats_max: config.repeats_max,
    });
    pace(&config, &shared, stop).await;
    let ended = Instant::now();
    let writes =
        writes::check(&shared.client, &shared.calls, &shared.acknowledged, check_bound).await;
    let mut stats = lock(&stats);
    Report {
        target: name,
        phases: stats.phases(ended),
        total: stats.total(ended),
        failures: stats.take_failures(),
        retried_ms: stats.take_retried_ms(),
        writes,
    }
}

/// Sends until told to stop, then waits for the answers.
async fn pace(config: &LoadConfig, shared: &Arc<Shared>, mut stop: oneshot::Receiver<()>) {
    let in_flight_max = u32::try_from(config.in_flight_max).unwrap_or(u32::MAX);
    let permits = Arc::new(Semaphore::new(in_flight_max as usize));
    let interval = Duration::from_secs(1) / config.rate_per_s.max(1);
    let mut mix = Mixture::new(&config.mix);
    let mut uuids = Uuids::new();
    let mut due = tokio::time::Instant::now();
    loop {
        tokio::select! {
            biased;
            _ = &mut stop => break,
            () = tokio::time::sleep_until(due) => {}
        }
        // A timer ticks in milliseconds: everything that has become due goes out now.
        while due <= tokio::time::Instant::now() {
            due += interval;
            let Some(part) = mix.next() else { return };
            match Arc::clone(&permits).try_acquire_owned() {
                Err(_) => lock(&shared.stats).skipped(),
                Ok(permit) => {
                    let phase = lock(&shared.stats).sent();
                    let shared = Arc::clone(shared);
                    let uuid = uuids.next();
                    tokio::spawn(async move {
                        shared.one(part, uuid, phase).await;
                        drop(permit);
                    });
                }
            }
        }
    }
    lock(&shared.stats).end_phase(Instant::now());
    // All permits back means that nothing is under way; each request has its own time limit.
    let _ = permits.acquire_many(in_flight_max).await;
}

impl Shared {
    async fn one(&self, part: Part, uuid: u128, phase: PhaseId) {
        let Part { kind, connection, .. } = part;
        let request = self.calls.request(kind, uuid);
        let pace = if kind == Kind::Upload { self.upload_time } else { Duration::ZERO };
        let repeats_max = if kind == Kind::Upload { 0 } else { self.repeats_max };
        let manner = Manner { connection, pace, may_be_stale: kind != Kind::Slow, repeats_max };
        let began = Instant::now();
        let sending = self.client.send(&request, manner);
        let (answer, retried) = match tokio::time::timeout(self.timeout, sending).await {
            Ok(ended) => ended,
            Err(_) => (Err(format!("no answer within {:?}", self.timeout)), false),
        };
        let now = Instant::now();
        let result = answer.and_then(|answer| {
            self.calls.judge(kind, uuid, &answer)?;
            Ok(answer.release)
        });
        if kind == Kind::Order && result.is_ok() {
            self.acknowledged.add(uuid);
        }
        let outcome = Outcome { kind, connection, latency: now - began, retried, result };
        lock(&self.stats).ended(phase, outcome, now);
    }
}

/// The parts in an even order: each comes as often as its weight says, and spread out.
struct Mixture {
    parts: Vec<(Part, i64)>,
}

impl Mixture {
    fn new(mix: &[Part]) -> Self {
        Self { parts: mix.iter().filter(|part| part.weight > 0).map(|part| (*part, 0)).collect() }
    }

    /// None only of an empty mixture.
    fn next(&mut self) -> Option<Part> {
        let total: i64 = self.parts.iter().map(|(part, _)| i64::from(part.weight)).sum();
        for (part, credit) in &mut self.parts {
            *credit += i64::from(part.weight);
        }
        let (part, credit) = self.parts.iter_mut().max_by_key(|(_, credit)| *credit)?;
        *credit -= total;
        Some(*part)
    }
}

/// Uuids (version 4 in form) that no other run makes.
struct Uuids {
    run: u64,
    count: u64,
}

impl Uuids {
    fn new() -> Self {
        Self { run: RandomState::new().hash_one(std::process::id()), count: 0 }
    }

    fn next(&mut self) -> u128 {
        self.count += 1;
        let version = 4 << 76;
        let variant = 2 << 62;
        let run = u128::from(self.run >> 4) << 80;
        run | version | variant | u128::from(self.count & (u64::MAX >> 2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Connection;

    #[test]
    fn a_mixture_keeps_its_weights_and_spreads_them() {
        let often = Part::new(Kind::Page, Connection::Fresh, 3);
        let seldom = Part::new(Kind::Slow, Connection::Fresh, 1);
        let mut mixture = Mixture::new(&[often, seldom]);
        let kinds: Vec<Kind> =
            (0..8).filter_map(|_| mixture.next()).map(|part| part.kind).collect();
        assert_eq!(kinds[..4], kinds[4..]);
        assert_eq!(kinds.iter().filter(|kind| **kind == Kind::Slow).count(), 2);
    }

    #[test]
    fn uuids_differ_and_have_the_form_of_version_4() {
        let mut uuids = Uuids::new();
        let first = super::super::call::hyphenated(uuids.next());
        let second = super::super::call::hyphenated(uuids.next());
        assert_ne!(first, second);
        assert_eq!((first.len(), &first[14..15], &first[19..20]), (36, "4", "8"));
    }
}
