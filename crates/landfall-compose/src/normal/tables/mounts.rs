//! What a service mounts, publishes and reads: the long forms of its lists.

use crate::normal::shape::Kind::{Bytes, Flag, Int, Mode, Object, Pairs, Printed, Text};
use crate::normal::shape::{Shape, always, filled, written};

pub(in crate::normal) const VOLUME: Shape = &[
    filled("type", Text),
    filled("source", Text),
    filled("target", Text),
    filled("read_only", Flag),
    filled("consistency", Text),
    written("bind", Object(BIND)),
    written("volume", Object(NAMED)),
    written("tmpfs", Object(TMPFS)),
    written("image", Object(IMAGE)),
];

const BIND: Shape = &[
    filled("selinux", Text),
    filled("propagation", Text),
    filled("create_host_path", Flag),
    filled("recursive", Text),
];

const NAMED: Shape = &[filled("labels", Pairs), filled("nocopy", Flag), filled("subpath", Text)];
const TMPFS: Shape = &[filled("size", Bytes), filled("mode", Int)];
const IMAGE: Shape = &[filled("subpath", Text)];

pub(in crate::normal) const PORT: Shape = &[
    filled("name", Text),
    filled("mode", Text),
    filled("host_ip", Text),
    filled("target", Int),
    filled("published", Printed),
    filled("protocol", Text),
    filled("app_protocol", Text),
];

pub(in crate::normal) const GRANT: Shape = &[
    filled("source", Text),
    filled("target", Text),
    filled("uid", Printed),
    filled("gid", Printed),
    written("mode", Mode),
];

pub(in crate::normal) const DEVICE: Shape =
    &[filled("source", Text), filled("target", Text), filled("permissions", Text)];

pub(in crate::normal) const ENV_FILE: Shape =
    &[filled("path", Text), always("required", Flag), filled("format", Text)];
