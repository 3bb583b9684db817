//! The old edge's side, up to the moment in which it is no longer the edge.

use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{PidfdFlags, getpid, pidfd_open};
use tokio::time::timeout;

use super::{Line, Offer, WORD, Word};
use crate::edge::{Edge, Estate};

/// Offers everything to a successor and, if it takes it, becomes the one that finishes.
pub(crate) async fn offer(edge: Arc<Edge>, mut line: Line) {
    // No table is replaced meanwhile.
    let writer = Arc::clone(edge.writer()).lock_owned().await;
    let Some(estate) = edge.leave() else {
        say_no(&mut line, "this edge is not serving any more").await;
        return;
    };
    match hand_over(&edge, &mut line, &estate).await {
        Ok(()) => {
            tracing::info!("a successor has taken over");
            edge.left(estate, line);
        }
        Err(why) => {
            tracing::warn!(why, "goes on: no successor took over");
            edge.own(estate);
            say_no(&mut line, &why).await;
        }
    }
    drop(writer);
}

async fn hand_over(edge: &Edge, line: &mut Line, estate: &Estate) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("the successor cannot be reached: {error}");
    timeout(WORD, send(edge, line, estate)).await.map_err(|_| SILENT)?.map_err(failed)?;
    match timeout(WORD, line.receive()).await.map_err(|_| SILENT)?.map_err(failed)? {
        Word::Ready => {}
        Word::No(why) => return Err(format!("the successor cannot serve: {why}")),
        other @ (Word::Yours | Word::Taken) => return Err(format!("it said {other:?} too soon")),
    }
    timeout(WORD, line.send(&Word::Yours)).await.map_err(|_| SILENT)?.map_err(failed)?;
    let mut answer = timeout(WORD, line.receive()).await;
    if answer.is_err() {
        // Either it has said so by now, or it never can.
        line.stop_listening();
        answer = timeout(WORD, line.receive()).await;
    }
    match answer {
        Ok(Ok(Word::Taken)) => Ok(()),
        Ok(Ok(other)) => Err(format!("it said {other:?} instead of taking over")),
        Ok(Err(error)) => Err(failed(error)),
        Err(_) => Err(SILENT.to_owned()),
    }
}

const SILENT: &str = "the successor does not answer in time";

async fn send(edge: &Edge, line: &mut Line, estate: &Estate) -> std::io::Result<()> {
    // The socket would tell who listened first, which may be an edge before this one.
    let process = pidfd_open(getpid(), PidfdFlags::empty()).ok();
    let (listeners, sockets): (Vec<_>, Vec<_>) = edge.doors().listeners().into_iter().unzip();
    line.send(&Offer {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        generation: edge.generation(),
        pid_file: estate.pid_file.is_some(),
        listeners,
        process: process.is_some(),
    })
    .await?;
    let mut fds = vec![estate.store.lock().as_fd(), estate.control.as_fd()];
    fds.extend(estate.pid_file.iter().map(|file| file.as_fd()));
    fds.extend(sockets.iter().map(|socket| socket.as_fd()));
    fds.extend(process.iter().map(|process| process.as_fd()));
    line.send_fds(&fds).await
}

async fn say_no(line: &mut Line, why: &str) {
    // Whoever is not there to hear it needs no answer.
    let _ = timeout(Duration::from_secs(1), line.send(&Word::No(why.to_owned()))).await;
}
