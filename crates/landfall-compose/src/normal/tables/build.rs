//! `build` and `develop` of a service.

use super::service::HOOK;
use crate::normal::shape::Kind::{
    Bytes, Flag, Grants, Hosts, List, Map, Object, Pairs, Printed, Ssh, Text, Texts, Ulimit,
    Variables,
};
use crate::normal::shape::{Shape, always, filled};

pub(super) const BUILD: Shape = &[
    filled("context", Text),
    filled("dockerfile", Text),
    filled("dockerfile_inline", Text),
    filled("entitlements", Texts),
    filled("args", Variables),
    filled("provenance", Printed),
    filled("sbom", Printed),
    filled("ssh", Ssh),
    filled("labels", Pairs),
    filled("cache_from", Texts),
    filled("cache_to", Texts),
    filled("no_cache", Flag),
    filled("additional_contexts", Pairs),
    filled("pull", Flag),
    filled("extra_hosts", Hosts),
    filled("isolation", Text),
    filled("network", Text),
    filled("target", Text),
    filled("secrets", Grants),
    filled("shm_size", Bytes),
    filled("tags", Texts),
    filled("ulimits", Map(&Ulimit)),
    filled("platforms", Texts),
    filled("privileged", Flag),
];

pub(super) const DEVELOP: Shape = &[filled("watch", List(&Object(TRIGGER)))];

const TRIGGER: Shape = &[
    always("path", Text),
    always("action", Text),
    filled("target", Text),
    always("exec", Object(HOOK)),
    filled("include", Texts),
    filled("ignore", Texts),
    filled("initial_sync", Flag),
];
