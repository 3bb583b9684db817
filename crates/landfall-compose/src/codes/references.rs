//! `LF04`: what refers to what.

use super::{CodePage, compose};

pub(super) const PAGES: &[CodePage] = &[
    CodePage {
        code: "LF0401",
        title: "a name is defined nowhere",
        meaning: "A service refers to another service, a network, a volume, a config or a secret \
                  that no file defines. In `volumes`, a source without `/` is the name of a volume, \
                  not a folder.",
        example: &[compose(
            "services:\n  web:\n    image: nginx:1.27\n    volumes: [\"pages:/usr/share/nginx/html\"]\n",
        )],
        fix: "Define it at the top level (`volumes: {pages: {}}`), correct the name, or write `./` \
              before the name of a folder.",
    },
    CodePage {
        code: "LF0402",
        title: "services wait for each other in a circle",
        meaning: "Following `depends_on`, or `extends`, leads back to where it began, so none can \
                  be the first.",
        example: &[compose(
            "services:\n  web: {image: \"nginx:1.27\", depends_on: [api]}\n  \
             api: {image: \"httpd:2.4\", depends_on: [web]}\n",
        )],
        fix: "Remove the dependency that is not needed to start: a service that only calls another \
              one later can try again.",
    },
    CodePage {
        code: "LF0403",
        title: "a service needs one whose profile is not enabled",
        meaning: "The service belongs to no profile or to an enabled one, what it depends on \
                  belongs to one that is not. Compose refuses that.",
        example: &[compose(
            "services:\n  web: {image: \"nginx:1.27\", depends_on: [mail]}\n  \
             mail: {image: \"axllent/mailpit:v1.20\", profiles: [debug]}\n",
        )],
        fix: "Enable the profile (`--profile debug`), take the needed service out of it, or write \
              the dependency with `required: false`.",
    },
    CodePage {
        code: "LF0404",
        title: "one host port is published twice",
        meaning: "Two services of the app publish the same port of the host on addresses that \
                  overlap. Only one of them could have it.",
        example: &[compose(
            "services:\n  web: {image: \"nginx:1.27\", ports: [\"80:80\"]}\n  \
             api: {image: \"httpd:2.4\", ports: [\"127.0.0.1:80:80\"]}\n",
        )],
        fix: "Choose another host port for one of them, or publish none and give both to the edge \
              as routes with different hosts or paths (`x-landfall: {routes: …}`).",
    },
];
