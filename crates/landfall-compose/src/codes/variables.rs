//! `LF02`: variables.

use super::{CodePage, compose};

pub(super) const PAGES: &[CodePage] = &[
    CodePage {
        code: "LF0201",
        title: "a variable is not set",
        meaning: "`${NAME}` has no value in the environment and in no `.env`, so Compose puts \
                  nothing in its place and goes on. That is how an app starts with an empty \
                  password. In a command or a healthcheck it may also be a shell variable whose \
                  `$` had to be doubled.",
        example: &[compose(
            "services:\n  web:\n    image: nginx:1.27\n    environment:\n      MAIL_HOST: ${MAIL_HOST}\n",
        )],
        fix: "Set it in `.env` or in the environment. Write `${NAME:-}` if nothing is meant, \
              `${NAME:?why}` to be stopped, and `$$NAME` if the container's shell is to read it.",
    },
    CodePage {
        code: "LF0202",
        title: "a required variable is not set",
        meaning: "The file says `${NAME:?…}` or `${NAME?…}`: without a value it must not be used. \
                  `:?` also refuses an empty value. A secret or config taken from the environment \
                  (`environment: NAME`) needs its variable in the same way.",
        example: &[compose(
            "services:\n  web:\n    image: nginx:${NGINX_VERSION:?choose a version in .env}\n",
        )],
        fix: "Set it in `.env` beside the compose file, in a file given with `--env-file`, or in \
              the environment of the command.",
    },
    CodePage {
        code: "LF0203",
        title: "a `$` expression cannot be understood",
        meaning: "Compose replaces `$NAME`, `${NAME}` and `${NAME}` with one of the operators \
                  `:-`, `-`, `:?`, `?`, `:+`, `+`. Anything else behind a dollar sign is an error, \
                  also in commands and labels.",
        example: &[compose(
            "services:\n  web:\n    image: nginx:1.27\n    labels:\n      rule: Host(`${HOST/www.}`)\n",
        )],
        fix: "Double a dollar sign that is meant as such: `$$`. The container sees one.",
    },
];
