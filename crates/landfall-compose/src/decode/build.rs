//! `build`.

use landfall_core::secret::Secret;

use super::keys::Rule::{self, Ignored, Refused, Take};
use super::service::ServiceDraft;
use super::{Decoder, Keys, limits};
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

const BUILDKIT: &str = "it needs BuildKit, and landfall builds with the engine's own builder";
const ATTESTATION: &str = "a release keeps its own record of what was built";

const BUILD: Keys<BuildSpec> = Keys { owner: "`build`", rules: BUILD_RULES };
const BUILD_RULES: &[(&str, Rule<BuildSpec>)] = &[
    ("additional_contexts", Refused(BUILDKIT, "copy what is needed into the build folder")),
    ("args", Take(args)),
    ("cache_from", Take(|d, e, b| b.cache_from = d.texts(&e.value))),
    ("cache_to", Ignored("the engine keeps the layers that it built")),
    ("context", Take(context)),
    ("dockerfile", Take(|d, e, b| b.dockerfile = d.text(&e.value))),
    ("dockerfile_inline", Take(|d, e, b| b.dockerfile_inline = d.text(&e.value))),
    ("entitlements", Refused(BUILDKIT, "build without them")),
    ("extra_hosts", Take(|d, e, b| b.extra_hosts = d.hosts(&e.value))),
    ("isolation", Ignored("it exists on Windows only")),
    ("labels", Take(|d, e, b| b.labels = d.pairs(&e.value))),
    ("network", Take(|d, e, b| b.network = d.text(&e.value))),
    ("no_cache", Take(|d, e, b| d.switch(e, &mut b.no_cache))),
    ("no_cache_filter", Refused(BUILDKIT, "write `no_cache: true`")),
    ("platforms", Take(platforms)),
    ("privileged", Refused(BUILDKIT, "do in the service's entrypoint what needs it")),
    ("provenance", Ignored(ATTESTATION)),
    ("pull", Take(|d, e, b| d.switch(e, &mut b.pull))),
    ("sbom", Ignored(ATTESTATION)),
    (
        "secrets",
        Refused(BUILDKIT, "build the image with BuildKit outside, and name it under `image`"),
    ),
    ("shm_size", Take(|d, e, b| b.shm_size_bytes = d.size_bytes(&e.value))),
    ("ssh", Refused(BUILDKIT, "fetch private code before the build")),
    ("tags", Take(|d, e, b| b.tags = d.texts(&e.value))),
    ("target", Take(|d, e, b| b.target = d.text(&e.value))),
    ("ulimits", Take(|d, e, b| b.ulimits = limits::ulimits_of(d, e))),
];

fn context(d: &mut Decoder<'_>, entry: &Entry, build: &mut BuildSpec) {
    let Some(context) = d.text(&entry.value) else { return };
    if context.contains("://") || context.starts_with("git@") || context.starts_with("github.com/")
    {
        let why = "a release is built from what lies here";
        d.refused("a build from a URL", entry.value.span, why, "fetch it, and build from a folder");
        return;
    }
    build.context = clean(&d.project_dir.join(context));
}

/// The one that runs here: a release has one image for each service.
fn platforms(d: &mut Decoder<'_>, entry: &Entry, build: &mut BuildSpec) {
    let mut platforms = d.texts(&entry.value);
    build.platform = match platforms.len() {
        0 => None,
        1 => platforms.pop(),
        _ => {
            let how =
                "the image is built for the host's platform, or the `platform` of the service";
            d.differently("several `platforms`", entry.key, how);
            None
        }
    };
}

fn args(d: &mut Decoder<'_>, entry: &Entry, build: &mut BuildSpec) {
    let known = d.variables(&entry.value);
    build.args = known
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| (name, Secret::new(value))))
        .collect();
}
