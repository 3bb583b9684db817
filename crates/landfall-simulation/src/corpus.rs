//! Runs that failed once: replayed before all others.

use crate::fault::Fault;

/// The committed ones.
const CORPUS: &str = include_str!("../corpus.txt");

/// One run, by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Case {
    /// A random one.
    Seed(u64),
    /// A scenario with one fault at one call; without one, as it is.
    Single(String, Option<(u64, Fault)>),
}

impl Case {
    /// As it is printed: `seed 7`, or `upgrade | 12 | CrashAfter`.
    pub fn parse(line: &str) -> Option<Self> {
        if let Some(seed) = line.strip_prefix("seed ") {
            return Some(Self::Seed(seed.trim().parse().ok()?));
        }
        let mut parts = line.split('|').map(str::trim);
        let name = parts.next()?.to_owned();
        let fault = match (parts.next(), parts.next()) {
            (Some(point), Some(fault)) => Some((point.parse().ok()?, Fault::parse(fault)?)),
            (None, None) => None,
            (Some(_) | None, _) => return None,
        };
        Some(Self::Single(name, fault))
    }
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Seed(seed) => write!(f, "seed {seed}"),
            Self::Single(name, None) => f.write_str(name),
            Self::Single(name, Some((point, fault))) => write!(f, "{name} | {point} | {fault:?}"),
        }
    }
}

/// All of them.
pub fn all() -> Vec<Case> {
    let lines = CORPUS.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .filter_map(Case::parse)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_corpus_is_a_case() {
        let lines = CORPUS.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
        assert_eq!(lines.count(), all().len());
        for text in ["seed 7", "upgrade", "two apps at once | 12 | CrashAfter"] {
            assert_eq!(Case::parse(text).unwrap().to_string(), text);
        }
    }
}
