//! Crash points for tests: `LANDFALL_CRASH=<record kind, or n>:<before|after>` kills the process at
//! the first append of that kind, or at its n-th append, before or after it is durable.
//!
//! `LANDFALL_CRASH_FILE` names a file that is looked for at every append, so that a process that
//! runs already can be struck: `<seq in its journal>:<before|after>:<kill|stop>` in it is carried
//! out once, and the file removed. What was appended is listed beside it, in `<file>.trace`.
//!
//! `LANDFALL_UNSYNCED` opens the store so that nothing is synced: what a power cut then takes must be
//! missed by whoever looks for it.
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
pub(crate) fn point(_seq: u64, _record: &landfall_core::record::Record, _when: When) {}

/// What `SQLite` syncs, as its pragma says it.
pub(crate) fn synchronous() -> &'static str {
    #[cfg(feature = "crash-points")]
    if std::env::var_os("LANDFALL_UNSYNCED").is_some() {
        return "OFF";
    }
    "FULL"
}

#[cfg(feature = "crash-points")]
pub(crate) use planted::point;

#[cfg(feature = "crash-points")]
mod planted {
    use std::fs;
    use std::io::Write as _;
    use std::path::{Path, PathBuf};
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use landfall_core::record::{Action, Record};
    use rustix::process::{Signal, getpid, kill_process};

    use super::When;

    #[derive(Debug, PartialEq, Eq)]
    enum At {
        Kind(String),
        Nth(u64),
    }

    static POINT: OnceLock<Option<(At, When)>> = OnceLock::new();
    static FILE: OnceLock<Option<PathBuf>> = OnceLock::new();
    static APPENDS: AtomicU64 = AtomicU64::new(0);

    const STOPS_WITHIN: Duration = Duration::from_millis(50);

    fn when(text: &str) -> Option<When> {
        match text {
            "before" => Some(When::Before),
            "after" => Some(When::After),
            _ => None,
        }
    }

    fn parse(text: &str) -> Option<(At, When)> {
        let (at, moment) = text.split_once(':')?;
        Some((at.parse().map_or_else(|_| At::Kind(at.to_owned()), At::Nth), when(moment)?))
    }

    fn parse_file(text: &str) -> Option<(u64, When, Signal)> {
        let mut words = text.trim().split(':');
        let (seq, moment) = (words.next()?.parse().ok()?, when(words.next()?)?);
        let signal = match words.next()? {
            "kill" => Signal::KILL,
            "stop" => Signal::STOP,
            _ => return None,
        };
        Some((seq, moment, signal))
    }

    fn kind(record: &Record) -> &'static str {
        match record {
            Record::Began { .. } => "began",
            Record::Intended { .. } => "intended",
            Record::Succeeded { .. } => "succeeded",
            Record::Failed { .. } => "failed",
            Record::Turned { .. } => "turned",
            Record::Resumed => "resumed",
            Record::Held => "held",
            Record::Promoted { .. } => "promoted",
            Record::Stuck { .. } => "stuck",
            Record::Ended { .. } => "ended",
        }
    }

    /// The step of a record and which way it goes.
    fn step(record: &Record) -> Option<(usize, &'static str)> {
        let (step, action) = match record {
            Record::Intended { step, action }
            | Record::Succeeded { step, action }
            | Record::Failed { step, action, .. } => (*step, *action),
            Record::Began { .. }
            | Record::Turned { .. }
            | Record::Resumed
            | Record::Held
            | Record::Promoted { .. }
            | Record::Stuck { .. }
            | Record::Ended { .. } => return None,
        };
        Some(match action {
            Action::Do => (step, "do"),
            Action::Undo => (step, "undo"),
        })
    }

    pub(crate) fn point(seq: u64, record: &Record, when: When) {
        let appends = match when {
            When::Before => APPENDS.fetch_add(1, Ordering::SeqCst) + 1,
            When::After => APPENDS.load(Ordering::SeqCst),
        };
        let read = || std::env::var("LANDFALL_CRASH").ok().and_then(|text| parse(&text));
        if let Some((at, wanted)) = POINT.get_or_init(read) {
            let here = match at {
                At::Kind(wanted) => wanted == kind(record),
                At::Nth(wanted) => *wanted == appends,
            };
            if here && *wanted == when {
                strike(Signal::KILL);
            }
        }
        let file = || std::env::var_os("LANDFALL_CRASH_FILE").map(PathBuf::from);
        if let Some(file) = FILE.get_or_init(file) {
            look(file, seq, record, when);
        }
    }

    fn look(file: &Path, seq: u64, record: &Record, when: When) {
        let wanted = fs::read_to_string(file).ok().and_then(|text| parse_file(&text));
        let here = wanted.filter(|(at, moment, _)| (*at, *moment) == (seq, when));
        if when == When::After {
            trace(&file.with_extension("trace"), seq, record);
        }
        if let Some((_, _, signal)) = here
            && fs::remove_file(file).is_ok()
        {
            strike(signal);
        }
    }

    /// A test that cannot read it says so itself.
    fn trace(path: &Path, seq: u64, record: &Record) {
        if let Ok(mut trace) = fs::File::options().create(true).append(true).open(path) {
            let (step, way) = step(record).map_or((String::new(), ""), |(s, w)| (s.to_string(), w));
            let _ = writeln!(trace, "{seq}\t{}\t{step}\t{way}", kind(record));
        }
    }

    /// As hard as a power cut for this process, or as long as it is stopped: nothing is flushed,
    /// nothing unwinds.
    fn strike(signal: Signal) {
        let _ = kill_process(getpid(), signal);
        if signal == Signal::KILL {
            loop {
                std::thread::park();
            }
        }
        // Another thread may be given it: this one would run on, into the record, until all are stopped.
        std::thread::park_timeout(STOPS_WITHIN);
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

        #[test]
        fn a_file_names_a_record_a_moment_and_what_to_do() {
            assert_eq!(parse_file("7:before:stop\n"), Some((7, When::Before, Signal::STOP)));
            assert_eq!(parse_file("7:after:kill"), Some((7, When::After, Signal::KILL)));
            assert_eq!(parse_file("7:after:dance"), None);
        }
    }
}
