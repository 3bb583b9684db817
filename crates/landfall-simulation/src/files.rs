//! Sealed files, the clock, the host.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use ipnet::Ipv4Net;
use landfall_agent::HostView;
use landfall_core::id::{AppName, ReleaseNumber};
use landfall_core::release::Release;
use landfall_core::spec::Protocol;
use landfall_deploy::ports::{Clock, Files, FilesError};

use crate::fault::{Call, Port};
use crate::world::{Failure, Sim, World};

/// Releases that have files, and whether all of them.
#[derive(Debug, Clone, Default)]
pub struct FileState {
    /// Whole or not, by release.
    pub releases: BTreeMap<(AppName, ReleaseNumber), bool>,
}

impl FileState {
    /// Whether a release has all its files.
    pub fn is_whole(&self, of: &(AppName, ReleaseNumber)) -> bool {
        self.releases.get(of) == Some(&true)
    }
}

impl Failure for FilesError {
    fn absent() -> Self {
        Self("there is no disk".to_owned())
    }

    fn refused(_: bool) -> Self {
        Self("no space left on the device".to_owned())
    }

    fn lost() -> Self {
        Self("an error of the device".to_owned())
    }
}

const fn change(name: &'static str) -> Call {
    Call { port: Port::Files, name, changes: true }
}

/// Sealed files, as one agent has them.
#[derive(Clone)]
pub struct SimFiles(pub Sim);

impl Files for SimFiles {
    async fn write(&self, release: &Release) -> Result<(), FilesError> {
        let key = (release.app().clone(), release.number);
        for whole in [false, true] {
            let key = key.clone();
            let work = move |world: &mut World| {
                world.files_are_meant(&key.0);
                let was = world.files.releases.entry(key).or_default();
                *was |= whole;
                Ok(())
            };
            self.0.call(change("write files"), "", work).await?;
        }
        Ok(())
    }

    fn path(&self, app: &AppName, release: ReleaseNumber, tree: &str) -> String {
        format!("/files/{app}/{release}/{tree}")
    }

    async fn releases(&self, app: &AppName) -> Result<Vec<ReleaseNumber>, FilesError> {
        let app = app.clone();
        let work = move |world: &mut World| {
            let found = world.files.releases.keys().filter(|(of, _)| *of == app);
            Ok(found.map(|(_, release)| *release).collect())
        };
        self.0.call(Call { port: Port::Files, name: "list files", changes: false }, "", work).await
    }

    async fn remove(&self, app: &AppName, release: ReleaseNumber) -> Result<(), FilesError> {
        let key = (app.clone(), release);
        let work = move |world: &mut World| {
            world.files_are_meant(&key.0);
            world.removed_files_are_unused(&key);
            world.files.releases.remove(&key);
            Ok(())
        };
        self.0.call(change("remove files"), "", work).await
    }
}

/// Virtual time.
#[derive(Clone)]
pub struct SimClock(pub Sim);

impl Clock for SimClock {
    fn now(&self) -> Duration {
        self.0.lock().now()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// A host without routes and listeners of its own.
#[derive(Debug, Clone)]
pub struct SimHost;

impl HostView for SimHost {
    fn routed_subnets(&self) -> io::Result<Vec<Ipv4Net>> {
        Ok(Vec::new())
    }

    fn who_listens(&self, _: SocketAddr, _: Protocol) -> Option<String> {
        None
    }
}
