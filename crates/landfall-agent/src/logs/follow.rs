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
use crate::platform::{LogRequest, Platform};

/// Time between two looks for new containers.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// A container's next line; `None` when its stream ended.
type Next = (String, Option<(String, LogLine)>);

type Readers = SelectAll<Pin<Box<dyn Stream<Item = Next> + Send>>>;

/// Which containers are read, and up to where they were.
#[derive(Debug, Default)]
struct Places {
    reading: HashSet<String>,
    last_at: HashMap<String, String>,
}

impl<P: Platform> Agent<P> {
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
                    let Some((at, line)) = line else {
                        places.reading.remove(&id);
                        continue;
                    };
                    // The engine repeats the line of the time it is asked to go on from.
                    if places.last_at.get(&id).is_some_and(|last| at <= *last) {
                        continue;
                    }
                    let line = LogLine { at: query.timestamps.then(|| at.clone()), ..line };
                    places.last_at.insert(id, at);
                    if lines.send(line).await.is_err() {
                        return;
                    }
                }
                _ = looks.tick() => {
                    // An engine that is away for a moment ends no one's view.
                    for found in self.loggers(app, query).await.unwrap_or_default() {
                        let runs = matches!(found.status, Status::Running | Status::Restarting);
                        if runs || !places.last_at.contains_key(&found.id) {
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
        let since = places.last_at.get(&found.id).cloned();
        let (id, last_id) = (found.id.clone(), found.id.clone());
        let reader = self.reader(found, LogRequest { tail, follow: true, since });
        let reader = reader.map(move |line| (id.clone(), Some(line)));
        readers.push(Box::pin(reader.chain(stream::iter([(last_id, None)]))));
    }
}
