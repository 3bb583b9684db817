//! What an app writes: its containers' lines, merged by time, or as they come when followed.

use std::pin::Pin;

use futures_util::stream::{Stream, StreamExt};
use landfall_api::{LogLine, LogQuery, Problem};
use landfall_core::id::AppName;
use landfall_deploy::ports::{Engine, FoundContainer, Selector};
use tokio::sync::mpsc;

use crate::agent::Agent;
use crate::ground::{Ground, Store};
use crate::platform::{LogRequest, Platform, RawLine};
use crate::problems;
use crate::status::no_app;

mod follow;
mod time;

/// Containers read at once.
const CONTAINERS_MAX: usize = 256;

/// Lines with their times.
type Lines = Pin<Box<dyn Stream<Item = (u64, LogLine)> + Send>>;

impl<G: Ground> Agent<G> {
    /// Sends lines until there are no more, or nobody listens.
    pub(crate) async fn logs(
        &self,
        app: &AppName,
        query: LogQuery,
        lines: mpsc::Sender<LogLine>,
    ) -> Result<(), Problem> {
        let found = self.loggers(app, &query).await?;
        if found.is_empty() && !self.store.apps().await?.contains(app) {
            return Err(no_app(app));
        }
        let (agent, app) = (self.clone(), app.clone());
        self.spawn(async move {
            if query.follow {
                agent.follow(&app, &query, found, &lines).await;
                return;
            }
            let request = LogRequest { tail: query.tail, ..LogRequest::default() };
            let reader = |found: &FoundContainer| agent.reader(found, request.clone());
            let readers = found.iter().map(reader).collect();
            merge(readers, query.timestamps, &lines).await;
        });
        Ok(())
    }

    async fn loggers(
        &self,
        app: &AppName,
        query: &LogQuery,
    ) -> Result<Vec<FoundContainer>, Problem> {
        let selector = match &query.service {
            Some(service) => Selector::app(app).service(service),
            None => Selector::app(app),
        };
        let found = self.platform.containers(&selector).await;
        let mut found = found.map_err(|error| problems::engine(&error))?;
        found.truncate(CONTAINERS_MAX);
        Ok(found)
    }

    fn reader(&self, found: &FoundContainer, request: LogRequest) -> Lines {
        let raw = self.platform.logs(&found.id, request);
        let (labels, name) = (found.labels.clone(), found.name.clone());
        Box::pin(raw.filter_map(move |line| {
            std::future::ready(match line {
                Ok(RawLine { at_ms, stream, text }) => labels.service.clone().map(|service| {
                    let (replica, release) = (labels.replica.unwrap_or(1), labels.release);
                    (at_ms, LogLine { at: None, service, replica, release, stream, text })
                }),
                Err(error) => {
                    tracing::warn!(container = name, %error, "cannot read its log");
                    None
                }
            })
        }))
    }
}

/// Merges streams that are each sorted by time.
async fn merge(mut readers: Vec<Lines>, timestamps: bool, lines: &mpsc::Sender<LogLine>) {
    let mut heads = Vec::with_capacity(readers.len());
    for reader in &mut readers {
        heads.push(reader.next().await);
    }
    loop {
        let waiting = heads.iter().enumerate();
        let waiting = waiting.filter_map(|(at, head)| head.as_ref().map(|(at_ms, _)| (*at_ms, at)));
        let Some(at) = waiting.min().map(|(_, at)| at) else { return };
        let next = readers[at].next().await;
        if let Some((at_ms, line)) = std::mem::replace(&mut heads[at], next) {
            let line = LogLine { at: timestamps.then(|| time::rfc3339(at_ms)), ..line };
            if lines.send(line).await.is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use landfall_api::LogStream;
    use landfall_core::id::ReleaseNumber;

    fn line(at_ms: u64) -> (u64, LogLine) {
        let line = LogLine {
            at: None,
            service: "web".parse().unwrap(),
            replica: 1,
            release: ReleaseNumber(1),
            stream: LogStream::Stdout,
            text: at_ms.to_string(),
        };
        (at_ms, line)
    }

    #[tokio::test]
    async fn lines_of_several_containers_come_in_order_of_time() {
        let reader = |times: &[u64]| -> Lines {
            let lines: Vec<_> = times.iter().map(|at| line(*at)).collect();
            Box::pin(futures_util::stream::iter(lines))
        };
        let readers = vec![reader(&[1, 4]), reader(&[]), reader(&[2, 3, 5])];
        let (sender, mut lines) = mpsc::channel(16);
        merge(readers, false, &sender).await;
        drop(sender);
        let mut seen = String::new();
        while let Some(line) = lines.recv().await {
            assert_eq!(line.at, None);
            seen.push_str(&line.text);
        }
        assert_eq!(seen, "12345");
    }
}
