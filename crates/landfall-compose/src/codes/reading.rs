//! `LF01`: files that cannot be read.

use super::{CodePage, compose, file};

pub(super) const PAGES: &[CodePage] = &[
    CodePage {
        code: "LF0101",
        title: "a file is missing",
        meaning: "A compose file, or a file that it names (`env_file`, `extends`, `include`), is \
                  not there. Relative paths start at the folder of the first compose file, or at \
                  `--project-directory`; those of `-f` and `--env-file` start where you stand.",
        example: &[compose("services:\n  web:\n    image: nginx:1.27\n    env_file: web.env\n")],
        fix: "Correct the path, or make the file. An environment file that may be missing is \
              written `env_file: [{path: web.env, required: false}]`.",
    },
    CodePage {
        code: "LF0102",
        title: "a file cannot be read",
        meaning: "The file is there, but this user may not read it, it is a folder, it is larger \
                  than 10 MB, or it is no UTF-8 text.",
        example: &[
            compose("services:\n  web:\n    image: nginx:1.27\n    env_file: conf\n"),
            file("conf/web.env", "COLOUR=blue\n"),
        ],
        fix: "Look at it with `file PATH` and `ls -l PATH`. Files written on Windows as UTF-16 are \
              converted with `iconv -f utf-16 -t utf-8`.",
    },
    CodePage {
        code: "LF0103",
        title: "the file is not YAML",
        meaning: "The text breaks YAML's grammar, so nothing can be said about what it holds. The \
                  place is where reading had to stop; the cause often stands a line above: an open \
                  bracket or quote, or a line that is indented unlike its neighbours.",
        example: &[compose("services:\n  web:\n    image: [nginx\n    ports: [\"80:80\"]\n")],
        fix: "Close what is open, indent with spaces (never tabs), and put texts that start with \
              `@`, `%`, `*`, `&`, `!` or hold `: ` into quotes.",
    },
    CodePage {
        code: "LF0104",
        title: "a key stands twice",
        meaning: "One mapping holds the same key twice. Readers differ in which one they take, so \
                  Compose refuses it, and so does landfall.",
        example: &[compose("services:\n  web:\n    image: nginx:1.27\n    image: nginx:1.28\n")],
        fix: "Remove one of the two, or merge what they hold. The note shows the first one.",
    },
    CodePage {
        code: "LF0105",
        title: "too deep, too many, or turning in a circle",
        meaning: "The file is nested more than 100 levels deep, an alias stands inside of what it \
                  names, or aliases of aliases make it grow beyond all bounds. It is also said when \
                  there are more findings than are worth showing.",
        example: &[compose(
            "services:\n  web: &web\n    image: nginx:1.27\n    labels: {all: *web}\n",
        )],
        fix: "Give the part that is shared an anchor of its own, outside of those who use it, for \
              example under a top-level `x-` key.",
    },
    CodePage {
        code: "LF0106",
        title: "a key or a tag that YAML allows and Compose does not",
        meaning: "A key is a number or null where Compose has only texts, `<<` merges something \
                  that is no mapping, or a tag such as `!!int` does not fit its value.",
        example: &[compose("services:\n  1:\n    image: nginx:1.27\n")],
        fix: "Put such keys into quotes: `\"1\":`. Behind `<<` write an alias of a mapping, or a \
              list of them.",
    },
    CodePage {
        code: "LF0107",
        title: "there is nothing in it",
        meaning: "The compose file is empty or holds only comments, or every service belongs to a \
                  profile and none is enabled, so that there is nothing to run.",
        example: &[compose("# services will come\n")],
        fix: "Write a service, name the right file with `-f`, or enable a profile with `--profile`.",
    },
    CodePage {
        code: "LF0108",
        title: "an environment file breaks its grammar",
        meaning: "A line of `.env` or of an `env_file` is not `NAME=value`. Names start with a \
                  letter or `_`; a value in quotes ends with the same quote, and may span lines. \
                  What stands behind the `=` is never shown.",
        example: &[
            compose("services:\n  web:\n    image: nginx:1.27\n    env_file: web.env\n"),
            file("web.env", "TITLE=\"The shop\nCOLOUR=blue\n"),
        ],
        fix: "Close the quote, remove spaces from names, and put values with ` #`, quotes or line \
              breaks into quotes. In single quotes nothing is replaced.",
    },
];
