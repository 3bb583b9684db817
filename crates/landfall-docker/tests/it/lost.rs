//! An engine that does not know a container that runs: its answers are not believed.

use std::io::Read as _;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use landfall_core::record::Retry;
use landfall_deploy::ports::{Engine as _, EngineErrorKind, Selector};
use landfall_docker::DockerEngine;
use tokio::net::UnixListener;

use crate::unreachable::{block_on, json, scripted};

#[test]
fn what_runs_and_is_not_listed_stops_every_look_at_its_app() {
    let folder = tempfile::tempdir().unwrap();
    let id = "88bc7d0b15ebcc960585c893683ba55028b6b930f231dece32fcbd8e0f3bd368";
    let container = folder.path().join("containers").join(id);
    std::fs::create_dir_all(&container).unwrap();
    let config = r#"{"Name":"/shop-db","Config":{"Labels":{"landfall.app":"shop"}}}"#;
    std::fs::write(container.join("config.v2.json"), config).unwrap();
    // A process with the arguments of a shim: a shell that waits for a line.
    let shim = folder.path().join("containerd-shim-runc-v2");
    symlink("/bin/sh", &shim).unwrap();
    let mut command = Command::new(&shim);
    command.args(["-c", "echo; read line", "-id", id]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut process = command.spawn().unwrap();
    // Started is not yet under its own arguments.
    process.stdout.take().unwrap().read_exact(&mut [0]).unwrap();

    let path = folder.path().join("docker.sock");
    block_on(async {
        let listener = UnixListener::bind(&path).unwrap();
        let engine = DockerEngine::connect(&path);
        let version = json("200 OK", r#"{"ApiVersion":"1.41"}"#);
        let root = folder.path().to_str().unwrap();
        let info = json("200 OK", &format!(r#"{{"DockerRootDir":"{root}"}}"#));
        let none = json("200 OK", "[]");
        let answers = [version.as_str(), &info, &none, &none, &none, &none];
        let look = async |app: &str| {
            let app = Selector::app(&app.parse().unwrap());
            engine.containers(&app).await
        };
        let looks = async {
            let refused = look("shop").await.unwrap_err();
            assert_eq!(refused.kind, EngineErrorKind::LostTrack, "{refused}");
            assert_eq!(refused.retry, Retry::Later, "it is well again after a restart");
            assert!(refused.message.contains("shop-db"), "{refused}");
            assert_eq!(look("blog").await, Ok(vec![]), "another app's is no reason");
            let lost = engine.lost().await.unwrap();
            assert_eq!(lost.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["shop-db"]);
            process.kill().unwrap();
            process.wait().unwrap();
            assert_eq!(look("shop").await, Ok(vec![]), "a folder without a process says nothing");
        };
        tokio::join!(scripted(listener, &answers), looks);
    });
}
