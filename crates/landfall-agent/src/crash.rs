//! Crash points for tests: `LANDFALL_CRASH=<record kind, or n>:<before|after>` kills the process at
//! the first append of that kind, or at its n-th append, before or after it is durable.
//!
//! Only with the cargo feature `crash-points`; without it all of this is nothing.

/// Where an append stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// Nothing is written yet.
    Before,
    /// It is durable.
    After,
}

#[cfg(not(feature = "crash-points"))]
pub(crate) fn point(_record: &landfall_core::record::Record, _when: When) {}

#[cfg(feature = "crash-points")]
pub(crate) use planted::point;

#[cfg(feature = "crash-points")]
mod planted {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    use landfall_core::record::Record;

    use super::When;

    #[derive(Debug, PartialEq, Eq)]
    enum At {
        Kind(String),
        Nth(u64),
    }

    static POINT: OnceLock<Option<(At, When)>> = OnceLock::new();
    static APPENDS: AtomicU64 = AtomicU64::new(0);

    fn parse(text: &str) -> Option<(At, When)> {
        let (at, when) = text.split_once(':')?;
        let when = match when {
            "before" => When::Before,
            "after" => When::After,
            _ => return None,
        };
        Some((at.parse().map_or_else(|_| At::Kind(at.to_owned()), At::Nth), when))
    }

    fn kind(record: &Record) -> &'static str {
        match record {
            Record::Began { .. } => "began",
            Record::Intended { .. } => "intended",
            Record::Succeeded { .. } => "succeeded",
            Record::Failed { .. } => "failed",
            Record::Turned { .. } => "turned",
            Record::Resumed => "resumed",
            Record::Stuck { .. } => "stuck",
            Record::Ended { .. } => "ended",
        }
    }

    pub(crate) fn point(record: &Record, when: When) {
        let appends = match when {
            When::Before => APPENDS.fetch_add(1, Ordering::SeqCst) + 1,
            When::After => APPENDS.load(Ordering::SeqCst),
        };
        let read = || std::env::var("LANDFALL_CRASH").ok().and_then(|text| parse(&text));
        let Some((at, wanted)) = POINT.get_or_init(read) else { return };
        let here = match at {
            At::Kind(wanted) => wanted == kind(record),
            At::Nth(wanted) => *wanted == appends,
        };
        if here && *wanted == when {
            // As hard as a power cut for this process: nothing is flushed, nothing unwinds.
            let _ = rustix::process::kill_process(
                rustix::process::getpid(),
                rustix::process::Signal::KILL,
            );
            loop {
                std::thread::park();
            }
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn points_are_named_by_kind_or_number() {
            assert_eq!(parse("12:after"), Some((At::Nth(12), When::After)));
            assert_eq!(parse("ended:before"), Some((At::Kind("ended".into()), When::Before)));
            assert_eq!(parse("ended"), None);
        }
    }
}
