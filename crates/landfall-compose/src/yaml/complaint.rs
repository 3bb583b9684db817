//! What the parser complains about, in words for people who write compose files.

/// A part of the parser's message, what is said instead, and what to do.
const COMPLAINTS: &[(&str, &str, &str)] = &[
    ("tab", "a tab cannot indent", "indent with spaces"),
    (
        "unknown anchor",
        "there is no anchor of this name before this line",
        "define it with `&name` above; anchors of other files do not count",
    ),
    (
        "multiline quoted scalar",
        "a quote that was opened above is still open here",
        "close it on the line where it begins",
    ),
    ("quoted scalar, found unexpected", "a quote is never closed", ""),
    (
        "unknown escape",
        "this text has an escape that does not exist",
        "in double quotes `\\` begins an escape: write `\\\\`, or use single quotes",
    ),
    (
        "block mapping, did not find expected key",
        "this line does not belong to the lines above it",
        "indent it as much as its neighbours",
    ),
    (
        "block collection, did not find expected '-'",
        "this line does not belong to the list above it",
        "begin it with `-`, or indent it as much as the key of the list",
    ),
    (
        "placement of ':'",
        "a `:` cannot stand here",
        "a `[`, `{` or quote above may still be open; a text with `: ` in it needs quotes",
    ),
    (
        "mapping values are not allowed",
        "a `:` cannot stand here",
        "a text with `: ` in it needs quotes; else look at the indentation",
    ),
    (
        "simple key expected ':'",
        "this line is no `key: value`",
        "a `:` and a space are missing, or a quote above is open",
    ),
    (
        "flow mapping, did not find",
        "this `{` is never closed",
        "close it with `}`, or put `,` between entries",
    ),
    (
        "flow sequence, expected",
        "this `[` is never closed",
        "close it with `]`, or put `,` between entries",
    ),
    ("EOF while parsing a flow mapping", "a `{` is never closed", ""),
    ("EOF while parsing a flow sequence", "a `[` is never closed", ""),
    (
        "block sequence entries are not allowed",
        "a list cannot begin here",
        "begin it on a line of its own",
    ),
];

/// The parser's words turned into a message and a hint, which may be empty.
pub(super) fn in_words(complaint: &str) -> (String, &'static str) {
    let known = COMPLAINTS.iter().find(|(part, ..)| complaint.contains(part));
    known.map_or_else(
        || (format!("not YAML: {complaint}"), ""),
        |(_, message, hint)| (format!("not YAML: {message}"), *hint),
    )
}
