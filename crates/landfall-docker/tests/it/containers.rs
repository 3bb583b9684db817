//! Containers on a real engine, beyond the suite: what is asked for is what is made.

use std::net::TcpListener;
use std::time::Duration;

use bollard::models::{ContainerInspectResponse, RestartPolicyNameEnum};
use landfall_core::id::{ImageId, RolloutNumber};
use landfall_core::spec::{ContainerSpec, Protocol, PublishedPort};
use landfall_deploy::ports::{Engine as _, EngineErrorKind, ResolvedMount, Status};

use crate::support::{Corner, in_corner, place, until};

async fn inspect(corner: &Corner, container: &str) -> ContainerInspectResponse {
    corner.docker.inspect_container(container, None).await.expect("it is there")
}

fn policy(seen: &ContainerInspectResponse) -> Option<RestartPolicyNameEnum> {
    seen.host_config.as_ref()?.restart_policy.as_ref()?.name
}

#[test]
fn the_engine_takes_every_field() {
    in_corner("fields", async |corner| {
        let spec = include_str!("../../src/map/golden/spec.json");
        let mut spec: ContainerSpec = serde_json::from_str(spec).unwrap();
        let host = tempfile::tempdir().unwrap();
        let made = host.path().join("made/by/the engine");
        let line = "id; pwd; hostname; cat /proc/self/oom_score_adj; ulimit -n; echo $A; sleep 99";
        spec.entrypoint = Some(vec!["sh".into(), "-c".into()]);
        spec.command = Some(vec![line.into()]);
        spec.sysctls = [("net.ipv4.ip_unprivileged_port_start".into(), "80".into())].into();
        // What this host's kernel may lack.
        spec.resources.blkio_weight = None;
        spec.resources.memory_swap_bytes = None;
        spec.resources.memory_bytes = Some(64 << 20);
        spec.resources.memory_reservation_bytes = Some(32 << 20);
        spec.privileged = false;
        spec.oom_score_adj = Some(500);
        spec.tty = false;
        let network = corner.network("net", 0);
        corner.engine.create_network(&network).await.unwrap();
        let mut request = corner.container("full", "");
        request.container = spec;
        request.disable_healthcheck = false;
        request.attachments = vec![place(&network, 9)];
        request.attachments[0].aliases = vec!["db".into()];
        request.mounts = vec![
            ResolvedMount::Anonymous { target: "/anonymous".into(), labels: [].into() },
            ResolvedMount::Bind {
                source: made.to_str().unwrap().into(),
                target: "/bound".into(),
                read_only: false,
                create_host_path: true,
                propagation: None,
                relabel: None,
                recursive: landfall_core::spec::Recursive::Enabled,
            },
            ResolvedMount::Tmpfs {
                target: "/run".into(),
                size_bytes: Some(1 << 20),
                mode: Some(0o1777),
                options: vec![],
            },
        ];
        corner.run(&request).await;
        assert!(made.is_dir(), "a missing host folder is made");
        until("it has spoken", async || {
            corner.engine.last_logs(&request.name, 20).await.unwrap().len() >= 6
        })
        .await;
        let said = corner.engine.last_logs(&request.name, 20).await.unwrap();
        assert!(said[0].starts_with("uid=1000 gid=1000"), "{said:?}");
        assert_eq!(said[1..], ["/app", "h", "500", "1024", "1"], "{said:?}");

        let seen = inspect(corner, &request.name).await;
        let config = seen.config.clone().unwrap();
        assert_eq!(config.labels.as_ref().unwrap()["team"], "x");
        assert_eq!(config.labels.as_ref().unwrap()["landfall.app"], corner.app.as_str());
        assert_eq!(config.stop_signal.as_deref(), Some("SIGQUIT"));
        assert_eq!(config.healthcheck.unwrap().test.unwrap(), ["CMD-SHELL", "true"]);
        let host_config = seen.host_config.clone().unwrap();
        assert_eq!(host_config.memory, Some(64 << 20));
        assert_eq!(host_config.readonly_rootfs, Some(true));
        assert_eq!(host_config.log_config.unwrap().config.unwrap()["max-size"], "10m");

        let anonymous = seen.mounts.unwrap().into_iter().find_map(|m| m.name).expect("a volume");
        corner.engine.remove(&request.name).await.unwrap();
        assert!(corner.docker.inspect_volume(&anonymous).await.is_err(), "removed with it");
    });
}

#[test]
fn what_was_stopped_has_no_policy_that_would_revive_it_until_it_starts_again() {
    in_corner("policy", async |corner| {
        let mut once = corner.container("once", "sleep 99");
        once.restart = false;
        let always = corner.container("always", "sleep 99");
        for (request, up) in
            [(always, RestartPolicyNameEnum::ALWAYS), (once, RestartPolicyNameEnum::NO)]
        {
            corner.run(&request).await;
            assert_eq!(policy(&inspect(corner, &request.name).await), Some(up));
            corner.engine.stop(&request.name, Duration::ZERO).await.unwrap();
            let stopped = inspect(corner, &request.name).await;
            assert_eq!(policy(&stopped), Some(RestartPolicyNameEnum::NO));
            corner.engine.start(&request.name).await.unwrap();
            assert_eq!(policy(&inspect(corner, &request.name).await), Some(up));
        }
    });
}

#[test]
fn the_grace_is_kept_and_then_it_is_killed() {
    in_corner("grace", async |corner| {
        let deaf = corner.container("deaf", "trap '' TERM; echo up; while :; do sleep 1; done");
        let polite =
            corner.container("polite", "trap 'exit 5' TERM; echo up; while :; do sleep 0.05; done");
        for (request, code) in [(deaf, 137), (polite, 5)] {
            corner.run(&request).await;
            let up = async || !corner.engine.last_logs(&request.name, 1).await.unwrap().is_empty();
            until("it is up", up).await;
            corner.engine.stop(&request.name, Duration::from_millis(900)).await.unwrap();
            let seen = corner.engine.status(&request.name).await.unwrap().unwrap();
            assert_eq!((seen.status, seen.exit_code), (Status::Exited, Some(code)));
        }
    });
}

fn published(port: u16) -> PublishedPort {
    let host_ip = "127.0.0.1".parse().unwrap();
    PublishedPort { host_ip, published: Some(port), target: 80, protocol: Protocol::Tcp }
}

#[test]
fn a_taken_port_is_named_as_such_whoever_has_it() {
    in_corner("port", async |corner| {
        let network = corner.network("net", 0);
        corner.engine.create_network(&network).await.unwrap();
        // A port that is free now: bound once, and let go.
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = TcpListener::bind("127.0.0.1:0").unwrap();
        let taken = process.local_addr().unwrap().port();

        let mut first = corner.container("first", "sleep 99");
        first.attachments = vec![place(&network, 5)];
        first.publish = vec![published(free)];
        corner.run(&first).await;
        assert_eq!(corner.engine.who_publishes(free).await, Ok(Some(first.name.clone())));
        assert_eq!(corner.engine.who_publishes(taken).await, Ok(None));

        for (n, port) in [(6, free), (7, taken)] {
            let mut rival = corner.container(&format!("rival-{n}"), "sleep 99");
            rival.attachments = vec![place(&network, n)];
            rival.publish = vec![published(port)];
            corner.engine.create(&rival).await.unwrap();
            let error = corner.engine.start(&rival.name).await.unwrap_err();
            assert_eq!(error.kind, EngineErrorKind::PortTaken, "{error}");
            let seen = corner.engine.status(&rival.name).await.unwrap().unwrap();
            assert_eq!((seen.status, seen.exits), (Status::Created, 0), "it never ran");
        }
    });
}

#[test]
fn an_order_that_cannot_be_carried_out_is_refused_for_good() {
    in_corner("refused", async |corner| {
        let mut request = corner.container("bad", "true");
        request.container.command = Some(vec!["/no/such/program".into()]);
        request.container.init = None;
        corner.engine.create(&request).await.unwrap();
        let error = corner.engine.start(&request.name).await.unwrap_err();
        assert_eq!(error.kind, EngineErrorKind::Invalid, "{error}");
        corner.engine.remove(&request.name).await.unwrap();

        request.image = ImageId(format!("sha256:{}", "0".repeat(64)));
        let error = corner.engine.create(&request).await.unwrap_err();
        assert_eq!(error.kind, EngineErrorKind::NotFound, "{error}");
        assert_eq!(corner.engine.status(&request.name).await, Ok(None));

        let error = corner.engine.status("../info").await.unwrap_err();
        assert_eq!(error.kind, EngineErrorKind::Invalid, "{error}");
    });
}

#[test]
fn a_name_that_a_stranger_has_is_left_alone() {
    in_corner("stranger", async |corner| {
        let request = corner.container("web", "sleep 99");
        let mut stranger = request.clone();
        stranger.labels.rollout = RolloutNumber(9);
        corner.run(&stranger).await;
        let error = corner.engine.create(&request).await.unwrap_err();
        assert_eq!(error.kind, EngineErrorKind::Conflict);
        assert!(error.message.contains("rollout d9"), "{error}");
        let seen = corner.engine.status(&request.name).await.unwrap().unwrap();
        assert_eq!(seen.status, Status::Running);
        // The engine would also find it by the beginning of its id.
        assert_eq!(corner.engine.status(&seen.id[..12]).await, Ok(None));
    });
}

#[test]
fn a_cleared_command_leaves_the_entrypoint_alone() {
    in_corner("cleared", async |corner| {
        let mut request = corner.container("cleared", "");
        request.container.command = Some(vec![]);
        let error = corner.engine.create(&request).await.unwrap_err();
        assert_eq!(error.kind, EngineErrorKind::Invalid, "nothing is left to run: {error}");
        request.container.entrypoint = Some(vec!["sleep".into(), "99".into()]);
        corner.run(&request).await;
        let seen = inspect(corner, &request.name).await;
        assert_eq!((seen.path.as_deref(), seen.args), (Some("sleep"), Some(vec!["99".into()])));
    });
}

#[test]
fn removing_at_the_same_time_is_fine_for_both() {
    in_corner("race", async |corner| {
        for _ in 0..5 {
            let request = corner.container("gone", "sleep 99");
            corner.run(&request).await;
            let remove = || corner.engine.remove(&request.name);
            assert_eq!(tokio::join!(remove(), remove(), remove()), (Ok(()), Ok(()), Ok(())));
            assert_eq!(corner.engine.status(&request.name).await, Ok(None));
        }
    });
}
