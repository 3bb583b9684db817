//! Where landfall reads a file in another way than the reference, each with its reason. Those that a
//! case of `tests/oracle` shows are tied to it by a test.

/// One difference.
pub(crate) struct Difference {
    /// What landfall does.
    pub(crate) what: &'static str,
    /// Why, and what `docker compose` does.
    pub(crate) why: &'static str,
    /// Cases that show it, as `tests/oracle/explained.txt` names them.
    #[cfg_attr(not(test), expect(dead_code, reason = "for those who keep the two lists alike"))]
    pub(crate) cases: &'static [&'static str],
}

const fn told(what: &'static str, why: &'static str) -> Difference {
    Difference { what, why, cases: &[] }
}

/// All of them.
pub(crate) const DIFFERENCES: &[Difference] = &[
    Difference {
        what: "of two included files that define one service, the later counts",
        why: "as in later versions; 2.40.3 refuses it",
        cases: &["include/one service in two included files"],
    },
    Difference {
        what: "an `include` without a path is refused",
        why: "`docker compose` leaves it aside without a word, and part of the app is missing",
        cases: &["include/without a path"],
    },
    Difference {
        what: "an unknown key in `include` is refused",
        why: "`docker compose` leaves it aside without a word",
        cases: &["include/an unknown key"],
    },
    told(
        "`pre_start` and `build.no_cache_filter` are known keys",
        "the specification has them by now; 2.40.3 refuses them",
    ),
    Difference {
        what: "a default that is not needed is not evaluated: `${A:-${B:?}}` with `A` set",
        why: "as in later versions; 2.40.3 fails on the inner one",
        cases: &["interpolation/required and unset in a default that is not needed"],
    },
    Difference {
        what: "`build.ssh` is printed and merged",
        why: "`docker compose config` fails on every file that has it",
        cases: &["build/ssh as a list", "build/ssh as a mapping", "merge/ssh of a build, lists"],
    },
    Difference {
        what: "`gpus: all` in two files is accepted",
        why: "it says the same thing twice; `docker compose` cannot merge it",
        cases: &["merge/gpus, all of them in both"],
    },
    Difference {
        what: "a network whose name has a space in it is refused",
        why: "Docker Engine would not take it; `docker compose config` lets it through in a list",
        cases: &["networks/a name with a space"],
    },
    Difference {
        what: "a `!reset` inside an anchor counts wherever the anchor is used",
        why: "`docker compose` forgets it",
        cases: &["reset/reset through an alias"],
    },
    Difference {
        what: "a `%YAML` directive is accepted",
        why: "it is valid YAML",
        cases: &["yaml/a directive and an end"],
    },
    Difference {
        what: "an alias to an anchor of another document is refused",
        why: "anchors end with their document; `docker compose` takes the value over",
        cases: &["yaml/anchors do not cross documents"],
    },
    told(
        "aliases that multiply, deep nesting and files of more than 10 MB are refused",
        "`docker compose` runs out of memory on them",
    ),
    told(
        "includes from other machines are refused",
        "what is deployed must not change behind your back",
    ),
    told(
        "what stands wrongly under `x-landfall` is an error",
        "`docker compose` does not look at it",
    ),
    told(
        "all errors are said at once, each with its place",
        "`docker compose` stops at the first, and which one that is may change from run to run",
    ),
    told(
        "an entry that stands twice in a list of `extra_hosts`, or of the labels of a volume, config or secret is \
         accepted",
        "it says the same thing twice, which harms nobody",
    ),
    told(
        "a number such as `2.0` is a whole number everywhere",
        "`docker compose` takes it in some places and not in others",
    ),
    told(
        "`build.ulimits` and `blkio_config.weight` accept a number in quotes",
        "a variable always gives a text; `docker compose` refuses it, or ends with a stack trace",
    ),
    told(
        "a `target` that is empty is refused in mounts and devices",
        "`docker compose` accepts it here and fails when it starts the container",
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_explained_case_is_told_to_users() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle/explained.txt");
        let text = std::fs::read_to_string(path).unwrap();
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let explained: BTreeSet<&str> =
            lines.filter_map(|line| line.split_once(": ")).map(|(case, _)| case).collect();
        let told: BTreeSet<&str> = DIFFERENCES.iter().flat_map(|one| one.cases).copied().collect();
        assert_eq!(explained, told);
    }
}
