//! Names and numbers that cannot be invalid: parsed once, here, and never checked again.
//!
//! Knows nothing of where they are used. Each name deserialises through its own `FromStr`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A name that breaks its rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{value}` is not a valid {kind}: {rule}")]
pub struct InvalidName {
    /// What kind of name was expected.
    pub kind: &'static str,
    /// The rule in words.
    pub rule: &'static str,
    /// What was given, cut to a printable length.
    pub value: String,
}

const NAME_MAX: usize = 63;

fn printable(value: &str) -> String {
    value.chars().take(80).flat_map(char::escape_debug).collect()
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $rule:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;
            fn from_str(value: &str) -> Result<Self, InvalidName> {
                let valid: fn(&str) -> bool = $valid;
                if value.len() <= NAME_MAX && valid(value) {
                    Ok(Self(value.to_owned()))
                } else {
                    Err(InvalidName { kind: $kind, rule: $rule, value: printable(value) })
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;
            fn try_from(value: String) -> Result<Self, InvalidName> {
                value.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(
    /// An app: one Compose project. Compose's own rule for project names.
    AppName,
    "app name",
    "use lower-case letters, digits, `-` and `_`, starting with a letter or digit, at most 63",
    |v| v.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && v.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_')
);
name!(
    /// A service as in the compose file.
    ServiceName,
    "service name",
    "use letters, digits, `.`, `-` and `_`, starting with a letter or digit, at most 63",
    |v| v.starts_with(|c: char| c.is_ascii_alphanumeric())
        && v.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
);
name!(
    /// The key of a network, volume, config or secret in the compose file.
    Key,
    "name",
    "use letters, digits, `.`, `-` and `_`, starting with a letter or digit, at most 63",
    |v| v.starts_with(|c: char| c.is_ascii_alphanumeric())
        && v.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
);

macro_rules! number {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $prefix:literal) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
        )]
        #[serde(transparent)]
        pub struct $name(pub u32);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;
            fn from_str(value: &str) -> Result<Self, InvalidName> {
                value
                    .strip_prefix($prefix)
                    .unwrap_or(value)
                    .parse()
                    .ok()
                    .filter(|n| *n > 0)
                    .map(Self)
                    .ok_or(InvalidName {
                        kind: $kind,
                        rule: concat!("write it as `", $prefix, "3` or `3`"),
                        value: printable(value),
                    })
            }
        }
    };
}

number!(
    /// The number of a release of one app, printed as `r3`.
    ReleaseNumber,
    "release number",
    "r"
);
number!(
    /// The number of a rollout of one app, printed as `d7`. It names every container and network
    /// that the rollout makes, so two attempts at one release never collide.
    RolloutNumber,
    "rollout number",
    "d"
);

/// Hash of one service's resolved spec, the image included: equal revisions behave equally.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(pub String);

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.get(..12).unwrap_or(&self.0))
    }
}

/// An image's content address as the engine reports it, for example `sha256:ab…`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ImageId(pub String);

impl fmt::Display for ImageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_composes_rules() {
        for good in ["shop", "a", "0x", "my-app_2"] {
            assert!(good.parse::<AppName>().is_ok(), "{good}");
        }
        for bad in ["", "Shop", "-a", "a/b", "a b", "../x", &"x".repeat(64)] {
            assert!(bad.parse::<AppName>().is_err(), "{bad}");
        }
        assert!("web.1".parse::<ServiceName>().is_ok());
        assert!(serde_json::from_str::<AppName>("\"a/b\"").is_err());
    }

    #[test]
    fn numbers_read_with_or_without_their_letter() {
        assert_eq!("r3".parse::<ReleaseNumber>(), Ok(ReleaseNumber(3)));
        assert_eq!("3".parse::<ReleaseNumber>(), Ok(ReleaseNumber(3)));
        assert!("r0".parse::<ReleaseNumber>().is_err());
        assert!("d3".parse::<ReleaseNumber>().is_err());
    }
}
