//! Names that become part of a request path. The engine's API has no quoting of its own, so a name
//! that could leave its place in the path is refused before it is sent.

use landfall_deploy::ports::EngineError;

use crate::error;

/// A container, network or volume by name or id.
pub(crate) fn object(name: &str) -> Result<&str, EngineError> {
    let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    if name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') && name.chars().all(safe) {
        Ok(name)
    } else {
        Err(error::invalid(format!("{name:?} is not a name the engine can have")))
    }
}

/// An image by reference or id.
pub(crate) fn image(reference: &str) -> Result<&str, EngineError> {
    let safe =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | ':' | '@' | '+');
    let segment =
        |s: &str| s.starts_with(|c: char| c.is_ascii_alphanumeric()) && s.chars().all(safe);
    if reference.split('/').all(segment) {
        Ok(reference)
    } else {
        Err(error::invalid(format!("{reference:?} is not an image reference")))
    }
}

/// A reference's repository, and its tag if it has one: `host:5000/a/b:v1` is `host:5000/a/b`, `v1`.
pub(crate) fn repository_and_tag(reference: &str) -> (&str, Option<&str>) {
    let last = reference.rfind('/').map_or(0, |slash| slash + 1);
    match reference[last..].rfind(':') {
        Some(colon) => (&reference[..last + colon], Some(&reference[last + colon + 1..])),
        None => (reference, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_their_place_in_the_path() {
        for good in ["shop-d1-web-1", "0f3a", "shop_data", "a.b"] {
            assert!(object(good).is_ok(), "{good}");
        }
        for bad in ["", ".", "..", "../info", "a/b", "a?force=1", "a#", "a b", "a%2f", "-a"] {
            assert!(object(bad).is_err(), "{bad}");
        }
        for good in ["nginx", "nginx:1.22", "host:5000/a/b:v1", "sha256:0f3a", "a@sha256:0f3a"] {
            assert!(image(good).is_ok(), "{good}");
        }
        for bad in ["", "/a", "a//b", "../info", "a/../b", "a/.", "a?b", "a#b", "a b", "a\n"] {
            assert!(image(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_registrys_port_is_no_tag() {
        assert_eq!(repository_and_tag("host:5000/a/b:v1"), ("host:5000/a/b", Some("v1")));
        assert_eq!(repository_and_tag("host:5000/a/b"), ("host:5000/a/b", None));
        assert_eq!(repository_and_tag("nginx:1"), ("nginx", Some("1")));
        assert_eq!(repository_and_tag("nginx"), ("nginx", None));
    }
}
