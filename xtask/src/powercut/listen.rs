//! Who listens to the edge: what it says of its table is acknowledged.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use landfall_testing::host::ask;
use serde_json::Value;

use crate::wait::pause;

const ASK_EVERY: Duration = Duration::from_millis(10);

/// Asks the edge for its table again and again.
pub(super) struct Listener {
    table: Arc<Mutex<Value>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    pub(super) fn start(edge: PathBuf) -> Self {
        let (table, stop) = (Arc::new(Mutex::new(Value::Null)), Arc::new(AtomicBool::new(false)));
        let (told, stopped) = (Arc::clone(&table), Arc::clone(&stop));
        let thread = thread::spawn(move || {
            while !stopped.load(Ordering::SeqCst) {
                if let Some(table) = table_of(&edge) {
                    *told.lock().unwrap_or_else(PoisonError::into_inner) = table;
                }
                pause(ASK_EVERY);
            }
        });
        Self { table, stop, thread: Some(thread) }
    }

    /// The last that was heard.
    pub(super) fn table(&self) -> Value {
        self.table.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Listener {
    /// Ends with its call that is under way; the edge runs or is dead by then.
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// `None` while the edge does not answer.
fn table_of(edge: &Path) -> Option<Value> {
    let answer = ask(edge, "GET", "/v1/table", None).ok()?;
    if answer.status == 200 { answer.json().ok() } else { None }
}
