//! The keys themselves.

use super::Kind::{
    Count, Duration, Group as Keys, Groups, Host, Listen, OneOf, Port, Rules, Switch, UrlPath,
};
use super::{Group, Place, Setting};

const ALLOW: Setting = Setting {
    name: "allow",
    kind: Rules,
    default: "none",
    meaning: "rules of `landfall check` that are known and meant here, by name",
};

/// At the top of the file.
pub(crate) static APP: Place = Place {
    owner: "`x-landfall` of the app",
    path: "x-landfall",
    settings: &[
        ALLOW,
        Setting {
            name: "deadline",
            kind: Duration,
            default: "5m",
            meaning: "how long a rollout may go without progress before it is undone",
        },
        Setting {
            name: "drain",
            kind: Duration,
            default: "30s",
            meaning: "how long requests in flight may take after the cutover",
        },
        Setting {
            name: "hold",
            kind: Switch,
            default: "false",
            meaning: "stop each deploy before its cutover, until `landfall promote` lets it through; \
                      `--hold` and `--no-hold` say otherwise once",
        },
        Setting {
            name: "hold_max",
            kind: Duration,
            default: "7d",
            meaning: "how long a held release waits before it is called off; 0 for ever",
        },
        Setting {
            name: "keep",
            kind: Count(1, 1000),
            default: "5",
            meaning: "stable releases that are kept for rolling back, the serving one included",
        },
    ],
};

/// In a service.
pub(crate) static SERVICE: Place = Place {
    owner: "`x-landfall` of a service",
    path: "services.NAME.x-landfall",
    settings: &[
        ALLOW,
        Setting {
            name: "health",
            kind: Keys(&HEALTH),
            default: "the service's or the image's `healthcheck`, else any HTTP answer below 500 on its \
                      published port, else staying up",
            meaning: "how to tell that a replica may take traffic",
        },
        Setting {
            name: "job",
            kind: OneOf(&[(
                "before-cutover",
                "once a release, in the order of `depends_on`, before the new release serves",
            )]),
            default: "none, unless others wait for it with `service_completed_successfully`",
            meaning: "run it to completion once a release, as migrations are",
        },
        Setting {
            name: "routes",
            kind: Groups(&ROUTE),
            default: "from `ports`",
            meaning: "what the edge sends to this service",
        },
        Setting {
            name: "singleton",
            kind: Switch,
            default: "false",
            meaning: "never run it twice at a time, not even while releases change, as a scheduler wants it",
        },
        Setting {
            name: "update",
            kind: OneOf(&[
                ("rolling", "new replicas start beside the old ones"),
                ("in-place", "the old container goes, then the new one comes: for what keeps data"),
            ]),
            default: "`in-place` for images that are known to keep data, else `rolling`",
            meaning: "how a new revision takes the place of the old one",
        },
    ],
};

/// In a volume.
pub(crate) static VOLUME: Place = Place {
    owner: "`x-landfall` of a volume",
    path: "volumes.NAME.x-landfall",
    settings: &[Setting {
        name: "scope",
        kind: OneOf(&[
            ("app", "one volume for all releases: data"),
            ("release", "a new, empty volume for every release: files that a release makes"),
        ]),
        default: "app",
        meaning: "whether releases share the volume",
    }],
};

static HEALTH: Group = Group {
    owner: "`health`",
    required: &[],
    settings: &[
        Setting {
            name: "path",
            kind: UrlPath,
            default: "none",
            meaning: "the HTTP path that answers 2xx or 3xx when it is ready",
        },
        Setting {
            name: "port",
            kind: Port,
            default: "the port that is published or routed, else the first that is exposed",
            meaning: "the container's port that answers",
        },
        Setting {
            name: "stay_up",
            kind: Duration,
            default: "2s",
            meaning: "without any probe: how long it must run without a restart",
        },
        Setting {
            name: "successes",
            kind: Count(1, 1000),
            default: "2",
            meaning: "good answers in a row that are needed",
        },
        Setting {
            name: "timeout",
            kind: Duration,
            default: "1m",
            meaning: "how long one replica may take to become ready",
        },
    ],
};

static ROUTE: Group = Group {
    owner: "a route",
    required: &["listen", "port"],
    settings: &[
        Setting {
            name: "host",
            kind: Host,
            default: "any",
            meaning: "the host name of the request",
        },
        Setting {
            name: "listen",
            kind: Listen,
            default: "required",
            meaning: "the host's address and port that the edge listens on",
        },
        Setting {
            name: "path",
            kind: UrlPath,
            default: "/",
            meaning: "what the request's path begins with; the longest wins",
        },
        Setting { name: "port", kind: Port, default: "required", meaning: "the container's port" },
    ],
};
