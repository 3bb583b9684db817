//! `deploy`, limits of block devices and the health check of a service.

use crate::normal::shape::Kind::{
    Bytes, Count, Duration, Flag, Float, HealthTest, Int, List, Object, Pairs, Text, Texts,
};
use crate::normal::shape::{Shape, always, filled, written};

pub(super) const DEPLOY: Shape = &[
    filled("mode", Text),
    written("replicas", Int),
    filled("labels", Pairs),
    written("update_config", Object(UPDATE)),
    written("rollback_config", Object(UPDATE)),
    always("resources", Object(RESOURCES)),
    written("restart_policy", Object(RESTART)),
    always("placement", Object(PLACEMENT)),
    filled("endpoint_mode", Text),
];

const UPDATE: Shape = &[
    written("parallelism", Int),
    filled("delay", Duration),
    filled("failure_action", Text),
    filled("monitor", Duration),
    filled("max_failure_ratio", Float),
    filled("order", Text),
];

const RESOURCES: Shape =
    &[written("limits", Object(RESOURCE)), written("reservations", Object(RESOURCE))];

const RESOURCE: Shape = &[
    filled("cpus", Float),
    filled("memory", Bytes),
    filled("pids", Int),
    filled("devices", List(&Object(DEVICE_REQUEST))),
    filled("generic_resources", List(&Object(GENERIC))),
];

pub(in crate::normal) const DEVICE_REQUEST: Shape = &[
    filled("capabilities", Texts),
    filled("driver", Text),
    filled("count", Count),
    filled("device_ids", Texts),
    filled("options", Pairs),
];

const GENERIC: Shape = &[written("discrete_resource_spec", Object(DISCRETE))];

const DISCRETE: Shape = &[always("kind", Text), always("value", Int)];

const RESTART: Shape = &[
    filled("condition", Text),
    written("delay", Duration),
    written("max_attempts", Int),
    written("window", Duration),
];

const PLACEMENT: Shape = &[
    filled("constraints", Texts),
    filled("preferences", List(&Object(PREFERENCE))),
    filled("max_replicas_per_node", Int),
];

const PREFERENCE: Shape = &[filled("spread", Text)];

pub(super) const BLKIO: Shape = &[
    filled("weight", Int),
    filled("weight_device", List(&Object(WEIGHT))),
    filled("device_read_bps", List(&Object(RATE))),
    filled("device_read_iops", List(&Object(RATE))),
    filled("device_write_bps", List(&Object(RATE))),
    filled("device_write_iops", List(&Object(RATE))),
];

const WEIGHT: Shape = &[always("path", Text), always("weight", Int)];
const RATE: Shape = &[always("path", Text), always("rate", Bytes)];

pub(super) const HEALTH: Shape = &[
    filled("test", HealthTest),
    written("timeout", Duration),
    written("interval", Duration),
    written("retries", Int),
    written("start_period", Duration),
    written("start_interval", Duration),
    filled("disable", Flag),
];
