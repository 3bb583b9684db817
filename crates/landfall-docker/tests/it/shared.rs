//! Namespaces and mounts of others, on a real engine: seen from inside.

use std::fs;
use std::net::Ipv4Addr;

use landfall_core::gate::{Accept, Probe};
use landfall_core::id::ServiceName;
use landfall_core::spec::{Namespace, VolumesFrom};
use landfall_deploy::ports::{ContainerRequest, Engine as _, EngineErrorKind, ResolvedMount};

use crate::support::{Corner, in_corner, place, until};

fn peer() -> ServiceName {
    "peer".parse().unwrap()
}

/// A container beside one that is called `peer`.
fn beside(corner: &Corner, other: &ContainerRequest, line: &str) -> ContainerRequest {
    let mut request = corner.container("app", line);
    request.peers = [(peer(), other.name.clone())].into();
    request
}

#[test]
fn the_hosts_namespaces_are_the_hosts() {
    in_corner("host", async |corner| {
        let mine = |which: &str| fs::read_link(format!("/proc/self/ns/{which}")).unwrap();
        let line = "for n in net pid ipc uts cgroup; do readlink /proc/self/ns/$n; done; wc -l < /proc/net/dev";
        let mut request = corner.container("app", line);
        let namespaces = &mut request.container.namespaces;
        namespaces.network = Some(Namespace::Host);
        namespaces.pid = Some(Namespace::Host);
        namespaces.ipc = Some(Namespace::Host);
        namespaces.uts_host = true;
        namespaces.user = Some("host".into());
        request.container.init = None;
        let said = corner.said(&request).await;
        // The engine may live in namespaces of its own, which are then its host's.
        let engine_is_here = said[1] == mine("pid").to_str().unwrap();
        if engine_is_here {
            for (n, which) in ["net", "pid", "ipc", "uts"].into_iter().enumerate() {
                let here = mine(which);
                let in_ns = std::env::var_os("DOCKER_HOST").is_some() && which == "net";
                assert!(in_ns || said[n] == here.to_str().unwrap(), "{which}: {said:?}");
            }
        }
        let seen = corner.inspect(&request.name).await.host_config.unwrap();
        assert_eq!(seen.network_mode.as_deref(), Some("host"));
        assert_eq!(seen.pid_mode.as_deref(), Some("host"));
        assert_eq!(seen.ipc_mode.as_deref(), Some("host"));
        assert_eq!(seen.uts_mode.as_deref(), Some("host"));
        assert_eq!(seen.userns_mode.as_deref(), Some("host"));
    });
}

#[test]
fn what_listens_on_the_hosts_network_is_asked_there() {
    in_corner("loopback", async |corner| {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut request = corner.container("web", &format!("exec httpd -f -p {port} -h /etc"));
        request.container.namespaces.network = Some(Namespace::Host);
        corner.run(&request).await;
        let probe = Probe::Http { port, path: "/passwd".into(), accept: Accept::Healthy };
        let here = Some(Ipv4Addr::LOCALHOST);
        let asked = async || corner.engine.probe(&request.name, here, &probe).await == Ok(Ok(()));
        until("it answers", asked).await;
    });
}

#[test]
fn one_service_lives_in_the_namespaces_of_another() {
    in_corner("peer", async |corner| {
        let network = corner.network("net", 0);
        corner.engine.create_network(&network).await.unwrap();
        let mut other = corner.container("peer", "exec httpd -f -p 8080 -h /etc");
        other.attachments = vec![place(&network, 9)];
        other.container.namespaces.ipc = Some(Namespace::Shareable);
        other.container.init = None;
        corner.run(&other).await;
        let line = "for i in 1 2 3 4 5 6 7 8 9; do wget -q -O /dev/null http://127.0.0.1:8080/passwd && \
                    echo reached && break; sleep 0.2; done; ps | grep -c 'http[d] -f'; \
                    ls /dev/shm | wc -l";
        let mut request = beside(corner, &other, line);
        request.container.namespaces.network = Some(Namespace::Service(peer()));
        request.container.namespaces.pid = Some(Namespace::Service(peer()));
        request.container.namespaces.ipc = Some(Namespace::Service(peer()));
        request.container.init = None;
        assert_eq!(corner.said(&request).await, ["reached", "1", "0"]);
        let id = corner.inspect(&other.name).await.id.unwrap();
        let seen = corner.inspect(&request.name).await.host_config.unwrap();
        for mode in [seen.network_mode, seen.pid_mode, seen.ipc_mode] {
            assert_eq!(mode.unwrap(), format!("container:{id}"));
        }
    });
}

#[test]
fn a_peer_that_is_not_there_is_refused_without_effect() {
    in_corner("nopeer", async |corner| {
        let gone = corner.container("gone", "true");
        let mut request = beside(corner, &gone, "true");
        request.container.namespaces.network = Some(Namespace::Service(peer()));
        let created = corner.engine.create(&request).await;
        let error = match created {
            // Newer engines look only when it starts.
            Ok(_) => corner.engine.start(&request.name).await.unwrap_err(),
            Err(error) => error,
        };
        let kinds =
            [EngineErrorKind::NotFound, EngineErrorKind::Conflict, EngineErrorKind::Invalid];
        assert!(kinds.contains(&error.kind), "{error:?}");
        request.peers.clear();
        request.name = corner.name("unplanned");
        let error = corner.engine.create(&request).await.unwrap_err();
        assert_eq!(error.kind, EngineErrorKind::Invalid, "{error}");
    });
}

#[test]
fn the_mounts_of_another_are_mounted() {
    in_corner("volsfrom", async |corner| {
        let mut other = corner.container("peer", "echo data > /kept/file; sleep 99");
        let labels = [("team".to_owned(), "x".to_owned())].into();
        other.mounts = vec![ResolvedMount::Anonymous { target: "/kept".into(), labels }];
        corner.run(&other).await;
        let line = "until cat /kept/file; do sleep 0.1; done; touch /kept/mine || echo locked";
        let mut request = beside(corner, &other, line);
        let from = Namespace::Service(peer());
        request.container.volumes_from = vec![VolumesFrom { from, read_only: true }];
        let said = corner.said(&request).await;
        assert!(
            said.contains(&"data".to_owned()) && said.contains(&"locked".to_owned()),
            "{said:?}"
        );
        let mounts = corner.inspect(&other.name).await.mounts.unwrap();
        let volume = mounts.into_iter().find_map(|mount| mount.name).expect("a volume");
        assert_eq!(corner.docker.inspect_volume(&volume).await.unwrap().labels["team"], "x");
    });
}
