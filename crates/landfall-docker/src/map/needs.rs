//! Settings that older engines do not know. They would drop them without a word, so we refuse.

use landfall_core::plan::Attachment;
use landfall_deploy::ports::{ContainerRequest, EngineError, ResolvedMount};

use crate::error::invalid;

/// Refuses what an engine of this API version would ignore.
pub(crate) fn refuse_unknown(
    request: &ContainerRequest,
    api_minor: u32,
) -> Result<(), EngineError> {
    let spec = &request.container;
    let mount = |is: fn(&ResolvedMount) -> bool| request.mounts.iter().any(is);
    let place = |is: fn(&Attachment) -> bool| request.attachments.iter().any(is);
    let needs = [
        (!spec.annotations.is_empty(), "`annotations`", 43, "24"),
        (mount(|m| matches!(m, ResolvedMount::Image { .. })), "a mount of an image", 48, "28"),
        (mount(has_subpath), "the `subpath` of a volume", 45, "26"),
        (mount(is_strict), "`recursive` of a read-only bind", 44, "25"),
        (place(|a| a.endpoint.gw_priority != 0), "`gw_priority`", 48, "28"),
        (place(names_interface), "`interface_name`", 48, "28"),
        (
            spec.device_requests.iter().any(|r| r.driver.as_deref() == Some("cdi")),
            "a CDI device",
            44,
            "25",
        ),
    ];
    // Only the first network may give the container its one hardware address.
    let others = request.attachments.iter().skip(1);
    let further_mac = others.clone().any(|a| a.endpoint.mac_address.is_some());
    let needs =
        needs.into_iter().chain([(further_mac, "a `mac_address` on a further network", 44, "25")]);
    for (wanted, what, minor, engine) in needs {
        if wanted && api_minor < minor {
            return Err(invalid(format!(
                "{what} needs Docker Engine {engine} or newer; this one speaks API 1.{api_minor}"
            )));
        }
    }
    Ok(())
}

fn has_subpath(mount: &ResolvedMount) -> bool {
    matches!(mount, ResolvedMount::Volume { subpath: Some(_), .. })
}

fn is_strict(mount: &ResolvedMount) -> bool {
    use landfall_core::spec::Recursive::{ReadOnly, Writable};
    matches!(mount, ResolvedMount::Bind { recursive: ReadOnly | Writable, .. })
}

fn names_interface(attachment: &Attachment) -> bool {
    attachment.endpoint.driver_opts.contains_key("com.docker.network.endpoint.ifname")
}
