//! The keys at the top of a file, and of what is defined there.

use super::common::{
    NAME_RULE, OPTIONS, PAIRS, SWITCH, TEXT, TEXTS, WHOLE_ONLY, is_name, not_empty,
};
use super::service::SERVICE;
use super::types::Kind::{self, List, Map, Null, Text};
use super::types::{Names, Others, Shape, Table, Words, mapping};

/// A whole file.
pub(crate) static FILE: Shape = mapping(&[Map(&Table {
    owner: "a compose file",
    required: &[],
    others: Others::Extensions,
    keys: &[
        ("configs", &CONFIGS),
        ("include", &INCLUDES),
        ("models", &MODELS),
        ("name", &TEXT),
        ("networks", &NETWORKS),
        ("secrets", &SECRETS),
        ("services", &SERVICES),
        ("version", &TEXT),
        ("volumes", &VOLUMES),
    ],
})]);

static SERVICES: Shape = mapping(&[Kind::Names(&Names {
    of: "a service",
    fits: is_name,
    rule: NAME_RULE,
    shape: &ONE_SERVICE,
})]);
static ONE_SERVICE: Shape = mapping(&[Map(&SERVICE)]);

static INCLUDES: Shape = Shape { wanted: "a list", hint: "", kinds: &[List(&INCLUDE, false)] };
pub(super) static INCLUDE: Shape = Shape {
    wanted: "a text or a mapping",
    hint: "",
    kinds: &[
        Text(Words::Any),
        Map(&Table {
            owner: "`include`",
            required: &[],
            others: Others::Refused,
            keys: &[
                ("env_file", &INCLUDE_FILES),
                ("path", &INCLUDE_FILES),
                ("project_directory", &INCLUDE_FOLDER),
            ],
        }),
    ],
};
static INCLUDE_FILES: Shape = Shape {
    wanted: "a text or a list of texts",
    hint: "",
    kinds: &[Null, List(&TEXT, false), Text(Words::Any)],
};
/// A number is a folder's name, too.
static INCLUDE_FOLDER: Shape = Shape {
    wanted: "a text",
    hint: "",
    kinds: &[Null, Kind::Int(i64::MIN, i64::MAX), Text(Words::Any)],
};

static MODELS: Shape =
    mapping(&[Kind::Names(&Names { of: "a model", fits: is_name, rule: "", shape: &MODEL })]);
static MODEL: Shape = mapping(&[Map(&Table {
    owner: "a model",
    required: &["model"],
    others: Others::Extensions,
    keys: &[
        ("context_size", &WHOLE_ONLY),
        ("model", &TEXT),
        ("name", &TEXT),
        ("runtime_flags", &TEXTS),
    ],
})]);

static NETWORKS: Shape =
    mapping(&[Kind::Names(&Names { of: "a network", fits: is_name, rule: "", shape: &NETWORK })]);
static NETWORK: Shape = mapping(&[
    Null,
    Map(&Table {
        owner: "a network",
        required: &[],
        others: Others::Extensions,
        keys: &[
            ("attachable", &SWITCH),
            ("driver", &TEXT),
            ("driver_opts", &OPTIONS),
            ("enable_ipv4", &SWITCH),
            ("enable_ipv6", &SWITCH),
            ("external", &EXTERNAL),
            ("internal", &SWITCH),
            ("ipam", &IPAM),
            ("labels", &PAIRS),
            ("name", &TEXT),
        ],
    }),
]);

/// `true`, or the old way of naming it: `{name: x}`.
static EXTERNAL: Shape = external(&[
    Kind::Bool,
    Text(Words::Any),
    Map(&Table {
        owner: "`external`",
        required: &[],
        others: Others::Extensions,
        keys: &[("name", &TEXT)],
    }),
]);
/// The same where anything may stand beside the name.
static LOOSE_EXTERNAL: Shape = external(&[
    Kind::Bool,
    Text(Words::Any),
    Map(&Table {
        owner: "`external`",
        required: &[],
        others: Others::Accepted,
        keys: &[("name", &TEXT)],
    }),
]);

const fn external(kinds: &'static [Kind]) -> Shape {
    Shape { wanted: "a boolean", hint: "", kinds }
}

static IPAM: Shape = mapping(&[Map(&Table {
    owner: "`ipam`",
    required: &[],
    others: Others::Extensions,
    keys: &[("config", &POOLS), ("driver", &TEXT), ("options", &TEXT_MAP)],
})]);
static POOLS: Shape = Shape { wanted: "a list", hint: "", kinds: &[List(&POOL, false)] };
static POOL: Shape = mapping(&[Map(&Table {
    owner: "an entry of `ipam.config`",
    required: &[],
    others: Others::Extensions,
    keys: &[
        ("aux_addresses", &TEXT_MAP),
        ("gateway", &TEXT),
        ("ip_range", &TEXT),
        ("subnet", &TEXT),
    ],
})]);
static TEXT_MAP: Shape = mapping(&[Kind::Names(&Names {
    of: "",
    fits: not_empty,
    rule: "must not be empty",
    shape: &TEXT,
})]);

static VOLUMES: Shape = mapping(&[Kind::Names(&Names {
    of: "a volume",
    fits: is_name,
    rule: NAME_RULE,
    shape: &VOLUME,
})]);
static VOLUME: Shape = mapping(&[
    Null,
    Map(&Table {
        owner: "a volume",
        required: &[],
        others: Others::Extensions,
        keys: &[
            ("driver", &TEXT),
            ("driver_opts", &OPTIONS),
            ("external", &EXTERNAL),
            ("labels", &PAIRS),
            ("name", &TEXT),
        ],
    }),
]);

static SECRETS: Shape = mapping(&[Kind::Names(&Names {
    of: "a secret",
    fits: is_name,
    rule: NAME_RULE,
    shape: &SECRET,
})]);
static SECRET: Shape = mapping(&[Map(&Table {
    owner: "a secret",
    required: &[],
    others: Others::Extensions,
    keys: &[
        ("driver", &TEXT),
        ("driver_opts", &OPTIONS),
        ("environment", &TEXT),
        ("external", &LOOSE_EXTERNAL),
        ("file", &TEXT),
        ("labels", &PAIRS),
        ("name", &TEXT),
        ("template_driver", &TEXT),
    ],
})]);

static CONFIGS: Shape = mapping(&[Kind::Names(&Names {
    of: "a config",
    fits: is_name,
    rule: NAME_RULE,
    shape: &CONFIG,
})]);
static CONFIG: Shape = mapping(&[Map(&Table {
    owner: "a config",
    required: &[],
    others: Others::Extensions,
    keys: &[
        ("content", &TEXT),
        ("environment", &TEXT),
        ("external", &LOOSE_EXTERNAL),
        ("file", &TEXT),
        ("labels", &PAIRS),
        ("name", &TEXT),
        ("template_driver", &TEXT),
    ],
})]);
