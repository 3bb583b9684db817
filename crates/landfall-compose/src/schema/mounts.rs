//! The keys of `ports` and `volumes` of a service.

use super::common::{BOOL_OR_TEXT, COUNT, PAIRS, SWITCH, TEXT, WHOLE_OR_TEXT};
use super::types::Kind::{self, List, Map, Text};
use super::types::{Others, Shape, Table, Words, mapping};

pub(super) static PORTS: Shape = Shape { wanted: "a list", hint: "", kinds: &[List(&PORT, true)] };
static PORT: Shape = Shape {
    wanted: "a port",
    hint: "write it as `80`, `8080:80` or `127.0.0.1:8080:80`",
    kinds: &[
        Kind::Number,
        Text(Words::Any),
        Map(&Table {
            owner: "a port",
            required: &[],
            others: Others::Extensions,
            keys: &[
                ("app_protocol", &TEXT),
                ("host_ip", &TEXT),
                ("mode", &TEXT),
                ("name", &TEXT),
                ("protocol", &TEXT),
                ("published", &WHOLE_OR_TEXT),
                ("target", &COUNT),
            ],
        }),
    ],
};

pub(super) static VOLUMES: Shape =
    Shape { wanted: "a list", hint: "", kinds: &[List(&VOLUME, true)] };
static VOLUME: Shape = Shape {
    wanted: "a text or a mapping",
    hint: "write it as `SOURCE:/path` or `SOURCE:/path:ro`",
    kinds: &[
        Text(Words::Any),
        Map(&Table {
            owner: "a mount",
            required: &["type"],
            others: Others::Extensions,
            keys: &[
                ("bind", &BIND),
                ("consistency", &TEXT),
                ("image", &IMAGE),
                ("read_only", &SWITCH),
                ("source", &TEXT),
                ("target", &TEXT),
                ("tmpfs", &TMPFS),
                ("type", &TYPE),
                ("volume", &NAMED),
            ],
        }),
    ],
};

static TYPE: Shape = Shape {
    wanted: "a text",
    hint: "",
    kinds: &[Text(Words::OneOf(&["bind", "volume", "tmpfs", "cluster", "npipe", "image"]))],
};

static BIND: Shape = mapping(&[Map(&Table {
    owner: "`bind`",
    required: &[],
    others: Others::Extensions,
    keys: &[
        ("create_host_path", &BOOL_OR_TEXT),
        ("propagation", &TEXT),
        ("recursive", &RECURSIVE),
        ("selinux", &SELINUX),
    ],
})]);
static RECURSIVE: Shape = Shape {
    wanted: "a text",
    hint: "",
    kinds: &[Text(Words::OneOf(&["enabled", "disabled", "writable", "readonly"]))],
};
static SELINUX: Shape =
    Shape { wanted: "a text", hint: "", kinds: &[Text(Words::OneOf(&["z", "Z"]))] };

static NAMED: Shape = mapping(&[Map(&Table {
    owner: "`volume`",
    required: &[],
    others: Others::Extensions,
    keys: &[("labels", &PAIRS), ("nocopy", &SWITCH), ("subpath", &TEXT)],
})]);

static TMPFS: Shape = mapping(&[Map(&Table {
    owner: "`tmpfs`",
    required: &[],
    others: Others::Extensions,
    keys: &[("mode", &TMPFS_MODE), ("size", &TMPFS_SIZE)],
})]);
static TMPFS_MODE: Shape = Shape {
    wanted: "a file mode",
    hint: "write it as `01777`, without quotes",
    kinds: &[Kind::Int(0, 0xffff_ffff), Kind::Number],
};
static TMPFS_SIZE: Shape = Shape {
    wanted: "a size",
    hint: "write it as `512m`, `2g` or a number of bytes",
    kinds: &[Kind::Int(0, i64::MAX), Text(Words::Any)],
};

static IMAGE: Shape = mapping(&[Map(&Table {
    owner: "`image`",
    required: &[],
    others: Others::Extensions,
    keys: &[("subpath", &TEXT)],
})]);
