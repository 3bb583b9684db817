//! What is around compose files: questions to an engine, git, and where places are shown.

use std::fs;

use landfall_check::{Disk, Folder as _, Kind, Surroundings, check, questions};
use landfall_compose::{LoadOptions, read};

use crate::support::Project;

#[test]
fn an_engine_is_asked_for_what_the_files_name() {
    let project = Project::new(
        "--- compose.yaml\nservices:\n  web:\n    image: web:1\n    ports: [\"8080-8081:80-81\", \
         \"53:53/udp\", \"90\"]\n    volumes: [\"data:/data\", \"mine:/m\", \"./x:/x\"]\nvolumes: {data: \
         {}, mine: {external: true, name: shared}}\n",
    );
    let asked = questions(&project.read());
    assert_eq!(asked.images.iter().map(String::as_str).collect::<Vec<_>>(), ["web:1"]);
    assert_eq!(
        asked.volumes.iter().map(String::as_str).collect::<Vec<_>>(),
        ["app_data", "shared"]
    );
    let ports: Vec<String> =
        asked.ports.iter().map(|(port, kind)| format!("{port}/{kind}")).collect();
    assert_eq!(ports, ["53/udp", "8080/tcp", "8081/tcp"]);
}

#[test]
fn a_worktree_of_git_is_followed_to_its_index() {
    let project =
        Project::new("@tracked app/a.txt\n--- compose.yaml\nservices: {a: {image: \"a:1\"}}\n");
    let root = project.path("");
    let tree = project.path("tree");
    fs::create_dir_all(tree.join("app")).unwrap();
    fs::write(tree.join(".git"), format!("gitdir: {}\n", root.join(".git").display())).unwrap();
    let disk = Disk::default();
    assert!(disk.tracked("/proc/self/nowhere".as_ref()).is_empty(), "no repository is there");
    assert_eq!(disk.tracked(&tree.join("app")), [tree.join("app/a.txt")]);
    let nothing = [""; 0].map(std::path::PathBuf::from);
    assert_eq!(disk.tracked(&tree.join("ap")), nothing);
    assert_eq!(disk.tracked("/".as_ref()), nothing);
    assert_eq!(disk.tracked(&root.join("app/a.txt")), [root.join("app/a.txt")], "another one");
}

#[test]
fn only_regular_files_are_read() {
    let project =
        Project::new("@folder folder\n--- compose.yaml\nservices: {a: {image: \"a:1\"}}\n");
    let disk = Disk::default();
    assert_eq!(disk.kind(&project.path("folder")), Some(Kind::Folder));
    assert_eq!(
        disk.kind(&project.path("compose.yaml")),
        Some(Kind::File { world_readable: false })
    );
    assert_eq!(disk.text(&project.path("folder")), None);
    assert_eq!(disk.head(&project.path("compose.yaml"), 8).unwrap(), b"services");
    assert_eq!(disk.text("/dev/zero".as_ref()), None, "it has no end");
}

#[test]
fn places_are_shown_from_where_the_user_stands() {
    let project = Project::new(
        "--- app/compose.yaml\nservices:\n  web: {build: ./web}\n--- app/web/Dockerfile\nFROM python:3.12\n\
         CMD flask run\n--- app/.env\nA_TOKEN=hunter2\n",
    );
    let places = |from: &str, file: &str| {
        let directory = project.path(from);
        let options = LoadOptions {
            directory: directory.clone(),
            files: vec![file.into()],
            ..LoadOptions::default()
        };
        let model = read(&options).unwrap();
        let around = Surroundings { shown_from: Some(directory), ..Surroundings::default() };
        let found = check(&model, &around).into_iter().filter(|finding| {
            matches!(finding.rule.as_str(), "development-server" | "secret-unused")
        });
        found.filter_map(|finding| finding.at).map(|at| at.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(places("", "app/compose.yaml"), ["app/.env:1:1", "app/web/Dockerfile:2:1"]);
    assert_eq!(places("app", "compose.yaml"), [".env:1:1", "web/Dockerfile:2:1"]);
    assert_eq!(places("app/web", "../compose.yaml"), ["../.env:1:1", "Dockerfile:2:1"]);
}
