//! Images and the engine itself.

use landfall_deploy::ports::{Engine as _, EngineErrorKind};
use landfall_docker::{Credentials, PullError};

use crate::support::in_corner;

#[test]
fn the_engine_says_what_it_is() {
    in_corner("info", async |corner| {
        let info = corner.engine.info().await.unwrap();
        assert!(info.api_pinned.starts_with("1.") && !info.version.is_empty(), "{info:?}");
        assert!(info.cpus > 0 && info.memory_bytes > 0 && !info.rootless, "{info:?}");
        assert!(!info.storage_driver.is_empty() && !info.root_dir.is_empty(), "{info:?}");
    });
}

#[test]
fn an_image_in_use_keeps_its_last_tag() {
    in_corner("tags", async |corner| {
        let tag = format!("landfall/{}:r1-web", corner.app);
        assert_eq!(corner.engine.image(&tag).await, Ok(None));
        corner.engine.tag(&corner.image, &tag).await.unwrap();
        let image = corner.engine.image(&tag).await.unwrap().unwrap();
        assert_eq!(image.sealed.id, corner.image);
        assert!(image.tags.contains(&tag) && image.platform.starts_with("linux/"), "{image:?}");

        // An image with this tag alone, and a container that uses it.
        let mut container = corner.container("web", "sleep 99");
        corner.run(&container).await;
        let committed = commit(corner, &container.name).await;
        container.name = corner.name("web-2");
        container.image = landfall_core::id::ImageId(committed);
        let own = format!("landfall/{}:r2-web", corner.app);
        corner.run(&container).await;
        assert_eq!(corner.engine.untag(&own).await, Ok(()));
        assert_eq!(corner.engine.tags(&own).await, Ok(vec![own.clone()]));
        corner.engine.remove(&container.name).await.unwrap();
        assert_eq!(corner.engine.untag(&own).await, Ok(()));
        assert_eq!(corner.engine.tags(&own).await, Ok(vec![]));
        assert_eq!(corner.engine.image(&container.image.0).await, Ok(None), "it went with it");
        assert!(corner.engine.tag(&container.image, &own).await.is_err());
    });
}

async fn commit(corner: &crate::support::Corner, container: &str) -> String {
    let options = bollard::query_parameters::CommitContainerOptionsBuilder::new()
        .container(container)
        .repo(&format!("landfall/{}", corner.app))
        .tag("r2-web")
        .build();
    let config = bollard::models::ContainerConfig::default();
    corner.docker.commit_container(options, config).await.unwrap().id
}

#[test]
fn a_pull_that_cannot_work_says_why() {
    in_corner("nopull", async |corner| {
        let pull = async |reference: &str| {
            corner.engine.pull(reference, None, &Credentials::default(), |_| {}).await.unwrap_err()
        };
        // Nobody listens there.
        let error = pull("127.0.0.1:1/app:v1").await;
        assert!(matches!(error, PullError::RegistryUnreachable { .. }), "{error:?}");
        let error = pull("not a reference").await;
        let PullError::Engine(error) = error else { panic!("{error:?}") };
        assert_eq!(error.kind, EngineErrorKind::Invalid);
    });
}
