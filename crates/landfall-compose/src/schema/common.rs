//! Shapes that many keys share.

use super::types::{Kind, Names, Shape, Words};

pub(super) const QUOTES: &str = "put it in quotes";

pub(super) static TEXT: Shape =
    Shape { wanted: "a text", hint: QUOTES, kinds: &[Kind::Text(Words::Any)] };

pub(super) static DURATION: Shape = Shape {
    wanted: "a duration",
    hint: "write it with a unit, such as `30s`",
    kinds: &[Kind::Text(Words::Any)],
};

/// A size that the specification wants as text only.
pub(super) static SIZE_TEXT: Shape = Shape {
    wanted: "a text",
    hint: "put it in quotes, with a unit, such as `\"512m\"`",
    kinds: &[Kind::Text(Words::Any)],
};

/// A switch that may come from a variable, so as a text.
pub(super) static SWITCH: Shape = Shape {
    wanted: "a boolean",
    hint: "",
    kinds: &[Kind::Bool, Kind::Text(Words::Like(is_switch, "must be `true` or `false`"))],
};

/// A switch that a text cannot stand for.
pub(super) static BOOL: Shape = Shape {
    wanted: "a boolean",
    hint: "write `true` or `false`, without quotes",
    kinds: &[Kind::Bool],
};

/// A boolean or any text.
pub(super) static BOOL_OR_TEXT: Shape =
    Shape { wanted: "a boolean or a text", hint: "", kinds: &[Kind::Bool, Kind::Text(Words::Any)] };

const INT: Kind = Kind::Int(i64::MIN, i64::MAX);

pub(super) static WHOLE: Shape = Shape {
    wanted: "a whole number",
    hint: "",
    kinds: &[INT, Kind::Text(Words::Like(is_whole, "must be a whole number"))],
};

/// A whole number that is not negative.
pub(super) static COUNT: Shape = Shape {
    wanted: "a whole number",
    hint: "",
    kinds: &[
        Kind::Int(0, i64::MAX),
        Kind::Text(Words::Like(is_count, "must be a whole number, 0 or more")),
    ],
};

pub(super) static WHOLE_ONLY: Shape = Shape { wanted: "a whole number", hint: "", kinds: &[INT] };

pub(super) static WHOLE_OR_TEXT: Shape =
    Shape { wanted: "a whole number or a text", hint: "", kinds: &[INT, Kind::Text(Words::Any)] };

pub(super) static NUMBER: Shape = Shape {
    wanted: "a number",
    hint: "",
    kinds: &[Kind::Number, Kind::Text(Words::Like(is_number, "must be a number"))],
};

pub(super) static NUMBER_ONLY: Shape =
    Shape { wanted: "a number", hint: "", kinds: &[Kind::Number] };

pub(super) static NUMBER_OR_TEXT: Shape = Shape {
    wanted: "a number or a text",
    hint: "",
    kinds: &[Kind::Number, Kind::Text(Words::Any)],
};

pub(super) static SIZE: Shape = Shape {
    wanted: "a size",
    hint: "write it as `512m`, `2g` or a number of bytes",
    kinds: &[Kind::Number, Kind::Text(Words::Any)],
};

/// The same where a fraction is refused.
pub(super) static SIZE_WHOLE: Shape = Shape {
    wanted: "a size",
    hint: "write it as `512m`, `2g` or a number of bytes",
    kinds: &[INT, Kind::Text(Words::Any)],
};

pub(super) static MODE: Shape = Shape {
    wanted: "a file mode",
    hint: "write it as `0440`",
    kinds: &[Kind::Number, Kind::Text(Words::Any)],
};

/// A list of texts in which one may stand twice.
pub(super) static TEXTS: Shape =
    Shape { wanted: "a list", hint: "", kinds: &[Kind::List(&TEXT, false)] };

/// A list of different texts.
pub(super) static SET: Shape =
    Shape { wanted: "a list", hint: "", kinds: &[Kind::List(&TEXT, true)] };

pub(super) static TEXT_OR_SET: Shape = Shape {
    wanted: "a text or a list of texts",
    hint: "",
    kinds: &[Kind::Text(Words::Any), Kind::List(&TEXT, true)],
};

pub(super) static TEXT_OR_NUMBER: Shape = Shape {
    wanted: "a text or a number",
    hint: "",
    kinds: &[Kind::Number, Kind::Text(Words::Any)],
};

pub(super) static TEXTS_OR_WHOLE: Shape =
    Shape { wanted: "a list", hint: "", kinds: &[Kind::List(&WHOLE_OR_TEXT, true)] };

pub(super) static TEXTS_OR_NUMBERS: Shape =
    Shape { wanted: "a list", hint: "", kinds: &[Kind::List(&TEXT_OR_NUMBER, true)] };

static SCALAR: Shape = Shape {
    wanted: "a text, a number or a boolean",
    hint: QUOTES,
    kinds: &[Kind::Null, Kind::Bool, Kind::Number, Kind::Text(Words::Any)],
};

pub(super) static SCALARS: Names =
    Names { of: "", fits: not_empty, rule: "must not be empty", shape: &SCALAR };

static PAIR: Shape = Shape {
    wanted: "a text",
    hint: "write it as `NAME=value`, or all of them without the `-`",
    kinds: &[Kind::Text(Words::Any)],
};

/// `{A: 1}` or `[A=1]`.
pub(super) static PAIRS: Shape = Shape {
    wanted: "a mapping or a list of `NAME=value`",
    hint: "",
    kinds: &[Kind::Names(&SCALARS), Kind::List(&PAIR, true)],
};

/// Options that a driver reads.
pub(super) static OPTIONS: Shape = Shape {
    wanted: "a mapping",
    hint: "",
    kinds: &[Kind::Names(&Names { of: "", fits: not_empty, rule: "", shape: &TEXT_OR_NUMBER })],
};

pub(super) static COMMAND: Shape = Shape {
    wanted: "a text or a list of texts",
    hint: "",
    kinds: &[Kind::Null, Kind::Text(Words::Any), Kind::List(&TEXT, false)],
};

pub(super) static ADDRESSES: Shape = Shape {
    wanted: "an address or a list of addresses",
    hint: "",
    kinds: &[Kind::Text(Words::Any), Kind::List(&TEXT, false)],
};

static HOST: Shape = Shape {
    wanted: "a text",
    hint: "write it as `HOST=ADDRESS`, or all of them without the `-`",
    kinds: &[Kind::Text(Words::Any)],
};

/// Written as a mapping it may have one address twice, as a list it may not. What is checked is a
/// list in either case, so that much is let through.
pub(super) static HOSTS: Shape = Shape {
    wanted: "a mapping or a list of `HOST=ADDRESS`",
    hint: "",
    kinds: &[
        Kind::Names(&Names {
            of: "",
            fits: not_empty,
            rule: "must not be empty",
            shape: &ADDRESSES,
        }),
        Kind::List(&HOST, false),
    ],
};

pub(super) const NAME_RULE: &str = "use letters, digits, `.`, `-` and `_`";

/// What services, networks and volumes may be called.
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

pub(super) fn not_empty(name: &str) -> bool {
    !name.is_empty()
}

fn is_switch(text: &str) -> bool {
    matches!(
        text.to_lowercase().as_str(),
        "true" | "false" | "y" | "yes" | "on" | "n" | "no" | "off"
    )
}

fn is_whole(text: &str) -> bool {
    text.parse::<i64>().is_ok()
}

fn is_count(text: &str) -> bool {
    text.parse::<u64>().is_ok()
}

fn is_number(text: &str) -> bool {
    text.parse::<f64>().is_ok()
}
