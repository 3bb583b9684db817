//! Engines that are not there, hang up, or are too old.

use std::path::Path;

use landfall_core::record::{Effect, Retry};
use landfall_deploy::ports::{Engine as _, EngineErrorKind, Selector};
use landfall_docker::DockerEngine;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixListener;

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Answers each connection with the next of these; an empty one hangs up. Returns what was asked.
pub(crate) async fn scripted(listener: UnixListener, answers: &[&str]) -> Vec<String> {
    let mut asked = Vec::new();
    for answer in answers {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut buffer = vec![0; 64 * 1024];
        let n = stream.read(&mut buffer).await.unwrap();
        let request = String::from_utf8_lossy(&buffer[..n]).into_owned();
        asked.push(request.lines().next().unwrap_or_default().to_owned());
        stream.write_all(answer.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
    }
    asked
}

/// Asks an engine that gives these answers.
pub(crate) fn asked<T>(answers: &[&str], ask: impl AsyncFnOnce(DockerEngine) -> T) -> T {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("docker.sock");
    block_on(async {
        let listener = UnixListener::bind(&path).unwrap();
        let engine = DockerEngine::connect(&path);
        let version = json("200 OK", r#"{"ApiVersion":"1.41"}"#);
        let answers: Vec<_> =
            std::iter::once(version.as_str()).chain(answers.iter().copied()).collect();
        tokio::join!(scripted(listener, &answers), ask(engine)).1
    })
}

pub(crate) fn json(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[test]
fn an_engine_that_is_not_there_has_changed_nothing_and_may_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("docker.sock");
    block_on(async {
        let engine = DockerEngine::connect(&path);
        let check = async || {
            let error = engine.remove("x").await.unwrap_err();
            assert_eq!(error.kind, EngineErrorKind::Unreachable, "{error}");
            assert_eq!((error.effect, error.retry), (Effect::None, Retry::Later), "{error}");
        };
        check().await; // no socket
        drop(UnixListener::bind(&path).unwrap());
        check().await; // nobody behind it
        std::fs::remove_file(&path).unwrap();
        let listener = UnixListener::bind(&path).unwrap();
        let version = json("200 OK", r#"{"ApiVersion":"1.41"}"#);
        let root = folder.path().to_str().unwrap();
        let info = json("200 OK", &format!(r#"{{"DockerRootDir":"{root}"}}"#));
        let answers = [version.as_str(), &info, &json("200 OK", "[]")];
        let app = Selector::app(&"shop".parse().unwrap());
        let (asked, found) = tokio::join!(scripted(listener, &answers), engine.containers(&app));
        assert_eq!(found, Ok(vec![]), "the same handle works once the engine is up");
        assert_eq!(asked[0], "GET /version HTTP/1.1");
        assert_eq!(asked[1], "GET /v1.41/info HTTP/1.1");
        assert!(asked[2].starts_with("GET /v1.41/containers/json?"), "{asked:?}");
    });
}

#[test]
fn a_change_without_an_answer_is_in_doubt_and_a_question_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("docker.sock");
    block_on(async {
        let listener = UnixListener::bind(&path).unwrap();
        let engine = DockerEngine::connect(&path);
        let version = json("200 OK", r#"{"ApiVersion":"1.51"}"#);
        let answers = [version.as_str(), "", ""];
        let calls = async {
            let removed = engine.remove("x").await.unwrap_err();
            let asked = engine.status("x").await.unwrap_err();
            (removed, asked)
        };
        let (_, (removed, asked)) = tokio::join!(scripted(listener, &answers), calls);
        assert_eq!((removed.effect, removed.retry), (Effect::Unknown, Retry::Later), "{removed}");
        assert_eq!((asked.effect, asked.retry), (Effect::None, Retry::Later), "{asked}");
    });
}

#[test]
fn an_engine_that_is_too_old_is_named_and_one_that_was_upgraded_is_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("docker.sock");
    block_on(async {
        let listener = UnixListener::bind(&path).unwrap();
        let engine = DockerEngine::connect(&path);
        let old = json("200 OK", r#"{"ApiVersion":"1.40"}"#);
        let version = json("200 OK", r#"{"ApiVersion":"1.41"}"#);
        let refusal = json(
            "400 Bad Request",
            r#"{"message":"client version 1.41 is too old. Minimum supported API version is 1.44"}"#,
        );
        let newer = json("200 OK", r#"{"ApiVersion":"1.52"}"#);
        let none = json("404 Not Found", r#"{"message":"No such container: x"}"#);
        let answers = [old.as_str(), &version, &refusal, &newer, &none];
        let calls = async {
            let old = engine.status("x").await.unwrap_err();
            assert!(old.message.contains("20.10"), "{old}");
            let refused = engine.status("x").await.unwrap_err();
            assert_eq!(refused.retry, Retry::Later, "{refused}");
            assert_eq!(engine.status("x").await, Ok(None));
        };
        let (asked, ()) = tokio::join!(scripted(listener, &answers), calls);
        assert!(asked[4].starts_with("GET /v1.51/"), "{asked:?}");
    });
}

#[test]
fn a_socket_path_is_kept_as_given() {
    let engine = DockerEngine::connect(Path::new("/nowhere/docker.sock"));
    assert_eq!(engine.socket(), Path::new("/nowhere/docker.sock"));
}
