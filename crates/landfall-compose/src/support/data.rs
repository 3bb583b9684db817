//! Rows of volumes, configs and secrets.

use super::row::{Row, rows};

const SEALED: &str = "its content is sealed into the release, so going back brings it back";
const SWARM_ONLY: &str = "it means something to Docker Swarm only";
const NO_SWARM_STORE: &str = "use `file` or `environment`";
const IMAGES: &str =
    "Docker Engine 28 or newer; the image must be there, and is not sealed into the release";
const WRITTEN: &str = "accepted and ignored";

pub(super) const SERVICE: &[Row] = rows! {
    "services.*.volumes": Differently("a read-only bind below the project is sealed into the release by content; all else is mounted as it is"), Yes, "what is mounted";
    "services.*.volumes.*.type": Yes, Yes, "what kind of mount it is";
    "services.*.volumes.*.type" = "npipe": Refused("it exists on Windows only"), Yes, "a named pipe of Windows";
    "services.*.volumes.*.type" = "cluster": Refused(SWARM_ONLY), Yes, "a volume of a cluster";
    "services.*.volumes.*.type" = "image": Differently(IMAGES), Refused, "the files of an image";
    "services.*.volumes.*.source": Yes, Yes, "what is mounted";
    "services.*.volumes.*.target": Yes, Yes, "where it is mounted";
    "services.*.volumes.*.read_only": Yes, Yes, "whether it can be written to";
    "services.*.volumes.*.consistency": Yes, Yes, "a matter of Docker Desktop";
    "services.*.volumes.*.bind": Yes, Yes, "options of a bind";
    "services.*.volumes.*.bind.propagation": Yes, Yes, "whether mounts below are seen";
    "services.*.volumes.*.bind.create_host_path": Yes, Partly(WRITTEN), "whether a missing folder is made";
    "services.*.volumes.*.bind.recursive": Differently("`readonly` and `writable` need Docker Engine 25 or newer"), Partly(WRITTEN), "whether mounts below are bound";
    "services.*.volumes.*.bind.selinux": Differently("`Z` is `z` for a service that lives twice during a deploy"), Partly(WRITTEN), "relabels for SELinux";
    "services.*.volumes.*.volume": Yes, Yes, "options of a volume";
    "services.*.volumes.*.volume.nocopy": Yes, Yes, "leaves a new volume empty";
    "services.*.volumes.*.volume.labels": Differently("of a volume without a name; others have theirs where they are defined"), Partly(WRITTEN), "labels of a volume without a name";
    "services.*.volumes.*.volume.subpath": Differently("Docker Engine 26 or newer; older ones are refused"), Partly(WRITTEN), "a folder of the volume";
    "services.*.volumes.*.tmpfs": Yes, Yes, "options of a tmpfs";
    "services.*.volumes.*.tmpfs.size": Yes, Partly("a number of bytes"), "its size";
    "services.*.volumes.*.tmpfs.mode": Yes, Partly(WRITTEN), "its permissions";
    "services.*.volumes.*.image": Differently(IMAGES), Refused, "options of an image mount";
    "services.*.volumes.*.image.subpath": Yes, Refused, "a folder of the image";
    "services.*.tmpfs": Yes, Ignored, "folders in memory";
    "services.*.configs": Differently(SEALED), Yes, "configs that it may read";
    "services.*.configs.*.source": Yes, Yes, "which one";
    "services.*.configs.*.target": Yes, Yes, "its path inside";
    "services.*.configs.*.uid": Yes, Yes, "its owner";
    "services.*.configs.*.gid": Yes, Yes, "its group";
    "services.*.configs.*.mode": Yes, Yes, "its permissions";
    "services.*.secrets": Differently(SEALED), Yes, "secrets that it may read";
    "services.*.secrets.*.source": Yes, Yes, "which one";
    "services.*.secrets.*.target": Yes, Yes, "its path inside";
    "services.*.secrets.*.uid": Yes, Yes, "its owner";
    "services.*.secrets.*.gid": Yes, Yes, "its group";
    "services.*.secrets.*.mode": Yes, Yes, "its permissions";
};

pub(super) const TOP: &[Row] = rows! {
    "volumes": Yes, Yes, "volumes of the app";
    "volumes.*.name": Yes, Yes, "the name of the volume";
    "volumes.*.driver": Yes, Yes, "the driver";
    "volumes.*.driver_opts": Yes, Yes, "options of the driver";
    "volumes.*.external": Yes, Yes, "it exists already";
    "volumes.*.external.name": Yes, Yes, "its name, the old way";
    "volumes.*.labels": Yes, Yes, "labels of the volume";
    "configs": Differently(SEALED), Yes, "configs of the app";
    "configs.*.file": Yes, Yes, "the file that holds it";
    "configs.*.environment": Yes, Refused, "the variable that holds it";
    "configs.*.content": Yes, Refused, "its text";
    "configs.*.external": Refused(NO_SWARM_STORE), Yes, "it exists already, in Swarm's store";
    "configs.*.external.name": Outer, Yes, "its name, the old way";
    "configs.*.name": Ignored(SWARM_ONLY), Yes, "its name in Swarm's store";
    "configs.*.labels": Ignored(SWARM_ONLY), Yes, "its labels in Swarm's store";
    "configs.*.template_driver": Refused("write the text as it shall be"), Yes, "fills in templates";
    "secrets": Differently(SEALED), Yes, "secrets of the app";
    "secrets.*.file": Yes, Yes, "the file that holds it";
    "secrets.*.environment": Yes, Refused, "the variable that holds it";
    "secrets.*.external": Refused(NO_SWARM_STORE), Yes, "it exists already, in Swarm's store";
    "secrets.*.external.name": Outer, Yes, "its name, the old way";
    "secrets.*.name": Ignored(SWARM_ONLY), Yes, "its name in Swarm's store";
    "secrets.*.labels": Ignored(SWARM_ONLY), Yes, "its labels in Swarm's store";
    "secrets.*.driver": Refused(NO_SWARM_STORE), Yes, "who keeps it";
    "secrets.*.driver_opts": Refused(NO_SWARM_STORE), Yes, "options of that driver";
    "secrets.*.template_driver": Refused("write the text as it shall be"), Yes, "fills in templates";
};
