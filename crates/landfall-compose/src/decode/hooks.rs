//! `post_start` and `pre_stop`: commands that are run inside a container.

use landfall_core::secret::Secret;
use landfall_core::spec::Hook;

use super::keys::Rule::{self, Take};
use super::{Decoder, Keys};
use crate::report::Code;
use crate::yaml::Node;

pub(super) fn hooks(d: &mut Decoder<'_>, node: &Node) -> Vec<Hook> {
    let mut hooks = Vec::new();
    d.each(node, |d, item| {
        let errors = d.report.errors_met();
        let mut hook = Hook::default();
        d.keys(item, &HOOK, &mut hook);
        if hook.command.is_empty() {
            if d.report.errors_met() == errors {
                d.report.error(Code::KeyMissing, item.span, "a hook needs a `command`");
            }
            return;
        }
        hooks.push(hook);
    });
    hooks
}

const HOOK: Keys<Hook> = Keys { owner: "a hook", rules: HOOK_RULES };
const HOOK_RULES: &[(&str, Rule<Hook>)] = &[
    ("command", Take(|d, e, h| h.command = d.command(&e.value).unwrap_or_default())),
    (
        "environment",
        Take(|d, e, h| {
            let pairs = d.loose_pairs(&e.value);
            h.environment = pairs.into_iter().map(|(k, v)| (k, Secret::new(v))).collect();
        }),
    ),
    ("privileged", Take(|d, e, h| d.switch(e, &mut h.privileged))),
    ("user", Take(|d, e, h| h.user = d.text(&e.value))),
    ("working_dir", Take(|d, e, h| h.working_dir = d.text(&e.value))),
];
