//! Contexts on disk: what travels, in which order, and what is refused.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

fn default_recipe() -> Recipe {
    Recipe::File("Dockerfile".into())
}

fn open(dir: &tempfile::TempDir) -> Result<Context, ContextError> {
    Context::open(dir.path(), &default_recipe())
}

fn packed(context: &Context) -> Vec<u8> {
    let mut out = Vec::new();
    context.write(&mut out).unwrap();
    out
}

fn names(tar: &[u8]) -> Vec<String> {
    let mut archive = ::tar::Archive::new(tar);
    let entries = archive.entries().unwrap();
    entries.map(|e| e.unwrap().path().unwrap().display().to_string()).collect()
}

fn travels(files: &[(&str, &str)]) -> Vec<String> {
    names(&packed(&open(&folder(files)).unwrap()))
}

#[test]
fn everything_travels_without_an_ignore_file() {
    let files = [("Dockerfile", "FROM x"), ("b/c", "1"), ("a", "2"), ("b/.hidden", "3")];
    assert_eq!(travels(&files), ["Dockerfile", "a", "b/", "b/.hidden", "b/c"]);
}

#[test]
fn ignored_files_stay_at_home_and_folders_come_back_with_what_is_taken_back() {
    let files = [
        ("Dockerfile", "FROM x"),
        (".dockerignore", "*\n!src/**/*.rs\n!keep"),
        ("src/a.rs", ""),
        ("src/a.o", ""),
        ("src/deep/er/b.rs", ""),
        ("src/none/c.o", ""),
        ("keep/x", ""),
        ("other/x", ""),
    ];
    // The Dockerfile and the ignore file always travel: the builder needs them.
    let expected = [
        ".dockerignore",
        "Dockerfile",
        "keep/",
        "keep/x",
        "src/",
        "src/a.rs",
        "src/deep/",
        "src/deep/er/",
        "src/deep/er/b.rs",
    ];
    assert_eq!(travels(&files), expected);
}

#[test]
fn a_dockerfiles_own_ignore_file_comes_first() {
    let dir = folder(&[
        ("docker/web", "FROM x"),
        ("docker/web.dockerignore", "secret"),
        (".dockerignore", "public"),
        ("secret", ""),
        ("public", ""),
    ]);
    let context = Context::open(dir.path(), &Recipe::File("docker/web".into())).unwrap();
    assert_eq!(context.dockerfile(), "docker/web");
    let names = names(&packed(&context));
    assert!(names.contains(&"public".to_owned()));
    assert!(!names.contains(&"secret".to_owned()));
}

#[test]
fn a_dockerfile_from_elsewhere_travels_under_a_name_of_its_own() {
    let outside = folder(&[("Dockerfile", "FROM elsewhere")]);
    let dir = folder(&[("a", "")]);
    let elsewhere = outside.path().join("Dockerfile");
    for recipe in [Recipe::File(elsewhere), Recipe::Inline("FROM elsewhere".into())] {
        let context = Context::open(dir.path(), &recipe).unwrap();
        assert!(context.dockerfile().starts_with(".landfall-"), "{}", context.dockerfile());
        assert_eq!(names(&packed(&context)), ["a", context.dockerfile()]);
    }
}

#[test]
fn links_stay_links_and_modes_stay_modes() {
    let dir = folder(&[("Dockerfile", ""), ("run.sh", "#!/bin/sh")]);
    fs::set_permissions(dir.path().join("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    symlink("/etc/passwd", dir.path().join("link")).unwrap();
    symlink("nowhere", dir.path().join("broken")).unwrap();
    let tar = packed(&open(&dir).unwrap());
    let mut archive = ::tar::Archive::new(tar.as_slice());
    let mut seen = Vec::new();
    for entry in archive.entries().unwrap() {
        let entry = entry.unwrap();
        let header = entry.header();
        assert_eq!((header.uid().unwrap(), header.gid().unwrap()), (0, 0));
        let link = entry.link_name().unwrap().map(|l| l.display().to_string());
        seen.push((entry.path().unwrap().display().to_string(), header.mode().unwrap(), link));
    }
    assert!(seen.contains(&("run.sh".into(), 0o755, None)));
    assert!(seen.contains(&("link".into(), 0o777, Some("/etc/passwd".into()))));
    assert!(seen.contains(&("broken".into(), 0o777, Some("nowhere".into()))));
}

#[test]
fn the_same_folder_makes_the_same_bytes() {
    let dir = folder(&[("Dockerfile", "x"), ("b", "1"), ("a/z", "2"), ("a/b", "3")]);
    assert_eq!(packed(&open(&dir).unwrap()), packed(&open(&dir).unwrap()));
}

#[test]
fn long_names_survive() {
    let long = format!("{}/{}", "d".repeat(150), "f".repeat(150));
    let files = [("Dockerfile", ""), (long.as_str(), "x")];
    assert!(travels(&files).contains(&long));
}

#[test]
fn what_cannot_be_sent_is_named() {
    let missing = Context::open(Path::new("/nonexistent/x"), &default_recipe()).unwrap_err();
    assert_eq!(missing.to_string(), "the build context /nonexistent/x does not exist");
    let empty = folder(&[]);
    assert!(matches!(open(&empty), Err(ContextError::NoDockerfile(_))));
    let bad = folder(&[("Dockerfile", ""), (".dockerignore", "[")]);
    assert!(matches!(open(&bad), Err(ContextError::Ignore { .. })));
}

#[test]
fn too_much_is_refused_with_the_heaviest_folders() {
    let dir = folder(&[("Dockerfile", "12"), ("data/a", "123456"), ("src/b", "123")]);
    let limits = Limits { bytes: 10, entries: 100 };
    let error = Context::open_within(dir.path(), &default_recipe(), limits).unwrap_err();
    let ContextError::TooLarge { heaviest, .. } = error else { panic!("{error}") };
    assert_eq!(heaviest[0], ("data".to_owned(), 6));
    let limits = Limits { bytes: 1000, entries: 3 };
    let error = Context::open_within(dir.path(), &default_recipe(), limits).unwrap_err();
    assert!(matches!(error, ContextError::TooLarge { .. }));
}

#[test]
fn a_file_that_shrinks_meanwhile_is_an_error() {
    let dir = folder(&[("Dockerfile", "0123456789")]);
    let context = open(&dir).unwrap();
    fs::write(dir.path().join("Dockerfile"), "0").unwrap();
    let error = context.write(Vec::new()).unwrap_err();
    assert!(matches!(error, ContextError::Changed(_)), "{error}");
}
