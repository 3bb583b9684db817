//! The keys of `build`.

use super::common::{BOOL_OR_TEXT, HOSTS, PAIRS, SIZE_WHOLE, TEXT, TEXT_OR_SET, TEXTS};
use super::service::{GRANTS, ULIMITS};
use super::types::Kind::{Map, Text};
use super::types::{Others, Shape, Table, Words};

pub(super) static BUILD: Shape =
    Shape { wanted: "a text or a mapping", hint: "", kinds: &[Text(Words::Any), Map(&TABLE)] };

static TABLE: Table = Table {
    owner: "`build`",
    required: &[],
    others: Others::Extensions,
    keys: &[
        ("additional_contexts", &PAIRS),
        ("args", &PAIRS),
        ("cache_from", &TEXTS),
        ("cache_to", &TEXTS),
        ("context", &TEXT),
        ("dockerfile", &TEXT),
        ("dockerfile_inline", &TEXT),
        ("entitlements", &TEXTS),
        ("extra_hosts", &HOSTS),
        ("isolation", &TEXT),
        ("labels", &PAIRS),
        ("network", &TEXT),
        ("no_cache", &BOOL_OR_TEXT),
        ("no_cache_filter", &TEXT_OR_SET),
        ("platforms", &TEXTS),
        ("privileged", &BOOL_OR_TEXT),
        ("provenance", &BOOL_OR_TEXT),
        ("pull", &BOOL_OR_TEXT),
        ("sbom", &BOOL_OR_TEXT),
        ("secrets", &GRANTS),
        ("shm_size", &SIZE_WHOLE),
        ("ssh", &PAIRS),
        ("tags", &TEXTS),
        ("target", &TEXT),
        ("ulimits", &ULIMITS),
    ],
};
