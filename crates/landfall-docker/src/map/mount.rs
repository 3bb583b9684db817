//! Mounts. Everything goes through `Mounts`, except what older engines can only say elsewhere: binds
//! whose missing host folder is to be made or that are labelled, and options of a tmpfs.

use std::str::FromStr as _;

use bollard::models::{
    Mount, MountBindOptions, MountBindOptionsPropagationEnum, MountImageOptions, MountTmpfsOptions,
    MountType, MountVolumeOptions,
};
use landfall_core::spec::{Recursive, Relabel};
use landfall_deploy::ports::{EngineError, ResolvedMount};

use super::{signed, to_hash_map};
use crate::error;

/// A mount, as `Binds`, `Tmpfs` or `Mounts` wants it.
#[derive(Debug, PartialEq)]
pub(super) enum Said {
    Bind(String),
    Mount(Box<Mount>),
    /// Path and options.
    Tmpfs(String, String),
}

pub(super) fn to_engine(mount: &ResolvedMount) -> Result<Said, EngineError> {
    Ok(match mount {
        ResolvedMount::Volume { name, target, read_only, nocopy, subpath } => said(Mount {
            source: Some(name.clone()),
            read_only: Some(*read_only),
            volume_options: (*nocopy || subpath.is_some()).then(|| MountVolumeOptions {
                no_copy: nocopy.then_some(true),
                subpath: subpath.clone(),
                ..MountVolumeOptions::default()
            }),
            ..of(MountType::VOLUME, target)
        }),
        ResolvedMount::Anonymous { target, labels } => said(Mount {
            volume_options: to_hash_map(labels).map(|labels| MountVolumeOptions {
                labels: Some(labels),
                ..MountVolumeOptions::default()
            }),
            ..of(MountType::VOLUME, target)
        }),
        ResolvedMount::Bind {
            source,
            target,
            read_only,
            create_host_path,
            propagation,
            relabel,
            recursive,
        } => {
            // `Binds` would take anything else for a volume's name.
            if !source.starts_with('/') {
                return Err(error::invalid(format!(
                    "bind source {source:?} is not an absolute path"
                )));
            }
            bind(&Bind {
                source,
                target,
                read_only: *read_only,
                create_host_path: *create_host_path,
                propagation: propagation.as_deref().map(propagation_word).transpose()?.flatten(),
                relabel: *relabel,
                recursive: *recursive,
            })?
        }
        ResolvedMount::Tmpfs { target, size_bytes, mode, options } => {
            tmpfs(target, *size_bytes, *mode, options)
        }
        ResolvedMount::Image { image, target, subpath } => said(Mount {
            source: Some(crate::name::image(image)?.to_owned()),
            image_options: subpath
                .clone()
                .map(|subpath| MountImageOptions { subpath: Some(subpath) }),
            ..of(MountType::IMAGE, target)
        }),
    })
}

fn said(mount: Mount) -> Said {
    Said::Mount(Box::new(mount))
}

fn of(typ: MountType, target: &str) -> Mount {
    Mount { typ: Some(typ), target: Some(target.to_owned()), ..Mount::default() }
}

/// `Mounts` knows sizes and modes; further options it knows since engine 27 only, `Tmpfs` always.
fn tmpfs(target: &str, size_bytes: Option<u64>, mode: Option<u32>, options: &[String]) -> Said {
    if options.is_empty() {
        return said(Mount {
            tmpfs_options: (size_bytes.is_some() || mode.is_some()).then(|| MountTmpfsOptions {
                size_bytes: size_bytes.map(signed),
                mode: mode.map(i64::from),
                options: None,
            }),
            ..of(MountType::TMPFS, target)
        });
    }
    let size = size_bytes.map(|size| format!("size={size}"));
    let mode = mode.map(|mode| format!("mode={mode:o}"));
    let all: Vec<String> = options.iter().cloned().chain(size).chain(mode).collect();
    Said::Tmpfs(target.to_owned(), all.join(","))
}

/// A bind whose parts were looked at.
struct Bind<'m> {
    source: &'m str,
    target: &'m str,
    read_only: bool,
    create_host_path: bool,
    propagation: Option<MountBindOptionsPropagationEnum>,
    relabel: Option<Relabel>,
    recursive: Recursive,
}

fn propagation_word(word: &str) -> Result<Option<MountBindOptionsPropagationEnum>, EngineError> {
    if word.is_empty() {
        return Ok(None);
    }
    let known = MountBindOptionsPropagationEnum::from_str(word);
    let unknown = |_| error::invalid(format!("{word:?} is not a mount propagation the engine has"));
    known.map(Some).map_err(unknown)
}

fn bind(bind: &Bind<'_>) -> Result<Said, EngineError> {
    let plain = !bind.source.contains(':') && !bind.target.contains(':');
    let word = match bind.relabel {
        None => None,
        Some(Relabel::Shared) => Some("z"),
        Some(Relabel::Private) => Some("Z"),
    };
    // Labels can be said in `Binds` alone, and all but `recursive` there too.
    if (bind.create_host_path || word.is_some()) && plain && bind.recursive == Recursive::Enabled {
        let mode = if bind.read_only { "ro" } else { "rw" };
        let word = word.map(|word| format!(",{word}")).unwrap_or_default();
        let propagation = bind.propagation.map(|word| format!(",{word}")).unwrap_or_default();
        let (source, target) = (bind.source, bind.target);
        return Ok(Said::Bind(format!("{source}:{target}:{mode}{word}{propagation}")));
    }
    if word.is_some() {
        return Err(error::invalid(format!(
            "bind {:?} cannot be labelled for SELinux: it has a colon or sets `recursive`",
            bind.source
        )));
    }
    let options = MountBindOptions {
        propagation: bind.propagation,
        // Ignored before API 1.42: the folder must exist there.
        create_mountpoint: bind.create_host_path.then_some(true),
        non_recursive: (bind.recursive == Recursive::Disabled).then_some(true),
        read_only_non_recursive: (bind.recursive == Recursive::Writable).then_some(true),
        read_only_force_recursive: (bind.recursive == Recursive::ReadOnly).then_some(true),
    };
    Ok(said(Mount {
        source: Some(bind.source.to_owned()),
        read_only: Some(bind.read_only),
        bind_options: (options != MountBindOptions::default()).then_some(options),
        ..of(MountType::BIND, bind.target)
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
            relabel: None,
            recursive: Recursive::Enabled,
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
