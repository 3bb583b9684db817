//! What a live engine and its host say about an app, for the rules: asked read-only, in bounded time.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use landfall_check::{
    ContainerFacts, DiskFacts, EngineFacts, ImageFacts, ListeningPort, Questions, VolumeFacts,
};
use landfall_deploy::ports::EngineError;
use landfall_docker::DockerEngine;

use crate::failure::Failure;

/// An engine that takes longer than this has other sorrows.
const LIMIT: Duration = Duration::from_secs(10);

/// Asks the engine that `DOCKER_HOST` names.
pub(crate) async fn facts(
    docker_host: Option<&str>,
    wanted: &Questions,
) -> Result<EngineFacts, Failure> {
    let engine = DockerEngine::connect_to(docker_host)
        .map_err(|error| Failure::not_done("engine", error.to_string()))?;
    let silent = |cause: String| {
        Failure::not_done("engine", "the engine was asked and did not answer")
            .cause(cause)
            .hint("without `--engine`, check looks at the files only")
    };
    match tokio::time::timeout(LIMIT, ask(&engine, wanted)).await {
        Ok(Ok(facts)) => Ok(facts),
        Ok(Err(error)) => Err(silent(error.message)),
        Err(_) => Err(silent(format!("no answer within {} s", LIMIT.as_secs()))),
    }
}

async fn ask(engine: &DockerEngine, wanted: &Questions) -> Result<EngineFacts, EngineError> {
    let info = engine.info().await?;
    let mut facts = EngineFacts { disk: disk(&info.root_dir), ..EngineFacts::default() };
    for reference in &wanted.images {
        if let Some(image) = engine.image_facts(reference).await? {
            let uid = image.user.as_deref().and_then(uid);
            facts.images.insert(
                reference.clone(),
                ImageFacts {
                    id: image.id,
                    user: image.user,
                    uid,
                    workdir: image.workdir,
                    size_bytes: image.size_bytes,
                },
            );
        }
    }
    for name in &wanted.volumes {
        if let Some(root) = engine.volume_root(name).await? {
            facts.volumes.insert(name.clone(), volume(Path::new(&root)));
        }
    }
    facts.networks = Some(engine.network_names().await?.into_iter().collect::<BTreeSet<_>>());
    facts.containers = engine.running().await?.into_iter().map(container).collect();
    facts.listening = listening(&wanted.ports.iter().map(|(port, _)| *port).collect());
    Ok(facts)
}

fn container(seen: landfall_docker::RunningContainer) -> ContainerFacts {
    ContainerFacts {
        name: seen.name,
        project: seen.project,
        service: seen.service,
        image: seen.image,
        image_id: seen.image_id,
        ports: seen.ports,
    }
}

/// `USER` as a number, when it is one; names are known to the image only, except root's.
fn uid(user: &str) -> Option<u32> {
    match user.split(':').next().unwrap_or_default() {
        "" | "root" => Some(0),
        name => name.parse().ok(),
    }
}

/// Owner and mode of a volume's root; nothing where this user may not look.
fn volume(root: &Path) -> VolumeFacts {
    fs::metadata(root).map_or_else(
        |_| VolumeFacts::default(),
        |metadata| VolumeFacts {
            owner_uid: Some(metadata.uid()),
            world_writable: metadata.mode() & 0o002 != 0,
        },
    )
}

/// Room where the engine keeps its data, when it is on this host.
fn disk(root: &str) -> Option<DiskFacts> {
    let found = rustix::fs::statvfs(root).ok()?;
    Some(DiskFacts {
        path: root.to_owned(),
        free_bytes: found.f_bavail.saturating_mul(found.f_frsize),
        total_bytes: found.f_blocks.saturating_mul(found.f_frsize),
    })
}

/// Who listens on these ports of the host, as the kernel tells.
pub(crate) fn listening(wanted: &BTreeSet<u16>) -> Vec<ListeningPort> {
    let tables = [("tcp", "/proc/net/tcp"), ("tcp", "/proc/net/tcp6"), ("udp", "/proc/net/udp")];
    let mut found: Vec<ListeningPort> = Vec::new();
    for (protocol, path) in tables {
        let Ok(table) = fs::read_to_string(path) else { continue };
        let sockets = table.lines().skip(1).filter_map(|line| socket(line, protocol));
        for (address, port) in sockets.filter(|(_, port)| wanted.contains(port)) {
            let known = |l: &ListeningPort| {
                l.port == port && l.protocol == protocol && l.address == address
            };
            if !found.iter().any(known) {
                found.push(ListeningPort {
                    port,
                    protocol: protocol.to_owned(),
                    address,
                    owner: None,
                });
            }
        }
    }
    found
}

/// Address and port of a listening socket in a line of `/proc/net/{tcp,tcp6,udp}`.
fn socket(line: &str, protocol: &str) -> Option<(String, u16)> {
    let mut words = line.split_whitespace();
    let (local, _remote, state) = (words.nth(1)?, words.next()?, words.next()?);
    // 0A is LISTEN; an unconnected UDP socket is in state 07.
    let wanted = if protocol == "tcp" { "0A" } else { "07" };
    let (address, port) = local.split_once(':').filter(|_| state == wanted)?;
    Some((shown(address), u16::from_str_radix(port, 16).ok()?))
}

/// The kernel's address: words of four bytes in the host's order. Empty for all addresses.
fn shown(hex: &str) -> String {
    let words: Option<Vec<u8>> = (0..hex.len() / 8)
        .map(|index| u32::from_str_radix(hex.get(index * 8..index * 8 + 8)?, 16).ok())
        .map(|word| word.map(u32::to_ne_bytes))
        .collect::<Option<Vec<_>>>()
        .map(|words| words.concat());
    let bytes = words.unwrap_or_default();
    if bytes.iter().all(|byte| *byte == 0) {
        return String::new();
    }
    let v4 = <[u8; 4]>::try_from(bytes.as_slice()).map(|b| std::net::Ipv4Addr::from(b).to_string());
    v4.or_else(|_| {
        <[u8; 16]>::try_from(bytes.as_slice()).map(|b| std::net::Ipv6Addr::from(b).to_string())
    })
    .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_table_is_read() {
        let line = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000";
        assert_eq!(socket(line, "tcp"), Some(("127.0.0.1".to_owned(), 8080)));
        let all = "   1: 00000000:0050 00000000:0000 0A 00000000:00000000";
        assert_eq!(socket(all, "tcp"), Some((String::new(), 80)));
        let open = "   2: 0100007F:1F90 0100007F:D2F0 01 00000000:00000000";
        assert_eq!(socket(open, "tcp"), None);
        let six = "   0: 00000000000000000000000001000000:0050 0:0000 0A 0";
        assert_eq!(socket(six, "tcp"), Some(("::1".to_owned(), 80)));
    }

    #[test]
    fn users_of_images_are_numbers_or_root() {
        assert_eq!(uid("1000:1000"), Some(1000));
        assert_eq!(uid(""), Some(0));
        assert_eq!(uid("node"), None);
    }
}
