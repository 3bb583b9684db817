//! The open listeners.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::accept::{self, Door};
use crate::edge::Edge;
use crate::keeper::Keeper;
use crate::listen;

/// Listeners that are bound and not served yet.
pub(crate) type Opened = BTreeMap<SocketAddr, TcpListener>;

#[derive(Debug)]
pub(crate) struct Doors {
    open: Mutex<BTreeMap<SocketAddr, Open>>,
    keeper: Option<Arc<dyn Keeper>>,
}

#[derive(Debug)]
struct Open {
    listener: Arc<TcpListener>,
    door: Arc<Door>,
    accepting: JoinHandle<()>,
}

impl Doors {
    pub(crate) fn new(keeper: Option<Arc<dyn Keeper>>) -> Self {
        Self { open: Mutex::default(), keeper }
    }

    /// The kept listeners of these addresses. The keeper lets go of all others.
    pub(crate) fn kept(&self, wanted: &BTreeSet<SocketAddr>) -> Opened {
        let mut opened = Opened::new();
        let Some(keeper) = &self.keeper else { return opened };
        for socket in keeper.take() {
            let Ok(listen) = socket.local_addr() else { continue };
            if opened.contains_key(&listen) {
                continue;
            }
            if !wanted.contains(&listen) {
                tracing::info!(%listen, "lets go of a kept socket that no route needs");
                keeper.forget(listen);
                continue;
            }
            match listen::adopt(socket) {
                Ok(listener) => drop(opened.insert(listen, listener)),
                Err(error) => {
                    tracing::warn!(%listen, %error, "a kept socket cannot be used");
                    keeper.forget(listen);
                }
            }
        }
        opened
    }

    pub(crate) fn listening(&self) -> Vec<SocketAddr> {
        self.open().keys().copied().collect()
    }

    /// The open listeners themselves.
    pub(crate) fn listeners(&self) -> Vec<(SocketAddr, Arc<TcpListener>)> {
        let open = self.open();
        open.iter().map(|(listen, open)| (*listen, Arc::clone(&open.listener))).collect()
    }

    /// Those of `wanted` that no listener serves.
    pub(crate) fn missing(&self, wanted: BTreeSet<SocketAddr>) -> BTreeSet<SocketAddr> {
        let open = self.open();
        wanted.into_iter().filter(|listen| !open.contains_key(listen)).collect()
    }

    /// Binds those of `wanted` that are not open yet: all, or none.
    pub(crate) fn bind(
        &self,
        wanted: BTreeSet<SocketAddr>,
    ) -> Result<Opened, (SocketAddr, io::Error)> {
        let missing = self.missing(wanted);
        let open = self.open();
        let mut opened = Opened::new();
        for listen in missing {
            let ours = open.iter().map(|(address, open)| (*address, &*open.listener));
            let ours = ours.chain(opened.iter().map(|(address, listener)| (*address, listener)));
            let listener = listen::open(listen, ours).map_err(|error| (listen, error))?;
            opened.insert(listen, listener);
        }
        Ok(opened)
    }

    /// Says which of these could not be bound, and why.
    pub(crate) fn check(&self, wanted: BTreeSet<SocketAddr>) -> Vec<(SocketAddr, String)> {
        let missing = self.missing(wanted);
        let open = self.open();
        let unusable = missing.into_iter().filter_map(|listen| {
            let ours = open.iter().map(|(address, open)| (*address, &*open.listener));
            let error = listen::check(listen, ours).err()?;
            Some((listen, error.to_string()))
        });
        unusable.collect()
    }

    /// Begins to accept.
    pub(crate) fn serve(&self, edge: &Arc<Edge>, opened: Opened) {
        let mut open = self.open();
        for (listen, listener) in opened {
            if let Some(keeper) = &self.keeper {
                keeper.keep(listen, listener.as_fd());
            }
            let (listener, door) = (Arc::new(listener), Door::new(listen));
            let accepting = accept::run(Arc::clone(edge), Arc::clone(&door), Arc::clone(&listener));
            let accepting = tokio::spawn(accepting);
            open.insert(listen, Open { listener, door, accepting });
        }
    }

    /// Ends the listening wherever `wanted` does not name: nobody serves there any more.
    pub(crate) fn end_others(&self, wanted: &BTreeSet<SocketAddr>) {
        self.open().retain(|listen, open| {
            let keep = wanted.contains(listen);
            if !keep {
                open.door.end();
                if let Some(keeper) = &self.keeper {
                    keeper.forget(*listen);
                }
            }
            keep
        });
    }

    /// Stops accepting. Others may go on with these sockets: a successor, or the next edge by way of
    /// the keeper. Whoever has been accepted is in the hub once the tasks returned have ended.
    pub(crate) fn shut(&self) -> Vec<JoinHandle<()>> {
        let shut = |open: Open| {
            open.door.shut();
            open.accepting
        };
        std::mem::take(&mut *self.open()).into_values().map(shut).collect()
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<SocketAddr, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
