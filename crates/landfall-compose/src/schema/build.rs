//! The keys of `build`.

use super::common::{
    BOOL_OR_TEXT, HOSTS, PAIRS, SCALARS, SIZE_WHOLE, TEXT, TEXT_OR_SET, TEXTS, not_empty,
};
use super::parts::{GRANTS, ULIMITS};
use super::types::Kind::{self, Map, Text};
use super::types::{Names, Others, Shape, Table, Words};

pub(super) static BUILD: Shape =
    Shape { wanted: "a text or a mapping", hint: "", kinds: &[Text(Words::Any), Map(&TABLE)] };

static TABLE: Table = Table {
    owner: "`build`",
    required: &[],
    others: Others::Extensions,
    keys: &[
        ("additional_contexts", &CONTEXTS),
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
        ("ssh", &SSH),
        ("tags", &TEXTS),
        ("target", &TEXT),
        ("ulimits", &ULIMITS),
    ],
};

static CONTEXTS: Shape = Shape {
    wanted: "a mapping or a list of `NAME=value`",
    hint: "",
    kinds: &[
        Kind::Names(&Names { of: "", fits: not_empty, rule: "must not be empty", shape: &TEXT }),
        Kind::List(&TEXT, true),
    ],
};

static SSH: Shape = Shape {
    wanted: "a mapping or a list",
    hint: "",
    kinds: &[Kind::Names(&SCALARS), Kind::List(&SSH_KEY, true)],
};
static SSH_KEY: Shape = Shape {
    wanted: "a text",
    hint: "",
    kinds: &[Text(Words::Like(
        |text| text == "default" || text.contains('='),
        "must be `default` or `NAME=path`",
    ))],
};
