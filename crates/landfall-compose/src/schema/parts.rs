//! What stands below the keys of a service, in the order of the keys.

use super::common::{
    BOOL, BOOL_OR_TEXT, COMMAND, DURATION, MODE, NAME_RULE, NUMBER_ONLY, OPTIONS, PAIRS, SET,
    SWITCH, TEXT, TEXT_OR_SET, WHOLE, WHOLE_OR_TEXT, is_name, not_empty,
};
use super::types::Kind::{self, List, Map, Null, Text};
use super::types::{Names, Others, Shape, Table, Words, list, mapping};

pub(super) static BLKIO: Shape = mapping(&[Map(&Table {
    owner: "`blkio_config`",
    required: &[],
    others: Others::Refused,
    keys: &[
        ("device_read_bps", &BLKIO_RATES),
        ("device_read_iops", &BLKIO_RATES),
        ("device_write_bps", &BLKIO_RATES),
        ("device_write_iops", &BLKIO_RATES),
        ("weight", &WEIGHT),
        ("weight_device", &BLKIO_WEIGHTS),
    ],
})]);
static BLKIO_RATES: Shape = list(&[List(&BLKIO_RATE, false)]);
static BLKIO_RATE: Shape = mapping(&[Map(&Table {
    owner: "a limit of a device",
    required: &[],
    others: Others::Refused,
    keys: &[("path", &TEXT), ("rate", &WHOLE_OR_TEXT)],
})]);
static BLKIO_WEIGHTS: Shape = list(&[List(&BLKIO_WEIGHT, false)]);
static BLKIO_WEIGHT: Shape = mapping(&[Map(&Table {
    owner: "the weight of a device",
    required: &[],
    others: Others::Refused,
    keys: &[("path", &TEXT), ("weight", &WEIGHT)],
})]);

static WEIGHT: Shape =
    Shape { wanted: "a whole number", hint: "", kinds: &[Kind::Int(0, 65_535), Text(Words::Any)] };

pub(super) static CGROUP: Shape =
    Shape { wanted: "a text", hint: "", kinds: &[Text(Words::OneOf(&["host", "private"]))] };

pub(super) static GRANTS: Shape = list(&[List(&GRANT, false)]);
static GRANT: Shape = Shape {
    wanted: "a name or a mapping",
    hint: "",
    kinds: &[
        Text(Words::Any),
        Map(&Table {
            owner: "the config or secret of a service",
            required: &[],
            others: Others::Extensions,
            keys: &[
                ("gid", &TEXT),
                ("mode", &MODE),
                ("source", &TEXT),
                ("target", &TEXT),
                ("uid", &TEXT),
            ],
        }),
    ],
};

pub(super) static CONTAINER_NAME: Shape = Shape {
    wanted: "a text",
    hint: "put it in quotes",
    kinds: &[Text(Words::Like(
        is_container_name,
        "must have at least two letters, digits, `.`, `-` or `_`",
    ))],
};

/// Somewhere in it: a letter or digit, and one more character of a name.
fn is_container_name(text: &str) -> bool {
    text.as_bytes().windows(2).any(|pair| {
        pair[0].is_ascii_alphanumeric()
            && (pair[1].is_ascii_alphanumeric() || matches!(pair[1], b'_' | b'.' | b'-'))
    })
}

pub(super) static CPU_COUNT: Shape = Shape {
    wanted: "a whole number",
    hint: "",
    kinds: &[Kind::Int(0, i64::MAX), Text(Words::Any)],
};
pub(super) static CPU_PERCENT: Shape =
    Shape { wanted: "a whole number", hint: "", kinds: &[Kind::Int(0, 100), Text(Words::Any)] };
pub(super) static OOM_SCORE: Shape = Shape {
    wanted: "a whole number",
    hint: "",
    kinds: &[Kind::Int(-1000, 1000), Text(Words::Any)],
};

pub(super) static CREDENTIAL_SPEC: Shape = mapping(&[Map(&Table {
    owner: "`credential_spec`",
    required: &[],
    others: Others::Extensions,
    keys: &[("config", &TEXT), ("file", &TEXT), ("registry", &TEXT)],
})]);

pub(super) static DEPENDS_ON: Shape = Shape {
    wanted: "a list or a mapping",
    hint: "",
    kinds: &[
        List(&TEXT, true),
        Kind::Names(&Names { of: "a service", fits: is_name, rule: NAME_RULE, shape: &DEPENDENCY }),
    ],
};
static DEPENDENCY: Shape = mapping(&[Map(&Table {
    owner: "a dependency",
    required: &["condition"],
    others: Others::Extensions,
    keys: &[("condition", &CONDITION), ("required", &BOOL), ("restart", &SWITCH)],
})]);
static CONDITION: Shape = Shape {
    wanted: "a text",
    hint: "",
    kinds: &[Text(Words::OneOf(&[
        "service_started",
        "service_healthy",
        "service_completed_successfully",
    ]))],
};

pub(super) static DEVELOP: Shape = mapping(&[
    Null,
    Map(&Table {
        owner: "`develop`",
        required: &[],
        others: Others::Extensions,
        keys: &[("watch", &WATCHES)],
    }),
]);
static WATCHES: Shape = list(&[List(&WATCH, false)]);
static WATCH: Shape = mapping(&[Map(&Table {
    owner: "an entry of `watch`",
    required: &["path", "action"],
    others: Others::Extensions,
    keys: &[
        ("action", &WATCH_ACTION),
        ("exec", &HOOK),
        ("ignore", &TEXT_OR_SET),
        ("include", &TEXT_OR_SET),
        ("initial_sync", &BOOL),
        ("path", &TEXT),
        ("target", &TEXT),
    ],
})]);
static WATCH_ACTION: Shape = Shape {
    wanted: "a text",
    hint: "",
    kinds: &[Text(Words::OneOf(&["rebuild", "sync", "restart", "sync+restart", "sync+exec"]))],
};

pub(super) static DEVICES: Shape = list(&[List(&DEVICE, false)]);
static DEVICE: Shape = Shape {
    wanted: "a text or a mapping",
    hint: "",
    kinds: &[
        Text(Words::Any),
        Map(&Table {
            owner: "a device",
            required: &["source"],
            others: Others::Extensions,
            keys: &[("permissions", &TEXT), ("source", &TEXT), ("target", &TEXT)],
        }),
    ],
};

pub(super) static ENV_FILE: Shape = Shape {
    wanted: "a text or a list",
    hint: "",
    kinds: &[Text(Words::Any), List(&ENV_FILE_ITEM, false)],
};
static ENV_FILE_ITEM: Shape = Shape {
    wanted: "a text or a mapping",
    hint: "",
    kinds: &[
        Text(Words::Any),
        Map(&Table {
            owner: "an `env_file`",
            required: &["path"],
            others: Others::Refused,
            keys: &[("format", &TEXT), ("path", &TEXT), ("required", &BOOL_OR_TEXT)],
        }),
    ],
};

pub(super) static LABEL_FILE: Shape = Shape {
    wanted: "a text or a list of texts",
    hint: "",
    kinds: &[Text(Words::Any), List(&TEXT, false)],
};

pub(super) static EXTENDS: Shape = Shape {
    wanted: "a text or a mapping",
    hint: "",
    kinds: &[
        Text(Words::Any),
        Map(&Table {
            owner: "`extends`",
            required: &["service"],
            others: Others::Refused,
            keys: &[("file", &TEXT), ("service", &TEXT)],
        }),
    ],
};

pub(super) static HEALTHCHECK: Shape = mapping(&[Map(&Table {
    owner: "a `healthcheck`",
    required: &[],
    others: Others::Extensions,
    keys: &[
        ("disable", &SWITCH),
        ("interval", &DURATION),
        ("retries", &RETRIES),
        ("start_interval", &DURATION),
        ("start_period", &DURATION),
        ("test", &LABEL_FILE),
        ("timeout", &DURATION),
    ],
})]);

static RETRIES: Shape = Shape {
    wanted: "a whole number",
    hint: "",
    kinds: &[
        Kind::Int(0, i64::MAX),
        Kind::Number,
        Text(Words::Like(is_retries, "must be a whole number, 0 or more")),
    ],
};

fn is_retries(text: &str) -> bool {
    text.parse::<u64>().is_ok()
}

pub(super) static LOGGING: Shape = mapping(&[Map(&Table {
    owner: "`logging`",
    required: &[],
    others: Others::Extensions,
    keys: &[("driver", &TEXT), ("options", &LOG_OPTIONS)],
})]);
pub(super) static LOG_OPTIONS: Shape =
    mapping(&[Kind::Names(&Names { of: "", fits: not_empty, rule: "", shape: &LOG_OPTION })]);
static LOG_OPTION: Shape = Shape {
    wanted: "a text or a number",
    hint: "put it in quotes",
    kinds: &[Null, Kind::Number, Text(Words::Any)],
};

pub(super) static MODELS: Shape = Shape {
    wanted: "a list or a mapping",
    hint: "",
    kinds: &[
        List(&TEXT, true),
        Kind::Names(&Names { of: "a model", fits: is_name, rule: "", shape: &MODEL }),
    ],
};
static MODEL: Shape = mapping(&[
    Null,
    Map(&Table {
        owner: "the model of a service",
        required: &[],
        others: Others::Extensions,
        keys: &[("endpoint_var", &TEXT), ("model_var", &TEXT)],
    }),
]);

pub(super) static NETWORKS: Shape = Shape {
    wanted: "a list or a mapping",
    hint: "",
    kinds: &[
        List(&TEXT, true),
        Kind::Names(&Names { of: "a network", fits: is_name, rule: NAME_RULE, shape: &NETWORK }),
    ],
};
static NETWORK: Shape = mapping(&[
    Null,
    Map(&Table {
        owner: "the network of a service",
        required: &[],
        others: Others::Extensions,
        keys: &[
            ("aliases", &SET),
            ("driver_opts", &OPTIONS),
            ("gw_priority", &NUMBER_ONLY),
            ("interface_name", &TEXT),
            ("ipv4_address", &TEXT),
            ("ipv6_address", &TEXT),
            ("link_local_ips", &SET),
            ("mac_address", &TEXT),
            ("priority", &NUMBER_ONLY),
        ],
    }),
]);

pub(super) static PID: Shape =
    Shape { wanted: "a text", hint: "", kinds: &[Null, Text(Words::Any)] };

pub(super) static HOOKS: Shape = list(&[List(&HOOK, false)]);
static HOOK: Shape = mapping(&[Map(&Table {
    owner: "a hook",
    required: &["command"],
    others: Others::Extensions,
    keys: &[
        ("command", &COMMAND),
        ("environment", &PAIRS),
        ("privileged", &SWITCH),
        ("user", &TEXT),
        ("working_dir", &TEXT),
    ],
})]);

pub(super) static PROVIDER: Shape = mapping(&[Map(&Table {
    owner: "`provider`",
    required: &["type"],
    others: Others::Extensions,
    keys: &[("options", &PROVIDER_OPTIONS), ("type", &TEXT)],
})]);
static PROVIDER_OPTIONS: Shape =
    mapping(&[Kind::Names(&Names { of: "", fits: not_empty, rule: "", shape: &PROVIDER_OPTION })]);
static PROVIDER_OPTION: Shape = Shape {
    wanted: "a text, a number, a boolean or a list of them",
    hint: "",
    kinds: &[Kind::Bool, Kind::Number, Text(Words::Any), List(&PROVIDER_VALUE, false)],
};
static PROVIDER_VALUE: Shape = Shape {
    wanted: "a text, a number or a boolean",
    hint: "",
    kinds: &[Kind::Bool, Kind::Number, Text(Words::Any)],
};

pub(super) static PULL_POLICY: Shape = Shape {
    wanted: "a text",
    hint: "",
    kinds: &[Text(Words::Like(
        is_pull_policy,
        "must be `missing`, `always`, `never`, `build`, `daily`, `weekly` or `every_` and a duration",
    ))],
};

/// As loose as the specification's own pattern, which is not anchored.
fn is_pull_policy(text: &str) -> bool {
    let words =
        ["always", "never", "build", "if_not_present", "missing", "refresh", "daily", "weekly"];
    let every = |rest: &str| {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let unit = rest.as_bytes().get(digits);
        digits > 0 && unit.is_some_and(|unit| b"wdhms".contains(unit))
    };
    words.iter().any(|word| text.contains(word)) || text.split("every_").skip(1).any(every)
}

pub(super) static ULIMITS: Shape = mapping(&[Kind::Names(&Names {
    of: "a limit",
    fits: |name| !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase()),
    rule: "",
    shape: &ULIMIT,
})]);
static ULIMIT: Shape = Shape {
    wanted: "a whole number or a mapping",
    hint: "",
    kinds: &[
        Kind::Int(i64::MIN, i64::MAX),
        Text(Words::Any),
        Map(&Table {
            owner: "a limit",
            required: &["soft", "hard"],
            others: Others::Extensions,
            keys: &[("hard", &WHOLE), ("soft", &WHOLE)],
        }),
    ],
};
