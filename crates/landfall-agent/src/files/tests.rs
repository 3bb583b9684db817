//! Sealed files on a real disk.

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use landfall_core::secret::Secret;
use landfall_core::spec::{SealedFile, SealedKind, SealedTree};

use super::*;

fn file(content: &str, mode: u32) -> SealedFile {
    let content = Secret::new(BASE64_STANDARD.encode(content));
    SealedFile { mode, uid: None, gid: None, content }
}

fn tree(kind: SealedKind, entries: &[(&str, SealedFile)]) -> SealedTree {
    let entries = entries.iter().map(|(path, file)| ((*path).to_owned(), file.clone()));
    SealedTree { kind, entries: entries.collect() }
}

fn release(files: BTreeMap<String, SealedTree>) -> Release {
    let mut release = crate::testkit::release(1);
    release.spec.files = files;
    release
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[tokio::test]
async fn trees_stand_where_they_are_mounted_from_and_strangers_can_read_them() {
    let dir = tempfile::tempdir().unwrap();
    let files = DiskFiles::new(dir.path().join("files"));
    let release = release(BTreeMap::from([
        ("../../etc".to_owned(), tree(SealedKind::File, &[("", file("secret", 0o444))])),
        (
            "./nginx".to_owned(),
            tree(
                SealedKind::Folder,
                &[("nginx.conf", file("a", 0o644)), ("conf.d/x/site.conf", file("b", 0o640))],
            ),
        ),
        ("empty".to_owned(), tree(SealedKind::Folder, &[])),
    ]));
    files.write(&release).await.unwrap();
    let at = |tree: &str| PathBuf::from(files.path(release.app(), release.number, tree));
    assert_eq!(std::fs::read_to_string(at("../../etc")).unwrap(), "secret");
    assert_eq!(mode(&at("../../etc")), 0o444);
    assert!(at("../../etc").starts_with(dir.path().join("files/shop/r1")));
    assert_eq!(std::fs::read_to_string(at("./nginx").join("conf.d/x/site.conf")).unwrap(), "b");
    assert_eq!(mode(&at("./nginx").join("conf.d/x/site.conf")), 0o640);
    assert_eq!(mode(&at("./nginx").join("conf.d/x")), 0o755);
    assert_eq!(mode(&at("./nginx")), 0o755);
    assert_eq!(mode(&dir.path().join("files/shop/r1")), 0o711);
    assert!(at("empty").is_dir());
    assert_eq!(files.releases(release.app()).await.unwrap(), [ReleaseNumber(1)]);
    files.remove(release.app(), release.number).await.unwrap();
    files.remove(release.app(), release.number).await.unwrap();
    assert_eq!(files.releases(release.app()).await.unwrap(), []);
}

#[tokio::test]
async fn what_is_wrong_is_made_right_and_what_is_right_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let files = DiskFiles::new(dir.path());
    let folder = tree(SealedKind::Folder, &[("a", file("a", 0o644)), ("b", file("b", 0o644))]);
    let release = release(BTreeMap::from([("t".to_owned(), folder)]));
    files.write(&release).await.unwrap();
    let at = PathBuf::from(files.path(release.app(), release.number, "t"));
    let inode = std::fs::metadata(at.join("a")).unwrap().ino();
    std::fs::write(at.join("b"), "torn").unwrap();
    std::fs::create_dir(at.join("stranger")).unwrap();
    std::fs::write(at.join("stranger/x"), "x").unwrap();
    files.write(&release).await.unwrap();
    assert_eq!(std::fs::metadata(at.join("a")).unwrap().ino(), inode);
    assert_eq!(std::fs::read_to_string(at.join("b")).unwrap(), "b");
    assert!(!at.join("stranger").exists());
}

#[tokio::test]
async fn paths_that_leave_their_tree_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let files = DiskFiles::new(dir.path().join("files"));
    for path in ["../x", "/etc/x", "a/../../x", "a//b", "./a", "a\0b", ""] {
        let folder = tree(SealedKind::Folder, &[(path, file("x", 0o644))]);
        let error = files.write(&release(BTreeMap::from([("t".into(), folder)]))).await;
        assert!(error.unwrap_err().0.contains("leaves its tree"), "{path:?}");
    }
    let two = tree(SealedKind::File, &[("", file("x", 0o644)), ("y", file("y", 0o644))]);
    assert!(files.write(&release(BTreeMap::from([("t".into(), two)]))).await.is_err());
    assert!(!dir.path().join("x").exists());
}
