//! Health checks, both ways. The engine counts in nanoseconds.

use bollard::models::HealthConfig;
use landfall_core::spec::{HealthTest, Healthcheck};

use super::signed;

const NANOS_PER_MS: u64 = 1_000_000;

/// The engine's check of a container: the spec's, or none at all.
pub(super) fn to_engine(check: Option<&Healthcheck>, disable: bool) -> Option<HealthConfig> {
    if disable {
        let test = Some(test_to_engine(&HealthTest::None));
        return Some(HealthConfig { test, ..HealthConfig::default() });
    }
    let check = check?;
    let nanos = |ms: Option<u64>| ms.map(|ms| signed(ms.saturating_mul(NANOS_PER_MS)));
    Some(HealthConfig {
        test: Some(test_to_engine(&check.test)),
        interval: nanos(check.interval_ms),
        timeout: nanos(check.timeout_ms),
        retries: check.retries.map(i64::from),
        start_period: nanos(check.start_period_ms),
        start_interval: nanos(check.start_interval_ms),
    })
}

/// The test in the engine's words.
fn test_to_engine(test: &HealthTest) -> Vec<String> {
    match test {
        HealthTest::None => vec!["NONE".to_owned()],
        HealthTest::Command(argv) => {
            std::iter::once("CMD".to_owned()).chain(argv.iter().cloned()).collect()
        }
        HealthTest::Shell(line) => vec!["CMD-SHELL".to_owned(), line.clone()],
        // Nothing: the engine takes the image's.
        HealthTest::Image => Vec::new(),
    }
}

/// A test as the engine reports it; `None` when it inherits, or says something we do not know.
fn test_from_engine(test: &[String]) -> Option<HealthTest> {
    match test.split_first() {
        Some((word, [])) if word == "NONE" => Some(HealthTest::None),
        Some((word, argv)) if word == "CMD" && !argv.is_empty() => {
            Some(HealthTest::Command(argv.to_vec()))
        }
        Some((word, [line])) if word == "CMD-SHELL" => Some(HealthTest::Shell(line.clone())),
        Some(_) | None => None,
    }
}

/// An image's own check; zero is the engine's word for "as usual".
pub(crate) fn to_spec(config: &HealthConfig) -> Option<Healthcheck> {
    let test = test_from_engine(config.test.as_deref()?)?;
    let millis = |nanos: Option<i64>| {
        let nanos = nanos.and_then(|n| u64::try_from(n).ok()).filter(|n| *n > 0);
        nanos.map(|n| n.div_ceil(NANOS_PER_MS))
    };
    Some(Healthcheck {
        test,
        interval_ms: millis(config.interval),
        timeout_ms: millis(config.timeout),
        retries: config.retries.and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0),
        start_period_ms: millis(config.start_period),
        start_interval_ms: millis(config.start_interval),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_survives_the_way_to_the_engine_and_back() {
        for test in [
            HealthTest::None,
            HealthTest::Command(vec!["pg_isready".into(), "-q".into()]),
            HealthTest::Shell("wget -q localhost || exit 1".into()),
        ] {
            let check = Healthcheck {
                test,
                interval_ms: Some(30_000),
                timeout_ms: None,
                retries: Some(3),
                start_period_ms: Some(1),
                start_interval_ms: None,
            };
            assert_eq!(to_spec(&to_engine(Some(&check), false).unwrap()), Some(check));
        }
    }

    #[test]
    fn switching_it_off_also_silences_the_images_own() {
        let off = to_engine(None, true).unwrap();
        assert_eq!(off.test, Some(vec!["NONE".to_owned()]));
        assert_eq!(to_engine(None, false), None);
        assert_eq!(test_from_engine(&[]), None);
        assert_eq!(test_from_engine(&["CMD".into()]), None);
    }
}
