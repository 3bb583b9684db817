//! The Engine port over the Docker Engine API, from Docker Engine 20.10 on.
//!
//! The only crate that knows bollard. It speaks the native API alone: no `docker` command, no shell.
//! [`DockerEngine`] implements [`landfall_deploy::ports::Engine`]; what the agent needs beyond that
//! port (images, builds, logs, what the engine is) are its inherent methods. It decides nothing about
//! a deploy, keeps no state of its own, and never touches what does not carry landfall's labels.
//!
//! Read `client` for how a call is made, limited in time and judged, then `map` for how a container
//! is described to the engine, then one file a noun.

mod client;
mod ended;
mod error;
mod map;
mod name;

mod attachments;
mod containers;
mod create;
mod exec;
mod lost;
mod mistaken;
mod networks;
mod place;
mod port;
mod probe;
mod seen;
mod shim;
mod volumes;

mod build;
mod credentials;
mod images;
mod info;
mod load;
mod logs;
mod look;
mod pull;
mod survey;
mod timestamp;

pub use build::{BuildError, BuildRequest};
pub use client::{DEFAULT_SOCKET, DockerEngine, NotLocal};
pub use credentials::{Credentials, CredentialsError, Login};
pub use images::FoundImage;
pub use info::EngineInfo;
pub use load::LoadError;
pub use logs::{LogLine, LogOptions, LogStream};
pub use look::{Facts, SeenContainer};
pub use lost::LostContainer;
pub use pull::{PullError, PullProgress};
pub use survey::{LabelledContainer, RunningContainer, SurveyedImage};
