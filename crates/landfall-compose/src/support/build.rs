//! Rows of `build`.

use super::row::{Row, rows};

pub(super) const ROWS: &[Row] = rows! {
    "services.*.build": Differently("the image is built once a release and kept by its digest"), Ignored, "how to build the image";
    "services.*.build.context": Yes, Ignored, "the folder to build from";
    "services.*.build.dockerfile": Yes, Ignored, "the Dockerfile";
    "services.*.build.dockerfile_inline": Yes, Ignored, "the Dockerfile's text";
    "services.*.build.args": Yes, Ignored, "build arguments";
    "services.*.build.target": Yes, Ignored, "the stage to build";
    "services.*.build.labels": Yes, Ignored, "labels of the image";
    "services.*.build.cache_from": Yes, Ignored, "images to take layers from";
    "services.*.build.cache_to": Ignored("the engine keeps the layers that it built"), Ignored, "where to write the cache";
    "services.*.build.no_cache": Yes, Ignored, "build every layer anew";
    "services.*.build.no_cache_filter": Refused("use `no_cache`"), Ignored, "stages to build anew";
    "services.*.build.pull": Yes, Ignored, "ask the registry for newer base images";
    "services.*.build.network": Yes, Ignored, "the network of `RUN`";
    "services.*.build.extra_hosts": Yes, Ignored, "lines of `/etc/hosts` while building";
    "services.*.build.shm_size": Yes, Ignored, "the size of `/dev/shm` while building";
    "services.*.build.additional_contexts": Refused("copy what is needed into the build folder"), Ignored, "further folders to copy from";
    "services.*.build.entitlements": Refused("build without them"), Ignored, "rights that a build asks for";
    "services.*.build.isolation": Ignored("it exists on Windows only"), Ignored, "the isolation technology";
    "services.*.build.platforms": Differently("one is built for; of several, the host's or the `platform` of the service"), Ignored, "platforms to build for";
    "services.*.build.privileged": Refused("build without it"), Ignored, "builds with all rights";
    "services.*.build.provenance": Ignored("a release keeps its own record of what was built"), Ignored, "an attestation of how it was built";
    "services.*.build.sbom": Ignored("make one from the image"), Ignored, "a list of what is in it";
    "services.*.build.secrets": Refused("pass what is no secret with `args`"), Ignored, "secrets for `RUN --mount=type=secret`";
    "services.*.build.secrets.*.source": Outer, Ignored, "which one";
    "services.*.build.secrets.*.target": Outer, Ignored, "its name in the build";
    "services.*.build.secrets.*.uid": Outer, Ignored, "its owner";
    "services.*.build.secrets.*.gid": Outer, Ignored, "its group";
    "services.*.build.secrets.*.mode": Outer, Ignored, "its permissions";
    "services.*.build.ssh": Refused("fetch private code before the build"), Ignored, "SSH agents for `RUN --mount=type=ssh`";
    "services.*.build.tags": Yes, Ignored, "further names for the image";
    "services.*.build.ulimits": Yes, Ignored, "limits of processes while building";
    "services.*.build.ulimits.*.soft": Yes, Ignored, "the limit that holds";
    "services.*.build.ulimits.*.hard": Yes, Ignored, "the limit that a process may raise it to";
};
