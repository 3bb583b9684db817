//! The table outlives the edge.

use std::fs;
use std::path::Path;

use landfall_core::control::EdgeStatus;
use landfall_core::route::RouteTable;
use landfall_edge::EdgeError;

use crate::backend::Backend;
use crate::client::fetch;
use crate::support::Edge;

async fn generation(edge: &Edge) -> u64 {
    edge.ask::<EdgeStatus>("/v1/status").await.generation
}

/// The files of tables, the one with the newest generation last.
fn tables(state: &Path) -> Vec<std::path::PathBuf> {
    let mut files: Vec<_> = ["table-a", "table-b"]
        .map(|name| state.join(name))
        .into_iter()
        .filter(|p| p.exists())
        .collect();
    files.sort_by_key(|path| {
        let text = fs::read_to_string(path).unwrap();
        let table: RouteTable = serde_json::from_str(text.lines().nth(1).unwrap()).unwrap();
        table.generation
    });
    files
}

#[tokio::test]
async fn a_restarted_edge_serves_its_last_table_at_once() {
    let edge = Edge::start().await;
    let backend = Backend::start("site").await;
    let listen = edge.listen;
    for rollout in 1..=4 {
        edge.serve(rollout, &[("/", &[backend.address])]).await;
    }
    let table: RouteTable = edge.ask("/v1/table").await;
    let edge = Edge::start_in(edge.stop().await, |_| {}).await.unwrap();
    assert_eq!(edge.ask::<RouteTable>("/v1/table").await, table);
    assert_eq!(fetch(listen, "/").await.body, "site");
}

#[tokio::test]
async fn a_torn_newest_file_falls_back_and_two_torn_ones_refuse_to_start() {
    let edge = Edge::start().await;
    let backend = Backend::start("site").await;
    edge.serve(1, &[("/", &[backend.address])]).await;
    edge.serve(2, &[("/", &[backend.address])]).await;
    let dir = edge.stop().await;
    let state = dir.path().join("state");
    let files = tables(&state);
    let [older, newer] = &files[..] else { panic!("two files: {files:?}") };

    let whole = fs::read(newer).unwrap();
    fs::write(newer, &whole[..whole.len() / 2]).unwrap();
    let edge = Edge::start_in(dir, |_| {}).await.unwrap();
    assert_eq!(generation(&edge).await, 1);
    // The damaged file is the next to be written.
    edge.serve(3, &[("/", &[backend.address])]).await;
    let dir = edge.stop().await;
    let edge = Edge::start_in(dir, |_| {}).await.unwrap();
    assert_eq!(generation(&edge).await, 2);
    let dir = edge.stop().await;

    for file in [older, newer] {
        let mut bytes = fs::read(file).unwrap();
        let last = bytes.len() - 10;
        bytes[last] ^= 0x20;
        fs::write(file, bytes).unwrap();
    }
    let error = Edge::start_in(dir, |_| {}).await.err().unwrap();
    let said = error.to_string();
    assert!(matches!(error, EdgeError::Corrupt { .. }));
    assert!(said.contains("table-a: its checksum") && said.contains("table-b"), "{said}");
}

#[tokio::test]
async fn an_edge_without_any_file_starts_empty() {
    let edge = Edge::start().await;
    assert_eq!(generation(&edge).await, 0);
}

#[tokio::test]
async fn a_refused_table_is_not_found_after_a_restart() {
    let edge = Edge::start().await;
    let backend = Backend::start("site").await;
    edge.serve(1, &[("/", &[backend.address])]).await;
    let table: RouteTable = edge.ask("/v1/table").await;
    // Whatever file is next, its draft's place is taken.
    let state = edge.dir.path().join("state");
    for draft in ["table-a.new", "table-b.new"] {
        fs::create_dir(state.join(draft)).unwrap();
    }
    let (status, refused) =
        edge.put(&table.with_app(&"shop".parse().unwrap(), None)).await.unwrap_err();
    assert_eq!(status.as_u16(), 500);
    assert_eq!(refused.kind, landfall_core::control::RefusedKind::Storage);
    assert_eq!(fetch(edge.listen, "/").await.body, "site", "it serves on");
    let edge = Edge::start_in(edge.stop().await, |_| {}).await.unwrap();
    assert_eq!(edge.ask::<RouteTable>("/v1/table").await, table);
}
