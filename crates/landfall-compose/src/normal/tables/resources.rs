//! What stands beside the services: networks, volumes, secrets, configs, models.

use crate::normal::shape::Kind::{Flag, Int, List, Object, Pairs, Text, Texts};
use crate::normal::shape::{Shape, always, filled, written};

pub(in crate::normal) const NETWORK: Shape = &[
    filled("name", Text),
    filled("driver", Text),
    filled("driver_opts", Pairs),
    always("ipam", Object(IPAM)),
    filled("external", Flag),
    filled("internal", Flag),
    filled("attachable", Flag),
    filled("labels", Pairs),
    written("enable_ipv4", Flag),
    written("enable_ipv6", Flag),
];

const IPAM: Shape = &[filled("driver", Text), filled("config", List(&Object(POOL)))];

const POOL: Shape = &[
    filled("subnet", Text),
    filled("gateway", Text),
    filled("ip_range", Text),
    filled("aux_addresses", Pairs),
];

pub(in crate::normal) const TOP_VOLUME: Shape = &[
    filled("name", Text),
    filled("driver", Text),
    filled("driver_opts", Pairs),
    filled("external", Flag),
    filled("labels", Pairs),
];

pub(in crate::normal) const SECRET: Shape = &[
    filled("name", Text),
    filled("file", Text),
    filled("environment", Text),
    filled("external", Flag),
    filled("labels", Pairs),
    filled("driver", Text),
    filled("driver_opts", Pairs),
    filled("template_driver", Text),
];

pub(in crate::normal) const CONFIG: Shape = &[
    filled("name", Text),
    filled("file", Text),
    filled("environment", Text),
    filled("content", Text),
    filled("external", Flag),
    filled("labels", Pairs),
    filled("driver", Text),
    filled("driver_opts", Pairs),
    filled("template_driver", Text),
];

pub(in crate::normal) const MODEL: Shape = &[
    filled("name", Text),
    filled("model", Text),
    filled("context_size", Int),
    filled("runtime_flags", Texts),
];
