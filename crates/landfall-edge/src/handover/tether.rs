//! What ties an edge that finishes to its successor: it is told of new tables, since a client that
//! it still serves must not be sent to a release that was replaced meanwhile; and it says what is in
//! flight, since a release is drained only when both edges are done with it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use landfall_core::control::{CloseRequest, TargetStatus};
use landfall_core::route::RouteTable;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use super::Line;
use crate::edge::Edge;

/// Time for an answer, which comes from memory.
const ANSWER: Duration = Duration::from_secs(3);

/// Pause between two looks whether the old edge has ended.
const LOOK_EVERY: Duration = Duration::from_millis(50);

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Call {
    Targets,
    Close(CloseRequest),
    Serve(RouteTable),
}

/// The successor's end. Gone once the old edge has ended, or was given up.
#[derive(Debug, Default)]
pub(crate) struct Tether(tokio::sync::Mutex<Option<Line>>);

impl Tether {
    pub(crate) async fn attach(&self, line: Line) {
        *self.0.lock().await = Some(line);
    }

    /// What is still in flight at the old edge.
    pub(crate) async fn targets(&self) -> Vec<TargetStatus> {
        self.call(&Call::Targets).await
    }

    pub(crate) async fn close(&self, request: &CloseRequest) {
        self.call(&Call::Close(request.clone())).await;
    }

    /// When this returns the old edge serves this table, or nothing new.
    pub(crate) async fn serve(&self, table: &RouteTable) {
        self.call(&Call::Serve(table.clone())).await;
    }

    /// Returns once the old edge has ended. Looks now and then: it is for who waits anyway.
    pub(crate) async fn gone(&self) {
        loop {
            {
                let mut slot = self.0.lock().await;
                match slot.as_ref() {
                    Some(line) if line.has_ended() => *slot = None,
                    Some(_) => {}
                    None => return,
                }
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn call(&self, call: &Call) -> Vec<TargetStatus> {
        let mut slot = self.0.lock().await;
        let Some(line) = slot.as_mut() else { return Vec::new() };
        let answer = timeout(ANSWER, async {
            line.send(call).await?;
            line.receive().await
        });
        let answer = answer.await.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()));
        answer.unwrap_or_else(|error| {
            // If it has not ended, it does so soon, without its tether.
            tracing::info!(%error, "the old edge is gone");
            *slot = None;
            Vec::new()
        })
    }
}

/// The old edge's end: does as it is told until the successor has gone.
pub(crate) async fn follow(edge: Arc<Edge>, mut line: Line) {
    while let Ok(call) = line.receive().await {
        match call {
            Call::Targets => {}
            Call::Close(request) => edge.close(&request).await,
            Call::Serve(table) => edge.follow(table).await,
        }
        let targets = edge.targets().await;
        if line.send(&targets).await.is_err() {
            break;
        }
    }
    tracing::info!("the successor has gone or wants no more of this edge");
}

/// Adds what another edge has in flight. What only the other knows is retired.
pub(crate) fn joined(ours: Vec<TargetStatus>, theirs: Vec<TargetStatus>) -> Vec<TargetStatus> {
    let key = |s: &TargetStatus| (s.app.clone(), s.rollout, s.service.clone(), s.endpoint);
    let mut all: BTreeMap<_, _> = ours.into_iter().map(|status| (key(&status), status)).collect();
    for mut status in theirs {
        status.retired = true;
        match all.get_mut(&key(&status)) {
            Some(known) => known.in_flight += status.in_flight,
            None if status.in_flight == 0 => {}
            None => drop(all.insert(key(&status), status)),
        }
    }
    all.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(rollout: u32, in_flight: u64, retired: bool) -> TargetStatus {
        TargetStatus {
            app: "shop".parse().unwrap(),
            release: landfall_core::id::ReleaseNumber(rollout),
            rollout: landfall_core::id::RolloutNumber(rollout),
            service: "web".parse().unwrap(),
            endpoint: "127.0.0.1:80".parse().unwrap(),
            in_flight,
            retired,
        }
    }

    #[test]
    fn what_both_edges_have_in_flight_is_added_and_what_one_has_is_kept() {
        let ours = vec![status(2, 1, false), status(3, 0, false)];
        let theirs = vec![status(1, 4, true), status(2, 2, false), status(0, 0, false)];
        let joined = joined(ours, theirs);
        assert_eq!(joined, [status(1, 4, true), status(2, 3, false), status(3, 0, false)]);
    }
}
