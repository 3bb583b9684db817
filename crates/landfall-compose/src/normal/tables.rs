//! The keys of Compose with the types of their values, as 2.40 has them.

mod build;
mod deploy;
mod mounts;
mod resources;
mod service;

pub(super) use deploy::DEVICE_REQUEST;
pub(super) use mounts::{DEVICE, ENV_FILE, GRANT, PORT, VOLUME};
pub(super) use resources::{CONFIG, MODEL, NETWORK, SECRET, TOP_VOLUME};
pub(super) use service::SERVICE;
