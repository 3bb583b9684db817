//! Latencies in buckets of at most 4 % width, from a microsecond to hours, in 8 KiB.

use std::time::Duration;

/// Buckets for each power of two.
const STEPS: u64 = 32;
const BUCKETS: usize = 1024;

#[derive(Clone)]
pub(super) struct Histogram {
    counts: Box<[u64; BUCKETS]>,
    total: u64,
    max: Duration,
}

impl Histogram {
    pub(super) fn new() -> Self {
        Self { counts: Box::new([0; BUCKETS]), total: 0, max: Duration::ZERO }
    }

    pub(super) fn add(&mut self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.counts[bucket(micros)] += 1;
        self.total += 1;
        self.max = self.max.max(latency);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (ours, theirs) in self.counts.iter_mut().zip(other.counts.iter()) {
            *ours += theirs;
        }
        self.total += other.total;
        self.max = self.max.max(other.max);
    }

    /// The latency that `per_cent` of all do not exceed; zero when there is none.
    pub(super) fn percentile(&self, per_cent: u64) -> Duration {
        let rank = (self.total * per_cent).div_ceil(100);
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank && *count > 0 {
                return Duration::from_micros(upper_bound(bucket)).min(self.max);
            }
        }
        self.max
    }

    pub(super) fn max(&self) -> Duration {
        self.max
    }
}

/// Up to `2 * STEPS` one bucket a value, above that `STEPS` buckets for each power of two.
fn bucket(value: u64) -> usize {
    let shift = u64::from(value.max(1).ilog2().saturating_sub(STEPS.ilog2()));
    let index = shift * STEPS + (value >> shift);
    usize::try_from(index).map_or(BUCKETS - 1, |index| index.min(BUCKETS - 1))
}

fn upper_bound(bucket: usize) -> u64 {
    let index = bucket as u64;
    let shift = (index / STEPS).saturating_sub(1);
    ((index - shift * STEPS + 1) << shift) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_at_most_four_per_cent_wide() {
        for value in (0..20_000).chain([1 << 20, (1 << 30) + 12_345]) {
            let bound = upper_bound(bucket(value));
            assert!(bound >= value && bound - value <= value / 25, "{value} {bound}");
        }
    }

    #[test]
    fn percentiles_are_those_of_the_values() {
        let mut histogram = Histogram::new();
        for ms in 1..=100 {
            histogram.add(Duration::from_millis(ms));
        }
        let p50 = histogram.percentile(50).as_millis();
        assert!((50..=52).contains(&p50), "{p50}");
        assert_eq!(histogram.percentile(100).as_millis(), 100);
        assert_eq!(Histogram::new().percentile(99), Duration::ZERO);
    }
}
