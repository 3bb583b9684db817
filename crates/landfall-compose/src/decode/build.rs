//! `build`.

use landfall_core::secret::Secret;

use super::keys::Rule::{self, NotYet, Take};
use super::service::ServiceDraft;
use super::{Decoder, Keys};
use crate::locate::clean;
use crate::project::BuildSpec;
use crate::report::Code;
use crate::source::Spanned;
use crate::yaml::Entry;

pub(super) fn build(d: &mut Decoder<'_>, entry: &Entry, service: &mut ServiceDraft) {
    let mut build = BuildSpec { context: d.project_dir.to_path_buf(), ..BuildSpec::default() };
    d.keys(&entry.value, &BUILD, &mut build);
    if build.dockerfile.is_some() && build.dockerfile_inline.is_some() {
        let message = "`dockerfile` and `dockerfile_inline` exclude each other";
        d.report.error(Code::Conflict, entry.key, message);
    }
    service.build = Some(Spanned::new(build, entry.value.span));
}

const BUILD: Keys<BuildSpec> = Keys { owner: "`build`", rules: BUILD_RULES };
const BUILD_RULES: &[(&str, Rule<BuildSpec>)] = &[
    ("additional_contexts", NotYet("")),
    ("args", Take(args)),
    ("cache_from", Take(|d, e, b| b.cache_from = d.texts(&e.value))),
    ("cache_to", NotYet("")),
    ("context", Take(context)),
    ("dockerfile", Take(|d, e, b| b.dockerfile = d.text(&e.value))),
    ("dockerfile_inline", Take(|d, e, b| b.dockerfile_inline = d.text(&e.value))),
    ("entitlements", NotYet("")),
    ("extra_hosts", Take(|d, e, b| b.extra_hosts = d.hosts(&e.value))),
    ("isolation", NotYet("it exists on Windows only")),
    ("labels", Take(|d, e, b| b.labels = d.pairs(&e.value))),
    ("network", Take(|d, e, b| b.network = d.text(&e.value))),
    ("no_cache", Take(|d, e, b| d.switch(e, &mut b.no_cache))),
    ("no_cache_filter", NotYet("use `no_cache`")),
    ("platforms", NotYet("use the `platform` of the service")),
    ("privileged", NotYet("")),
    ("provenance", NotYet("")),
    ("pull", Take(|d, e, b| d.switch(e, &mut b.pull))),
    ("sbom", NotYet("")),
    ("secrets", NotYet("")),
    ("shm_size", Take(|d, e, b| b.shm_size_bytes = d.size_bytes(&e.value))),
    ("ssh", NotYet("")),
    ("tags", NotYet("a release names its images by digest")),
    ("target", Take(|d, e, b| b.target = d.text(&e.value))),
    ("ulimits", NotYet("")),
];

fn context(d: &mut Decoder<'_>, entry: &Entry, build: &mut BuildSpec) {
    let Some(context) = d.text(&entry.value) else { return };
    if context.contains("://") || context.starts_with("git@") || context.starts_with("github.com/")
    {
        d.not_yet("a build from a URL", entry.value.span, "build from a local folder");
        return;
    }
    build.context = clean(&d.project_dir.join(context));
}

fn args(d: &mut Decoder<'_>, entry: &Entry, build: &mut BuildSpec) {
    let known = d.variables(&entry.value);
    build.args = known
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| (name, Secret::new(value))))
        .collect();
}
