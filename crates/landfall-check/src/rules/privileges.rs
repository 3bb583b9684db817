//! What a container may do to its host.

use landfall_compose::View;
use landfall_core::diagnostic::Severity::{Error, Note, Warning};

use crate::facts::{App, Image, Port, Service};
use crate::finding::Out;
use crate::know::{self, Family};
use crate::rule::Rule;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "root-user",
        severity: Warning,
        title: "an app that runs as root",
        why: "Root in a container is root of the kernel with some powers taken away. A hole in the app \
            then writes anywhere in the container and in what is mounted, and files that it makes in \
            bind mounts belong to root. Nothing that serves requests needs it.",
        fix: "add a `USER` to the Dockerfile, or `user: \"1000:1000\"` to the service",
        before: "services:\n  web:\n    image: web:1.4.2\n    user: root\n",
        after: "services:\n  web:\n    image: web:1.4.2\n    user: \"1000:1000\"\n",
        run: root_user,
    },
    Rule {
        id: "docker-socket",
        severity: Warning,
        title: "the engine's socket in a container",
        why: "Who talks to the engine's socket can start a privileged container with the host's disk \
            mounted: it is root on the host, and `:ro` changes nothing about that. In a service that \
            the world can reach, one hole in it gives the host away.",
        fix: "take it away, or put a filtering socket proxy in front that allows reading only",
        before: "services:\n  proxy:\n    image: traefik:3.1\n    volumes: \
            [\"/var/run/docker.sock:/var/run/docker.sock:ro\"]\n",
        after: "services:\n  proxy:\n    image: traefik:3.1\n",
        run: docker_socket,
    },
    Rule {
        id: "privileged",
        severity: Warning,
        title: "a privileged container",
        why: "`privileged` gives every capability and every device, the disks among them: what \
            separates it from the host is politeness.",
        fix: "name what is needed: `devices`, or single capabilities in `cap_add`",
        before: "services:\n  web:\n    image: web:1.4.2\n    privileged: true\n",
        after: "services:\n  web:\n    image: web:1.4.2\n    devices: [\"/dev/snd:/dev/snd\"]\n",
        run: privileged,
    },
    Rule {
        id: "host-namespace",
        severity: Warning,
        title: "a namespace shared with the host",
        why: "With the host's network a container binds any port of the host, past what the file \
            publishes, and reaches services that listen on loopback only. With the host's processes it \
            can see and trace them. Two releases cannot run side by side either.",
        fix: "publish the ports that are needed, and leave the namespaces apart",
        before: "services:\n  web:\n    image: web:1.4.2\n    network_mode: host\n",
        after: "services:\n  web:\n    image: web:1.4.2\n    ports: [\"80:8000\"]\n",
        run: host_namespace,
    },
    Rule {
        id: "dangerous-capability",
        severity: Warning,
        title: "a capability that leads out of the container",
        why: "`SYS_ADMIN`, `SYS_MODULE`, `SYS_PTRACE`, `DAC_READ_SEARCH` and the like are as good as \
            root on the host: each has a well-known way out. So has a container without seccomp or \
            AppArmor.",
        fix: "take it away, or use the narrow one: `NET_BIND_SERVICE`, `NET_RAW`, `CHOWN`",
        before: "services:\n  web:\n    image: web:1.4.2\n    cap_add: [SYS_ADMIN]\n",
        after: "services:\n  web:\n    image: web:1.4.2\n    cap_add: [NET_BIND_SERVICE]\n",
        run: capability,
    },
];

fn is_root(user: &str) -> bool {
    matches!(user.split(':').next().unwrap_or_default(), "root" | "0")
}

fn root_user(app: &App<'_>, out: &mut Out) {
    for service in app.services().filter(|s| !s.is_one_off) {
        if let Some(user) = service.view.get("user") {
            if user.printed().is_some_and(|user| is_root(&user)) {
                let message = format!("`{}` is made to run as root", service.name);
                out.service(service, user.at(), message);
            }
        } else if let Some(file) = service.dockerfile(app) {
            by_dockerfile(service, file, out);
        } else if let (Some(engine), Some(image)) = (app.engine(), &service.image) {
            let user = engine.images.get(&image.text).map(|facts| facts.user.clone());
            let as_root = user.is_some_and(|user| user.is_none_or(|u| u.is_empty() || is_root(&u)));
            if as_root && service.family == Family::App {
                let message = format!("the image of `{}` runs as root", service.name);
                let at = image.at().unwrap_or_else(|| service.view.key_at());
                out.service(service, at, message).severity(Note);
            }
        }
    }
}

fn by_dockerfile(service: &Service<'_>, file: &crate::facts::Dockerfile, out: &mut Out) {
    let build = service.view.get("build").map_or(service.view.key_at(), View::key_at);
    if let Some(user) = file.last("USER") {
        if is_root(user.rest.trim_matches('"')) {
            let message = format!("the image of `{}` ends as root", service.name);
            out.service(service, file.at(user), message).related(build, "it is built here");
        }
        return;
    }
    let Some(base) = file.base().map(Image::parse) else { return };
    // Of other bases nobody knows here which user they end with.
    let is_official = !base.repository.contains('/') && !base.mentions("nonroot");
    let drops = ["gosu", "su-exec", "setpriv", "chpst", "s6-setuidgid"];
    let drops_later = file.all().any(|i| drops.iter().any(|tool| i.rest.contains(tool)));
    if is_official && !drops_later && know::family(&base) == Family::App {
        let message = format!("the image of `{}` has no `USER`, so it runs as root", service.name);
        out.service(service, build, message);
    }
}

fn docker_socket(app: &App<'_>, out: &mut Out) {
    // A filter in front of the socket is what people are told to use.
    let is_filter = |service: &Service<'_>| {
        let by_image = service.image.as_ref().is_some_and(|i| i.last.contains("socket-proxy"));
        by_image && service.ports.is_empty()
    };
    for service in app.services().filter(|service| !is_filter(service)) {
        for mount in service.mounts.iter().filter(|mount| mount.is_bind()) {
            let source = mount.source.as_deref().unwrap_or_default();
            let sockets = ["docker.sock", "podman.sock", "containerd.sock"];
            if !sockets.iter().any(|socket| source.ends_with(socket)) {
                continue;
            }
            let name = service.name;
            if service.ports.iter().any(Port::is_public) {
                let message = format!("`{name}` is open to the world and has the engine's socket");
                out.service(service, mount.at.clone(), message).severity(Error);
            } else {
                let message = format!("`{name}` has the engine's socket: it is root on the host");
                out.service(service, mount.at.clone(), message);
            }
        }
    }
}

fn privileged(app: &App<'_>, out: &mut Out) {
    for service in app.services() {
        let given = service.view.get("privileged").filter(|p| p.boolean() == Some(true));
        if let Some(given) = given {
            out.service(service, given.key_at(), format!("`{}` is privileged", service.name));
        }
    }
}

fn host_namespace(app: &App<'_>, out: &mut Out) {
    const KEYS: &[(&str, &str)] = &[
        ("network_mode", "network"),
        ("pid", "processes"),
        ("ipc", "shared memory"),
        ("uts", "name"),
        ("userns_mode", "users"),
        ("cgroup", "control groups"),
    ];
    for service in app.services() {
        for (key, what) in KEYS {
            if let Some(mode) = service.view.get(key).filter(|mode| mode.text() == Some("host")) {
                let message = format!("`{}` shares the {what} of the host", service.name);
                out.service(service, mode.at(), message);
            }
        }
    }
}

fn capability(app: &App<'_>, out: &mut Out) {
    const DANGEROUS: &[&str] = &[
        "ALL",
        "BPF",
        "DAC_READ_SEARCH",
        "PERFMON",
        "SYS_ADMIN",
        "SYS_BOOT",
        "SYS_MODULE",
        "SYS_PTRACE",
        "SYS_RAWIO",
    ];
    for service in app.services() {
        for added in service.view.get("cap_add").into_iter().flat_map(View::items) {
            let name = added.printed().unwrap_or_default().to_ascii_uppercase();
            let bare = name.strip_prefix("CAP_").unwrap_or(&name);
            if DANGEROUS.contains(&bare) {
                let message =
                    format!("`{}` gets `{bare}`, as good as root on the host", service.name);
                out.service(service, added.at(), message);
            }
        }
        for option in service.view.get("security_opt").into_iter().flat_map(View::items) {
            let text = option.printed().unwrap_or_default();
            if text.ends_with("unconfined") {
                let what = text.split([':', '=']).next().unwrap_or_default();
                let message = format!("`{}` runs without {what}", service.name);
                out.service(service, option.at(), message);
            }
        }
    }
}
