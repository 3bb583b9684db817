//! The keys of `deploy`, and requests for devices.

use super::common::{
    COUNT, DURATION, NUMBER, NUMBER_OR_TEXT, PAIRS, SET, SIZE_TEXT, TEXT, TEXTS, WHOLE,
    WHOLE_OR_TEXT,
};
use super::types::Kind::{List, Map, Null, Text};
use super::types::{Others, Shape, Table, Words, list, mapping};

pub(super) static DEPLOY: Shape = mapping(&[
    Null,
    Map(&Table {
        owner: "`deploy`",
        required: &[],
        others: Others::Extensions,
        keys: &[
            ("endpoint_mode", &TEXT),
            ("labels", &PAIRS),
            ("mode", &TEXT),
            ("placement", &PLACEMENT),
            ("replicas", &WHOLE),
            ("resources", &RESOURCES),
            ("restart_policy", &RESTART_POLICY),
            ("rollback_config", &ROLLBACK_CONFIG),
            ("update_config", &UPDATE_CONFIG),
        ],
    }),
]);

static PLACEMENT: Shape = mapping(&[Map(&Table {
    owner: "`placement`",
    required: &[],
    others: Others::Extensions,
    keys: &[
        ("constraints", &TEXTS),
        ("max_replicas_per_node", &COUNT),
        ("preferences", &PREFERENCES),
    ],
})]);
static PREFERENCES: Shape = list(&[List(&PREFERENCE, false)]);
static PREFERENCE: Shape = mapping(&[Map(&Table {
    owner: "a preference",
    required: &[],
    others: Others::Extensions,
    keys: &[("spread", &TEXT)],
})]);

static RESOURCES: Shape = mapping(&[Map(&Table {
    owner: "`deploy.resources`",
    required: &[],
    others: Others::Extensions,
    keys: &[("limits", &LIMITS), ("reservations", &RESERVATIONS)],
})]);
static LIMITS: Shape = mapping(&[Map(&Table {
    owner: "`deploy.resources.limits`",
    required: &[],
    others: Others::Extensions,
    keys: &[("cpus", &NUMBER_OR_TEXT), ("memory", &SIZE_TEXT), ("pids", &WHOLE_OR_TEXT)],
})]);
static RESERVATIONS: Shape = mapping(&[Map(&Table {
    owner: "`deploy.resources.reservations`",
    required: &[],
    others: Others::Extensions,
    keys: &[
        ("cpus", &NUMBER_OR_TEXT),
        ("devices", &DEVICES),
        ("generic_resources", &GENERIC_RESOURCES),
        ("memory", &SIZE_TEXT),
    ],
})]);
static GENERIC_RESOURCES: Shape = list(&[List(&GENERIC_RESOURCE, false)]);
static GENERIC_RESOURCE: Shape = mapping(&[Map(&Table {
    owner: "a generic resource",
    required: &[],
    others: Others::Extensions,
    keys: &[("discrete_resource_spec", &DISCRETE)],
})]);
static DISCRETE: Shape = mapping(&[Map(&Table {
    owner: "`discrete_resource_spec`",
    required: &[],
    others: Others::Extensions,
    keys: &[("kind", &TEXT), ("value", &NUMBER_OR_TEXT)],
})]);

static DEVICES: Shape = list(&[List(&DEVICE, false)]);
static DEVICE: Shape = mapping(&[Map(&Table {
    owner: "a device request",
    required: &["capabilities"],
    others: Others::Extensions,
    keys: DEVICE_KEYS,
})]);
const DEVICE_KEYS: &[(&str, &Shape)] = &[
    ("capabilities", &SET),
    ("count", &WHOLE_OR_TEXT),
    ("device_ids", &SET),
    ("driver", &TEXT),
    ("options", &PAIRS),
];

/// `gpus`: `all`, or requests that are written less strictly than under `deploy`.
pub(super) static GPUS: Shape = Shape {
    wanted: "`all` or a list",
    hint: "",
    kinds: &[Text(Words::OneOf(&["all"])), List(&GPU, false)],
};
static GPU: Shape = mapping(&[Map(&Table {
    owner: "a GPU request",
    required: &[],
    others: Others::Accepted,
    keys: DEVICE_KEYS,
})]);

static RESTART_POLICY: Shape = mapping(&[Map(&Table {
    owner: "`restart_policy`",
    required: &[],
    others: Others::Extensions,
    keys: &[
        ("condition", &TEXT),
        ("delay", &DURATION),
        ("max_attempts", &COUNT),
        ("window", &DURATION),
    ],
})]);

static ORDER: Shape = Shape {
    wanted: "a text",
    hint: "",
    kinds: &[Text(Words::OneOf(&["start-first", "stop-first"]))],
};
const CHANGE_KEYS: &[(&str, &Shape)] = &[
    ("delay", &DURATION),
    ("failure_action", &TEXT),
    ("max_failure_ratio", &NUMBER),
    ("monitor", &DURATION),
    ("order", &ORDER),
    ("parallelism", &COUNT),
];
static ROLLBACK_CONFIG: Shape = mapping(&[Map(&Table {
    owner: "`rollback_config`",
    required: &[],
    others: Others::Extensions,
    keys: CHANGE_KEYS,
})]);
static UPDATE_CONFIG: Shape = mapping(&[Map(&Table {
    owner: "`update_config`",
    required: &[],
    others: Others::Extensions,
    keys: CHANGE_KEYS,
})]);
