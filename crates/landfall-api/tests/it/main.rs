//! The clients against a server that says exactly what a test wants it to say.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as their assertions do")]

use std::path::{Path, PathBuf};

use landfall_api::{
    AgentClient, BuildEvent, ClientError, EdgeClient, EdgeClientError, LINE_MAX_BYTES, Lines,
    LogQuery, TransportError,
};
use landfall_core::control::RefusedKind;
use landfall_core::route::RouteTable;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;

/// Answers one connection with these bytes, piece by piece, and hangs up.
fn answer(dir: &Path, pieces: &[&[u8]]) -> PathBuf {
    let socket = dir.join("s.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let pieces: Vec<Vec<u8>> = pieces.iter().map(|piece| piece.to_vec()).collect();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        let _ = stream.read(&mut request).await.unwrap();
        for piece in pieces {
            // The client may have hung up already, which is its right.
            if stream.write_all(&piece).await.is_err() {
                return;
            }
            tokio::task::yield_now().await;
        }
    });
    socket
}

const STREAM: &[u8] = b"HTTP/1.1 200 OK\r\nlandfall-api: 1\r\nconnection: close\r\n\r\n";

async fn logs(client: &AgentClient) -> Result<Lines<landfall_api::LogLine>, ClientError> {
    client.logs(&"shop".parse().unwrap(), &LogQuery::default()).await
}

#[tokio::test]
async fn lines_may_come_in_any_pieces_and_empty_ones_say_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let line = br#"{"service":"web","replica":1,"release":2,"stream":"stdout","text":"a"}"#;
    let (head, tail) = line.split_at(20);
    let socket = answer(dir.path(), &[STREAM, b"\n", head, tail, b"\n\n", line]);
    let mut lines = logs(&AgentClient::new(&socket)).await.unwrap();
    for _ in 0..2 {
        assert_eq!(lines.next().await.unwrap().unwrap().text, "a");
    }
    assert_eq!(lines.next().await.unwrap(), None);
}

#[tokio::test]
async fn a_line_without_end_is_not_collected_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let endless = vec![b'x'; LINE_MAX_BYTES + 100];
    let socket = answer(dir.path(), &[STREAM, &endless, &endless]);
    let mut lines = logs(&AgentClient::new(&socket)).await.unwrap();
    let error = lines.next().await.unwrap_err();
    assert!(matches!(error, TransportError::Malformed(_)), "{error}");
}

#[tokio::test]
async fn another_version_is_told_before_anything_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let socket = answer(dir.path(), &[b"HTTP/1.1 200 OK\r\nlandfall-api: 2\r\n\r\n{}"]);
    let error = AgentClient::new(&socket).info().await.unwrap_err();
    let ClientError::Transport(TransportError::Version { theirs, .. }) = error else {
        panic!("{error}")
    };
    assert_eq!(theirs.as_deref(), Some("2"));
}

#[tokio::test]
async fn an_answer_that_breaks_off_may_have_had_an_effect_and_a_dead_socket_has_not() {
    let dir = tempfile::tempdir().unwrap();
    let socket = answer(dir.path(), &[b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"]);
    let edge = EdgeClient::new(&socket);
    let Err(EdgeClientError::Transport(error)) = edge.swap(&RouteTable::default()).await else {
        panic!("it must fail")
    };
    assert!(error.may_have_been_sent(), "{error}");
    // The listener is gone, its file is still there.
    let Err(EdgeClientError::Transport(error)) = edge.table().await else { panic!("it must fail") };
    assert!(matches!(error, TransportError::NotRunning { .. }), "{error}");
    assert!(!error.may_have_been_sent());
}

#[tokio::test]
async fn the_edges_refusal_keeps_its_kind() {
    let dir = tempfile::tempdir().unwrap();
    let body = r#"{"kind":"stale","message":"the table is at 7","generation":7}"#;
    let length = body.len();
    let text = format!("HTTP/1.1 409 Conflict\r\ncontent-length: {length}\r\n\r\n{body}");
    let socket = answer(dir.path(), &[text.as_bytes()]);
    let error = EdgeClient::new(&socket).swap(&RouteTable::default()).await.unwrap_err();
    let EdgeClientError::Refused(refused) = error else { panic!("{error}") };
    assert_eq!((refused.kind, refused.generation), (RefusedKind::Stale, 7));
}

#[tokio::test]
async fn a_context_that_breaks_off_never_becomes_a_build() {
    let dir = tempfile::tempdir().unwrap();
    let socket = answer(dir.path(), &[]);
    let (sender, context) = landfall_api::context_channel();
    sender.send(Err(std::io::Error::other("the packer failed"))).await.unwrap();
    drop(sender);
    let built: Result<Lines<BuildEvent>, _> =
        AgentClient::new(&socket).build(&landfall_api::BuildRequest::default(), context).await;
    assert!(matches!(built, Err(ClientError::Transport(_))));
}
