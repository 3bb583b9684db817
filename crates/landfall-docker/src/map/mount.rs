//! Mounts. Everything goes through `Mounts`, except binds whose missing host folder is to be made:
//! only `Binds` does that on every engine.

use std::str::FromStr as _;

use bollard::models::{
    Mount, MountBindOptions, MountBindOptionsPropagationEnum, MountTmpfsOptions, MountType,
    MountVolumeOptions,
};
use landfall_deploy::ports::{EngineError, ResolvedMount};

use super::signed;
use crate::error;

/// A mount, as `Binds` or as `Mounts` wants it.
#[derive(Debug, PartialEq)]
pub(super) enum Said {
    Bind(String),
    Mount(Box<Mount>),
}

pub(super) fn to_engine(mount: &ResolvedMount) -> Result<Said, EngineError> {
    Ok(match mount {
        ResolvedMount::Volume { name, target, read_only, nocopy } => said(Mount {
            source: Some(name.clone()),
            read_only: Some(*read_only),
            volume_options: nocopy.then(|| MountVolumeOptions {
                no_copy: Some(true),
                ..MountVolumeOptions::default()
            }),
            ..of(MountType::VOLUME, target)
        }),
        ResolvedMount::Anonymous { target } => said(of(MountType::VOLUME, target)),
        ResolvedMount::Bind { source, target, read_only, create_host_path, propagation } => {
            bind(source, target, *read_only, *create_host_path, propagation.as_deref())?
        }
        ResolvedMount::Tmpfs { target, size_bytes, mode } => said(Mount {
            tmpfs_options: (size_bytes.is_some() || mode.is_some()).then(|| MountTmpfsOptions {
                size_bytes: size_bytes.map(signed),
                mode: mode.map(i64::from),
                options: None,
            }),
            ..of(MountType::TMPFS, target)
        }),
    })
}

fn said(mount: Mount) -> Said {
    Said::Mount(Box::new(mount))
}

fn of(typ: MountType, target: &str) -> Mount {
    Mount { typ: Some(typ), target: Some(target.to_owned()), ..Mount::default() }
}

fn bind(
    source: &str,
    target: &str,
    read_only: bool,
    create_host_path: bool,
    propagation: Option<&str>,
) -> Result<Said, EngineError> {
    // `Binds` would take anything else for a volume's name.
    if !source.starts_with('/') {
        return Err(error::invalid(format!("bind source {source:?} is not an absolute path")));
    }
    let propagation = match propagation {
        None | Some("") => None,
        Some(word) => Some(MountBindOptionsPropagationEnum::from_str(word).map_err(|_| {
            error::invalid(format!("{word:?} is not a mount propagation the engine has"))
        })?),
    };
    if create_host_path && !source.contains(':') && !target.contains(':') {
        let mode = if read_only { "ro" } else { "rw" };
        let propagation = propagation.map(|word| format!(",{word}")).unwrap_or_default();
        return Ok(Said::Bind(format!("{source}:{target}:{mode}{propagation}")));
    }
    Ok(said(Mount {
        source: Some(source.to_owned()),
        read_only: Some(read_only),
        bind_options: (propagation.is_some() || create_host_path).then(|| MountBindOptions {
            propagation,
            // Ignored before API 1.42: the folder must exist there.
            create_mountpoint: create_host_path.then_some(true),
            ..MountBindOptions::default()
        }),
        ..of(MountType::BIND, target)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn a_bind(source: &str, create: bool, propagation: Option<&str>) -> ResolvedMount {
        ResolvedMount::Bind {
            source: source.into(),
            target: "/data".into(),
            read_only: true,
            create_host_path: create,
            propagation: propagation.map(Into::into),
        }
    }

    #[test]
    fn a_missing_host_folder_is_made_on_every_engine() {
        let said = to_engine(&a_bind("/srv/a", true, Some("rshared"))).unwrap();
        assert_eq!(said, Said::Bind("/srv/a:/data:ro,rshared".into()));
        let Said::Mount(mount) = to_engine(&a_bind("/srv/a:b", true, None)).unwrap() else {
            panic!("a colon would split the bind")
        };
        assert_eq!(mount.source.as_deref(), Some("/srv/a:b"));
        assert_eq!(mount.bind_options.unwrap().create_mountpoint, Some(true));
        let Said::Mount(mount) = to_engine(&a_bind("/srv/a", false, None)).unwrap() else {
            panic!("`Binds` would make it")
        };
        assert_eq!(mount.bind_options, None);
    }

    #[test]
    fn a_bind_is_never_taken_for_a_volume() {
        assert!(to_engine(&a_bind("data", true, None)).is_err());
        assert!(to_engine(&a_bind("/srv/a", true, Some("z"))).is_err());
    }
}
