//! Where landfall reads a file in another way than the reference, each with its reason. The suite
//! under `tests/oracle` has a case for each that one file can show.

/// What is different, and why.
pub(crate) const DIFFERENCES: &[(&str, &str)] = &[
    (
        "aliases that multiply, deep nesting and files of more than 10 MB are refused",
        "`docker compose` runs out of memory on them",
    ),
    (
        "an unknown key, or a value of the wrong type, in `include` is an error",
        "`docker compose` leaves it aside without a word, and half of the app is missing",
    ),
    (
        "all errors are said at once, each with its place",
        "`docker compose` stops at the first, and which one comes first may change from run to run",
    ),
    (
        "`services.*.pre_start` and `build.no_cache_filter` are known keys",
        "the specification has them since; 2.40.3 refuses them",
    ),
    (
        "the same entry twice in a list of `extra_hosts` is accepted",
        "it says the same thing twice, which harms nobody",
    ),
    (
        "a number without a fraction such as `2.0` is a whole number everywhere",
        "`docker compose` takes it in some places and not in others",
    ),
    (
        "`build.ulimits` and `blkio_config.weight` accept a number that stands in quotes",
        "a variable always gives a text; `docker compose` refuses it, or ends with a stack trace",
    ),
    (
        "numbers and empty values in `build.additional_contexts` are refused with a message",
        "`docker compose` ends with a stack trace",
    ),
];
