//! Which services take part.

use std::collections::BTreeSet;
use std::rc::Rc;

use crate::yaml::Node;

/// Services none of whose profiles is enabled.
pub(super) fn disabled(root: &Node, enabled: &[String]) -> BTreeSet<Rc<str>> {
    let services = root.get("services").and_then(Node::as_mapping).into_iter().flatten();
    let off = services.filter(|(_, entry)| {
        let wanted = entry.value.get("profiles").and_then(Node::as_sequence).unwrap_or_default();
        let is_on = |profile: &Node| {
            enabled.iter().any(|on| on == "*" || profile.as_text() == Some(on.as_str()))
        };
        !wanted.is_empty() && !wanted.iter().any(is_on)
    });
    off.map(|(name, _)| Rc::clone(name)).collect()
}
