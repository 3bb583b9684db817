//! Names of what a rollout makes at the engine. Things are found by label; names only keep apart.

use crate::hash::sha256_hex;
use crate::id::{AppName, Key, ReleaseNumber, RolloutNumber, ServiceName};

/// Whether a network has a name that this app's networks have, and no external one should.
pub fn is_network_of(app: &AppName, network: &str) -> bool {
    network
        .strip_prefix("landfall-")
        .and_then(|rest| rest.strip_prefix(app.as_str()))
        .is_some_and(|rest| rest.starts_with('-'))
}

/// The persistent network of a compose network: stateful services live on it.
pub fn app_network(app: &AppName, key: &Key) -> String {
    format!("landfall-{app}-{key}")
}

/// A compose network that can exist only once, in one of its shapes.
pub fn held_network(app: &AppName, key: &Key, shape: &str) -> String {
    format!("landfall-{app}-{key}-held-{shape}")
}

/// One rollout's network of a compose network.
pub fn release_network(app: &AppName, key: &Key, rollout: RolloutNumber) -> String {
    format!("landfall-{app}-{key}-{rollout}")
}

/// One rollout's volume of a compose volume with `scope: release`.
pub fn release_volume(app: &AppName, key: &Key, rollout: RolloutNumber) -> String {
    format!("{app}_{key}_{rollout}")
}

/// A container.
pub fn container(
    app: &AppName,
    service: &ServiceName,
    rollout: RolloutNumber,
    index: u32,
) -> String {
    format!("{app}-{service}-{rollout}-{index}")
}

/// The repository under which an app's images are tagged, without the tag.
///
/// Compose allows project names that are no repository names (`a-`, `a_-b`): those are hashed.
pub fn image_repository(app: &AppName) -> String {
    let name = app.as_str();
    let plain = name.split(['-', '_']).all(|part| !part.is_empty());
    if plain {
        format!("landfall/{name}")
    } else {
        format!("landfall/x{}", &sha256_hex(name.as_bytes())[..16])
    }
}

/// The tag that pins one image of a release.
pub fn image_tag(app: &AppName, release: ReleaseNumber, service: &ServiceName) -> String {
    format!("{}:{release}-{service}", image_repository(app))
}

/// The release that a pinning tag belongs to.
pub fn release_of_tag(app: &AppName, tag: &str) -> Option<ReleaseNumber> {
    let rest = tag.strip_prefix(&image_repository(app))?.strip_prefix(":r")?;
    rest.split_once('-')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_tells_its_release() {
        let app: AppName = "shop".parse().unwrap();
        let tag = image_tag(&app, ReleaseNumber(12), &"web-1".parse().unwrap());
        assert_eq!(tag, "landfall/shop:r12-web-1");
        assert_eq!(release_of_tag(&app, &tag), Some(ReleaseNumber(12)));
        assert_eq!(release_of_tag(&app, "landfall/shopping:r12-web"), None);
        assert!(image_repository(&"a-".parse().unwrap()).starts_with("landfall/x"));
    }
}
