//! `LF03`: keys and values.

use super::{CodePage, compose};

pub(super) const PAGES: &[CodePage] = &[
    CodePage {
        code: "LF0301",
        title: "there is no such key here",
        meaning: "Compose has no key of this name in this place: mostly a typing error, a wrong \
                  indentation, or a key that belongs a level higher. A key that nobody reads would \
                  be a setting that silently does nothing.",
        example: &[compose(
            "services:\n  web:\n    image: nginx:1.27\n    enviroment:\n      A: b\n",
        )],
        fix: "Correct the name, or move the key to where it belongs. Keys of your own start with \
              `x-`.",
    },
    CodePage {
        code: "LF0302",
        title: "a value is of the wrong kind",
        meaning: "A text stands where a list or a mapping is needed, a number where a text is \
                  needed, and so on. YAML decides the kind by the look of a value: `8080`, `true`, \
                  `1.10` and `2024-01-01` are no texts unless they stand in quotes.",
        example: &[compose("services:\n  web:\n    image: nginx:1.27\n    ports: \"80:80\"\n")],
        fix: "Write a list with `- ` or `[…]`, a mapping with `key: value`, and put texts that look \
              like numbers, dates or booleans into quotes.",
    },
    CodePage {
        code: "LF0303",
        title: "a value cannot be understood",
        meaning: "The value is of the right kind, but it is not written as this key needs it: a \
                  port that is no port, a duration without its unit, an address that is none.",
        example: &[compose("services:\n  web:\n    image: nginx:1.27\n    ports: [\"80:http\"]\n")],
        fix: "The message says what is expected. Durations look like `1m30s`, sizes like `512m`, \
              ports like `127.0.0.1:8080:80/tcp`, volumes like `data:/var/lib/data:ro`.",
    },
    CodePage {
        code: "LF0304",
        title: "a name breaks its rule",
        meaning: "Names of apps hold lower-case letters, digits, `-` and `_` and start with a \
                  letter or digit; names of services, networks and volumes may also hold capital \
                  letters and dots. They become parts of names in the engine and in DNS.",
        example: &[compose("services:\n  my web:\n    image: nginx:1.27\n")],
        fix: "Rename it. The app's name comes from `-p`, `COMPOSE_PROJECT_NAME`, `name:` at the top \
              of the file, or else from the folder.",
    },
    CodePage {
        code: "LF0305",
        title: "two settings exclude each other",
        meaning: "Two keys, or one key in two files, say different things about the same matter, \
                  and no rule says which one wins.",
        example: &[compose(
            "services:\n  web:\n    image: nginx:1.27\n    scale: 2\n    deploy:\n      replicas: 3\n",
        )],
        fix: "Keep one of them. Across files, `!override` replaces what an earlier file says and \
              `!reset` removes it.",
    },
    CodePage {
        code: "LF0306",
        title: "something needed is missing",
        meaning: "A key is left out that has no default: an image, the target of a port or a \
                  mount, the source of a secret.",
        example: &[compose("services:\n  web:\n    ports: [\"80:80\"]\n")],
        fix: "Add what the message names. A service needs `image`, `build`, or both.",
    },
    CodePage {
        code: "LF0307",
        title: "a value is read as something else than it looks",
        meaning: "YAML turns the value into something that is printed differently: `1.10` becomes \
                  `1.1`, `010` becomes `8`, `yes` becomes `true`. Or a `command` uses what only a \
                  shell understands, and no shell runs it. It works, but hardly as it was meant.",
        example: &[compose(
            "services:\n  web:\n    image: nginx:1.27\n    environment:\n      VERSION: 1.10\n",
        )],
        fix: "Put it in quotes to keep it as it is written. For pipes, `&&` and the like write \
              `command: [\"sh\", \"-c\", \"…\"]`.",
    },
];
