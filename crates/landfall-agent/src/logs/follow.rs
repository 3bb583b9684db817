//! Following: new containers join in, and one that was restarted goes on where it stopped.

use std::collections::{HashMap, HashSet};
use std::pin::Pin;
use std::time::Duration;

use futures_util::stream::{self, SelectAll, Stream, StreamExt};
use landfall_api::{LogLine, LogQuery};
use landfall_core::id::AppName;
use landfall_deploy::ports::{FoundContainer, Status};
use tokio::sync::mpsc;

use crate::agent::Agent;
use crate::ground::Ground;
use crate::platform::LogRequest;

/// Time between two looks for new containers.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// A container's next line; `None` when its stream ended.
type Next = (String, Option<(u64, LogLine)>);

type Readers = SelectAll<Pin<Box<dyn Stream<Item = Next> + Send>>>;

/// Which containers are read, and up to where they were.
#[derive(Debug, Default)]
struct Places {
    reading: HashSet<String>,
    last_at_ms: HashMap<String, u64>,
}

impl<G: Ground> Agent<G> {
    pub(super) async fn follow(
        &self,
        app: &AppName,
        query: &LogQuery,
        found: Vec<FoundContainer>,
        lines: &mpsc::Sender<LogLine>,
    ) {
        let mut places = Places::default();
        let mut readers = Readers::new();
        for found in &found {
            self.read_on(found, query.tail, &mut places, &mut readers);
        }
        let mut looks = tokio::time::interval(LOOK_EVERY);
        loop {
            tokio::select! {
                next = readers.next(), if !readers.is_empty() => {
                    let Some((id, line)) = next else { continue };
                    let Some((at_ms, line)) = line else {
                        places.reading.remove(&id);
                        continue;
                    };
                    let at = query.timestamps.then(|| super::time::rfc3339(at_ms));
                    places.last_at_ms.insert(id, at_ms);
                    let line = LogLine { at, ..line };
                    if lines.send(line).await.is_err() {
                        return;
                    }
                }
                _ = looks.tick() => {
                    // An engine that is away for a moment ends no one's view.
                    for found in self.loggers(app, query).await.unwrap_or_default() {
                        let runs = matches!(found.status, Status::Running | Status::Restarting);
                        if runs || !places.last_at_ms.contains_key(&found.id) {
                            self.read_on(&found, None, &mut places, &mut readers);
                        }
                    }
                }
                () = lines.closed() => return,
            }
        }
    }

    fn read_on(
        &self,
        found: &FoundContainer,
        tail: Option<u32>,
        places: &mut Places,
        readers: &mut Readers,
    ) {
        if !places.reading.insert(found.id.clone()) {
            return;
        }
        let since_ms = places.last_at_ms.get(&found.id).copied();
        let (id, last_id) = (found.id.clone(), found.id.clone());
        let reader = self.reader(found, LogRequest { tail, follow: true, since_ms });
        let reader = reader.filter_map(move |(at_ms, line)| {
            // What was sent before the restart is repeated by an engine that counts in seconds.
            let is_new = since_ms.is_none_or(|since_ms| at_ms > since_ms);
            std::future::ready(is_new.then(|| (id.clone(), Some((at_ms, line)))))
        });
        readers.push(Box::pin(reader.chain(stream::iter([(last_id, None)]))));
    }
}
