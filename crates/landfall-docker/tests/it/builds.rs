//! The classic builder on a real engine.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, stream};
use landfall_core::spec::HealthTest;
use landfall_deploy::ports::Engine as _;
use landfall_docker::{BuildError, BuildRequest, Credentials};

use crate::support::{Corner, in_corner, until};

/// A packed context of these files.
fn context(
    files: &[(&str, &str)],
) -> impl Stream<Item = std::io::Result<Bytes>> + Send + 'static + use<> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, content.as_bytes()).unwrap();
    }
    let bytes = tar.into_inner().unwrap();
    let chunks: Vec<_> = bytes.chunks(512).map(|c| Ok(Bytes::copy_from_slice(c))).collect();
    stream::iter(chunks)
}

fn request(corner: &Corner) -> BuildRequest {
    let mut request = BuildRequest::new(format!("landfall/{}:built", corner.app));
    request.network = Some("none".into());
    request.labels = [("landfall.app".to_owned(), corner.app.to_string())].into();
    request
}

#[test]
fn an_image_is_built_and_what_a_release_seals_is_read_back() {
    in_corner("build", async |corner| {
        let dockerfile = "FROM busybox:latest AS base\nARG WORD=none\nRUN echo \"the word is $WORD\"; cat /etc/hosts\n\
            FROM base AS wanted\nCOPY hello.txt /hello.txt\nEXPOSE 8080\nVOLUME /data\n\
            HEALTHCHECK --interval=7s CMD test -e /hello.txt\n\
            FROM base AS unwanted\nRUN exit 1\n";
        let mut request = request(corner);
        request.dockerfile = "deploy/Dockerfile".into();
        request.target = Some("wanted".into());
        request.network = Some("host".into());
        request.extra_hosts = vec!["one:10.0.0.1".into(), "two:10.0.0.2".into()];
        request.args =
            [("WORD".to_owned(), landfall_core::secret::Secret::new("magic".to_owned()))].into();
        let files = [("deploy/Dockerfile", dockerfile), ("hello.txt", "hello")];
        let mut lines = Vec::new();
        let id = corner
            .engine
            .build(&request, context(&files), &Credentials::default(), |l| lines.push(l.to_owned()))
            .await
            .unwrap();
        assert!(lines.iter().any(|line| line == "the word is magic"), "{lines:?}");
        for host in ["10.0.0.1\tone", "10.0.0.2\ttwo"] {
            assert!(lines.iter().any(|line| line == host), "{lines:?}");
        }
        let image = corner.engine.image(&request.tag).await.unwrap().unwrap();
        assert_eq!(image.sealed.id, id);
        assert_eq!(image.sealed.exposed, [8080]);
        assert_eq!(image.sealed.volumes, ["/data"]);
        let check = image.sealed.healthcheck.unwrap();
        assert_eq!(check.test, HealthTest::Shell("test -e /hello.txt".into()));
        assert_eq!(check.interval_ms, Some(7_000));

        // The image's own volume goes with its container.
        let mut web = corner.container("web", "sleep 99");
        web.image = id;
        corner.run(&web).await;
        let seen = corner.docker.inspect_container(&web.name, None).await.unwrap();
        let volume = seen.mounts.unwrap().into_iter().find_map(|m| m.name).unwrap();
        corner.engine.remove(&web.name).await.unwrap();
        assert!(corner.docker.inspect_volume(&volume).await.is_err());
    });
}

#[test]
fn a_step_that_fails_is_told_with_its_last_lines() {
    in_corner("nobuild", async |corner| {
        for (dockerfile, what) in [
            (
                "FROM busybox:latest\nRUN echo before; echo the cause >&2; exit 9\n",
                "returned a non-zero code: 9",
            ),
            ("FROM busybox:latest\nNONSENSE\n", "NONSENSE"),
            ("FROM busybox:latest\nCOPY nothing /\n", "nothing"),
        ] {
            let files = [("Dockerfile", dockerfile)];
            let built = corner
                .engine
                .build(&request(corner), context(&files), &Credentials::default(), |_| {})
                .await;
            let Err(BuildError::Failed { message, output }) = built else { panic!("{built:?}") };
            assert!(message.contains(what), "{message}");
            if message.contains('9') {
                assert!(output.iter().any(|line| line == "the cause"), "{output:?}");
            }
        }
        let files = [("other", "")];
        let built = corner
            .engine
            .build(&request(corner), context(&files), &Credentials::default(), |_| {})
            .await;
        let Err(BuildError::Failed { message, .. }) = built else { panic!("{built:?}") };
        assert!(message.contains("Dockerfile"), "{message}");
    });
}

#[test]
fn a_dropped_build_leaves_nothing_running() {
    in_corner("cancel", async |corner| {
        let mark = format!("sleep 98 # {}", corner.app);
        let dockerfile = format!("FROM busybox:latest\nRUN {mark}\n");
        let files = [("Dockerfile", dockerfile.as_str())];
        let mut request = request(corner);
        request.limit = Duration::from_secs(2);
        let running = async || {
            let options = bollard::query_parameters::ListContainersOptionsBuilder::new().build();
            let list = corner.docker.list_containers(Some(options)).await.unwrap();
            let builds = |c: &bollard::models::ContainerSummary| {
                c.command.as_deref().is_some_and(|command| command.contains("sleep 98"))
            };
            list.iter().any(builds)
        };
        let credentials = Credentials::default();
        let build = corner.engine.build(&request, context(&files), &credentials, |_| {});
        let seen = until("its container runs", running);
        let (built, ()) = tokio::join!(build, seen);
        let Err(BuildError::Timeout { output, .. }) = built else { panic!("{built:?}") };
        assert!(output.iter().any(|line| line.contains(&mark)), "{output:?}");
        until("its container is gone", async || !running().await).await;
        assert_eq!(corner.engine.image(&request.tag).await, Ok(None));
        assert_eq!(
            corner.engine.containers(&landfall_deploy::ports::Selector::app(&corner.app)).await,
            Ok(vec![])
        );
    });
}
