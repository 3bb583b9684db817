//! Mounts on a real engine: options that must reach the kernel.

use landfall_core::spec::{Recursive, Relabel};
use landfall_deploy::ports::{ContainerRequest, Engine as _, EngineErrorKind, ResolvedMount};

use crate::support::{Corner, in_corner};

/// The container's own mount table says it.
fn shows(corner: &Corner, mount: ResolvedMount, line: &str) -> ContainerRequest {
    let mut request = corner.container("app", line);
    request.mounts = vec![mount];
    request
}

#[test]
fn options_of_a_tmpfs_reach_the_kernel() {
    in_corner("tmpfs", async |corner| {
        let mount = ResolvedMount::Tmpfs {
            target: "/fast".into(),
            size_bytes: Some(1 << 20),
            mode: Some(0o700),
            options: vec!["uid=1000".into(), "exec".into(), "nr_inodes=99".into()],
        };
        let line =
            "grep ' /fast ' /proc/mounts; cp /bin/busybox /fast/busybox && /fast/busybox echo runs";
        let said = corner.said(&shows(corner, mount, line)).await;
        for option in ["size=1024k", "mode=700", "uid=1000", "nr_inodes=99"] {
            assert!(said[0].contains(option), "{option}: {said:?}");
        }
        assert!(!said[0].contains("noexec"), "{said:?}");
        assert_eq!(said[1], "runs");
    });
}

#[test]
fn a_labelled_bind_is_still_that_bind() {
    in_corner("label", async |corner| {
        let host = tempfile::tempdir().unwrap();
        std::fs::write(host.path().join("file"), "here\n").unwrap();
        for (n, relabel) in [Relabel::Shared, Relabel::Private].into_iter().enumerate() {
            let mount = ResolvedMount::Bind {
                source: host.path().to_str().unwrap().into(),
                target: "/bound".into(),
                read_only: true,
                create_host_path: false,
                propagation: Some("rprivate".into()),
                relabel: Some(relabel),
                recursive: Recursive::Enabled,
            };
            let mut request =
                shows(corner, mount, "cat /bound/file; touch /bound/x || echo locked");
            request.name = corner.name(&format!("app-{n}"));
            let said = corner.said(&request).await;
            assert!(said.contains(&"locked".to_owned()), "{said:?}");
            assert!(said.iter().any(|line| line.starts_with("here")), "{said:?}");
            let seen = corner.inspect(&request.name).await.mounts.unwrap().remove(0);
            let mode = seen.mode.unwrap();
            let word = if relabel == Relabel::Shared { "z" } else { "Z" };
            assert!(mode.split(',').any(|m| m == word), "{mode}");
            assert_eq!(seen.propagation.as_deref(), Some("rprivate"));
        }
    });
}

#[test]
fn mounts_below_a_bind_can_be_left_out() {
    in_corner("recursive", async |corner| {
        let bind = |recursive| ResolvedMount::Bind {
            source: "/proc".into(),
            target: "/bound".into(),
            read_only: true,
            create_host_path: false,
            propagation: None,
            relabel: None,
            recursive,
        };
        let mut request =
            shows(corner, bind(Recursive::Disabled), "grep -c ' /bound/' /proc/mounts");
        request.container.init = None;
        assert_eq!(corner.said(&request).await, ["0"]);
        let strict = shows(corner, bind(Recursive::ReadOnly), "true");
        if corner.api_minor().await < 44 {
            let strict = ContainerRequest { name: corner.name("strict"), ..strict };
            let error = corner.engine.create(&strict).await.unwrap_err();
            assert_eq!(error.kind, EngineErrorKind::Invalid);
            assert!(error.message.contains("Docker Engine 25"), "{error}");
        }
    });
}

#[test]
fn images_and_folders_of_volumes_are_mounted_or_refused_by_name_of_the_engine() {
    in_corner("newer", async |corner| {
        let api = corner.api_minor().await;
        let image = ResolvedMount::Image {
            image: corner.image.0.clone(),
            target: "/other".into(),
            subpath: None,
        };
        let request = shows(corner, image, "ls -d /other/bin; touch /other/x || echo locked");
        if api < 48 {
            let error = corner.engine.create(&request).await.unwrap_err();
            assert!(error.message.contains("Docker Engine 28"), "{error}");
        } else {
            let said = corner.said(&request).await;
            assert!(said.contains(&"/other/bin".to_owned()), "{said:?}");
        }
        let mut annotated = corner.container("annotated", "true");
        annotated.container.annotations = [("a.b/c".to_owned(), "d".to_owned())].into();
        let created = corner.engine.create(&annotated).await;
        if api < 43 {
            assert!(created.unwrap_err().message.contains("Docker Engine 24"));
        } else {
            let seen = corner.inspect(&annotated.name).await.host_config.unwrap();
            assert_eq!(seen.annotations.unwrap()["a.b/c"], "d");
        }
    });
}
