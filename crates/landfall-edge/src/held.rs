//! Requests that wait while no endpoint accepts connections: a replica starts again, or the engine
//! does. Nothing of them was sent, so trying again is safe whatever they are.
//!
//! Each try looks into the table of that moment, so a request that waits is served by whatever
//! release serves by then. Bodies are not read meanwhile: what is held is a head and a connection,
//! and their number has a limit. A request that waits is in flight to nobody, so it holds up no
//! drain.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::activity::millis;
use crate::answer::Reason;
use crate::exchange::Client;
use crate::hub::Stage;

/// The first pause, doubled each time.
const PAUSE: Duration = Duration::from_millis(10);
/// The longest.
const PAUSE_MAX: Duration = Duration::from_millis(250);

/// The waiting room.
#[derive(Debug, Default)]
pub(crate) struct Room {
    count: AtomicUsize,
    swapped: Notify,
}

impl Room {
    /// A table was swapped: whoever waits tries again at once.
    pub(crate) fn call(&self) {
        self.swapped.notify_waiters();
    }
}

/// One request's place in the room, for as long as it has no answer.
#[derive(Debug)]
pub(crate) struct Held {
    room: Arc<Room>,
    until: Instant,
    pause: Duration,
}

impl Held {
    fn enter(client: &Client) -> Result<Self, Reason> {
        let limits = client.edge.limits();
        let room = Arc::clone(client.edge.room());
        let before = room.count.fetch_add(1, Relaxed);
        // From here on dropping it counts it out.
        let held = Self { room, until: Instant::now() + limits.hold, pause: PAUSE };
        if before >= limits.held_max {
            return Err(Reason::Crowded);
        }
        if before == 0 {
            tracing::info!("holds requests: no endpoint accepts them");
        }
        Ok(held)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.room.count.fetch_sub(1, Relaxed);
    }
}

/// Waits before the next try. Fails when the request has waited for long enough, when too many do,
/// when the endpoints have been away for so long that nobody should wait for them any more, or when
/// this edge ends.
pub(crate) async fn wait(
    client: &Client,
    held: &mut Option<Held>,
    away_ms: u64,
) -> Result<(), Reason> {
    let (edge, activity) = (&client.edge, client.member.activity());
    activity.talk_to(0);
    if edge.limits().hold.is_zero() || away_ms > millis(edge.limits().hold_outage) {
        return Err(Reason::Unreachable);
    }
    if held.is_none() {
        *held = Some(Held::enter(client)?);
    }
    let Some(place) = held else { return Err(Reason::Unreachable) };
    if Instant::now() >= place.until || edge.hub().has_reached(Stage::Closing) {
        return Err(Reason::Unreachable);
    }
    let next = (Instant::now() + place.pause).min(place.until);
    place.pause = (place.pause * 2).min(PAUSE_MAX);
    // Done when it is called or when the time is over, which is the same.
    let _ = tokio::time::timeout_at(next, place.room.swapped.notified()).await;
    activity.touch();
    Ok(())
}
