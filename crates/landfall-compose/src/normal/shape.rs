//! The types of values: what Compose makes of what is written, and what of it is worth printing.
//!
//! A [`Field`] names a key, the [`Kind`] of its value and when it is kept. The tables themselves are
//! in `tables`, the conversion in `typed`.

/// A mapping with known keys.
pub(super) type Shape = &'static [Field];

/// One key of a mapping.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) keep: Keep,
}

/// When a key is part of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// When its value is neither empty nor zero nor false.
    Filled,
    /// Whenever it is written.
    Written,
    /// Always, with the kind's empty value if need be.
    Always,
}

/// What a value is.
pub(super) enum Kind {
    Text,
    Flag,
    Int,
    /// A number of 32 bits, as Compose keeps all fractions.
    Float,
    /// `512m` → `"536870912"`.
    Bytes,
    /// `90s` → `1m30s`.
    Duration,
    /// File permissions: `0444` or `"0444"` → `"0444"`.
    Mode,
    /// A number of devices; `all` is -1.
    Count,
    /// Any scalar, as text.
    Printed,
    /// A text or a list of texts.
    Texts,
    /// The same, with numbers.
    PrintedList,
    /// Words or one line of them; what is not written is null.
    Command,
    /// Words, or one line for the shell.
    HealthTest,
    /// `NAME=value` pairs; a name alone is null.
    Variables,
    /// Pairs; a name alone is empty.
    Pairs,
    /// Pairs whose values are lists.
    PairsOfLists,
    /// `host=address`, sorted.
    Hosts,
    /// A number or `{soft, hard}`.
    Ulimit,
    /// Keys of the agent with their paths.
    Ssh,
    Object(Shape),
    List(&'static Kind),
    /// A mapping with free keys; values may be null.
    Map(&'static Kind),
    Ports,
    Volumes,
    Devices,
    /// Uses of secrets or configs.
    Grants,
    /// `all` or a list of requests.
    Gpus,
    EnvFiles,
}

pub(super) const fn filled(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, keep: Keep::Filled }
}

pub(super) const fn written(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, keep: Keep::Written }
}

pub(super) const fn always(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, keep: Keep::Always }
}
