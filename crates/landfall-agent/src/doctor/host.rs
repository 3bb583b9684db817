//! Checks of the host itself: disk, clock, permissions. Judgements are pure.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use landfall_api::{Check, Level};

use crate::config::AgentConfig;
use crate::ground::DiskSpace;

/// Below this a deploy that pulls an image is likely to fail.
const FREE_MIN_BYTES: u64 = 1_000_000_000;
/// Below this nothing can be written down any more.
const FREE_CRITICAL_BYTES: u64 = 100_000_000;
/// Clocks of one host that are further apart than this are two clocks.
const CLOCK_APART_MAX_MS: u64 = 5_000;
/// 2024-01-01: a clock that says less was never set.
const CLOCK_UNSET_MS: u64 = 1_704_067_200_000;

/// Space for what a deploy writes.
pub(super) fn disk(name: &str, path: &Path, space: DiskSpace) -> Check {
    let megabytes = |bytes: u64| bytes / 1_000_000;
    let percent = |part: u64, all: u64| part.saturating_mul(100).checked_div(all).unwrap_or(0);
    let text = format!(
        "{} MB free ({} %) on the file system of {}",
        megabytes(space.free_bytes),
        percent(space.free_bytes, space.total_bytes),
        path.display()
    );
    let no_inodes = space.inodes > 0 && percent(space.inodes_free, space.inodes) < 2;
    if space.free_bytes < FREE_CRITICAL_BYTES || no_inodes {
        let why = if no_inodes { "; hardly an inode is free" } else { "" };
        return Check::new(name, Level::Error, text + why)
            .hint("free space now: neither journals nor images can be written");
    }
    if space.free_bytes < FREE_MIN_BYTES {
        return Check::new(name, Level::Warning, text)
            .hint("a deploy needs room for its new images beside the old ones");
    }
    Check::new(name, Level::Ok, text)
}

/// The agent's clock beside the engine's.
pub(super) fn clock(engine_ms: Option<u64>, own_ms: u64) -> Check {
    if own_ms < CLOCK_UNSET_MS {
        return Check::new("clock", Level::Error, "the host's clock was never set")
            .hint("set it: histories and certificates depend on it; decisions never do");
    }
    match engine_ms {
        None => Check::new("clock", Level::Note, "the engine does not tell its time"),
        Some(engine_ms) if engine_ms.abs_diff(own_ms) > CLOCK_APART_MAX_MS => {
            let apart = engine_ms.abs_diff(own_ms) / 1_000;
            let text = format!("the engine's clock and the agent's are {apart} s apart");
            Check::new("clock", Level::Warning, text).hint("is time being set right now?")
        }
        Some(_) => Check::new("clock", Level::Ok, "the engine and the agent agree"),
    }
}

/// Who may look at state, and who may talk to the agent.
pub(super) fn permissions(config: &AgentConfig) -> Check {
    let mode = |path: &Path| std::fs::metadata(path).map(|meta| meta.permissions().mode() & 0o7777);
    let rules: [_; 4] = [
        (config.state_dir.clone(), 0o711_u32),
        (config.state_dir.join("store"), 0o700),
        (config.state_dir.join("store/landfall.db"), 0o600),
        (config.socket.clone(), 0o660),
    ];
    let wrong: Vec<_> = rules
        .iter()
        .filter_map(|(path, most)| match mode(path) {
            Ok(mode) if mode & !most == 0 => None,
            Ok(mode) => {
                Some(format!("{} has mode {mode:o}, at most {most:o} is right", path.display()))
            }
            Err(error) => Some(format!("{}: {error}", path.display())),
        })
        .collect();
    if wrong.is_empty() {
        return Check::new("permissions", Level::Ok, "state and socket are private");
    }
    Check::new("permissions", Level::Error, "state or socket are open to others, or gone")
        .details(wrong)
        .hint("releases hold secrets: take the rights away; a restart of the agent sets them right")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_judged_by_what_is_free() {
        let level = |free_bytes, inodes_free| {
            let space =
                DiskSpace { free_bytes, total_bytes: 10_000_000_000, inodes_free, inodes: 1000 };
            disk("disk", Path::new("/"), space).level
        };
        assert_eq!(level(5_000_000_000, 900), Level::Ok);
        assert_eq!(level(500_000_000, 900), Level::Warning);
        assert_eq!(level(50_000_000, 900), Level::Error);
        assert_eq!(level(5_000_000_000, 3), Level::Error);
    }

    #[test]
    fn a_clock_is_judged_beside_the_engines() {
        let now = 1_791_106_200_000;
        assert_eq!(clock(Some(now + 900), now).level, Level::Ok);
        assert_eq!(clock(Some(now - 60_000), now).level, Level::Warning);
        assert_eq!(clock(None, now).level, Level::Note);
        assert_eq!(clock(Some(3), 3).level, Level::Error);
    }
}
