//! `LF05` to `LF07`: what landfall can do, what it needs to find, and `x-landfall` itself.

use super::{CodePage, compose, file};

pub(super) const PAGES: &[CodePage] = &[
    CodePage {
        code: "LF0501",
        title: "landfall cannot do this yet",
        meaning: "The key is part of Compose, and landfall would have to leave it out. Running \
                  something else than what the file says is worse than not running it, so nothing \
                  is deployed. `landfall check` lists all such keys; \
                  docs/compose-support.md says what becomes of each.",
        example: &[compose("services:\n  assistant:\n    provider:\n      type: model\n")],
        fix: "Do without the key, or move the service into a profile that is not enabled here and \
              keep running it with `docker compose`.",
    },
    CodePage {
        code: "LF0502",
        title: "this means nothing to landfall",
        meaning: "The key is part of Compose, but there is nothing for it to do: `version`, \
                  `develop`, an empty `links`. Or what it does is done in another way. The \
                  deploy goes on.",
        example: &[compose("version: \"3.8\"\nservices:\n  web:\n    image: nginx:1.27\n")],
        fix: "Nothing must be done. Remove the key if nobody else reads it.",
    },
    CodePage {
        code: "LF0503",
        title: "this cannot live beside a second release of itself",
        meaning: "A deploy starts the new release while the old one serves. Two containers cannot \
                  share a UDP port, a device, the host's network or a fixed address on a network of \
                  others, so such a service is replaced in place. A port without a fixed number \
                  cannot be served by the edge at all.",
        example: &[compose(
            "services:\n  dns:\n    image: coredns/coredns:1.11.1\n    ports: [\"53:53/udp\"]\n",
        )],
        fix: "Say that it may be replaced in place, with a short gap: `x-landfall: {update: \
              in-place}` or `{singleton: true}`. Or publish a fixed TCP port, which the edge can \
              serve for both.",
    },
    CodePage {
        code: "LF0504",
        title: "landfall does this in another way",
        meaning: "The key is honoured to the same end, and yet something is different from what \
                  `docker compose` does: `container_name` becomes a name on the app's networks, a \
                  fixed address is not given to a service that lives twice during a deploy, a \
                  service with `restart: \"no\"` is started again. The message says what is done.",
        example: &[compose(
            "services:\n  web:\n    image: nginx:1.27\n    container_name: shop-web\n",
        )],
        fix: "Read what is done instead. If it suits you, nothing must be done; the hint says how to \
              have it otherwise where there is a way.",
    },
    CodePage {
        code: "LF0601",
        title: "a file or folder to mount or build does not exist",
        meaning: "A read-only bind, a config, a secret or a build context names something that is \
                  not there. Compose would mount an empty folder in its place; a release is sealed \
                  with the content, so there must be one.",
        example: &[compose(
            "services:\n  web:\n    image: nginx:1.27\n    volumes: [\"./nginx.conf:/etc/nginx/nginx.conf:ro\"]\n",
        )],
        fix: "Make it, correct the path, or run the command where it is. Relative paths start at \
              the folder of the first compose file.",
    },
    CodePage {
        code: "LF0602",
        title: "there is too much of it",
        meaning: "A list, a range of ports or a folder is larger than what a release may hold. \
                  Every limit is far above what apps use; reaching one mostly means that a folder \
                  with data was meant to be mounted, not sealed.",
        example: &[compose(
            "services:\n  media:\n    image: nginx:1.27\n    ports:\n      \
             - \"20000-20255:20000-20255\"\n      - \"20256-20511:20256-20511\"\n      \
             - \"20512-20767:20512-20767\"\n      - \"20768-21023:20768-21023\"\n",
        )],
        fix: "Put large content into the image, leave out `:ro` to mount a folder where it is, and \
              publish only the ports that are used.",
    },
    CodePage {
        code: "LF0603",
        title: "this cannot be sealed into a release",
        meaning: "The content of read-only binds is kept with the release, so that going back \
                  brings it back. A link that leads out of the folder, a socket or a device has no \
                  content to keep.",
        example: &[
            compose(
                "services:\n  web:\n    image: nginx:1.27\n    volumes: [\"./conf:/etc/nginx/conf.d:ro\"]\n",
            ),
            file("conf/certificates", "-> /etc"),
        ],
        fix: "Mount what is outside by a bind of its own, or leave out `:ro` to mount the folder \
              where it is; then it is not part of the release.",
    },
    CodePage {
        code: "LF0701",
        title: "`x-landfall` contradicts itself or the service",
        meaning: "A service cannot be run once and stay up, be a singleton and have replicas, or \
                  keep its data in a volume that is made anew for each release.",
        example: &[compose(
            "services:\n  beat:\n    image: shop:1.4\n    command: celery -A shop beat\n    \
             deploy: {replicas: 2}\n    x-landfall: {singleton: true}\n",
        )],
        fix: "Decide for one of the two; the note shows the other place.",
    },
    CodePage {
        code: "LF0702",
        title: "landfall had to guess how a service runs",
        meaning: "The file does not say it, but it looks like a task that ends by itself: others \
                  wait for it to have started, it has `restart: \"no\"`, and it serves nothing. It \
                  is run once a release, before the cutover, and must succeed.",
        example: &[compose(
            "services:\n  web:\n    image: shop:1.4\n    depends_on: [migrate]\n  migrate:\n    \
             image: shop:1.4\n    command: ./manage.py migrate\n    restart: \"no\"\n",
        )],
        fix: "Say so: `x-landfall: {job: before-cutover}`, or let others wait with `condition: \
              service_completed_successfully`. If it is to stay up, give it another `restart`.",
    },
];
