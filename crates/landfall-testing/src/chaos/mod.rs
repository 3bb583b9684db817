//! The real product on a real engine while things go wrong: processes killed and stopped at every
//! record of a deploy's journal, the engine and its parts killed, disks full, things removed by hand,
//! under a load of readers and writers of whom every acknowledged write is asked for afterwards.
//!
//! Everything runs in namespaces of its own (`cargo xtask chaos` makes them). Judged is what a user
//! sees and what the engine has; of landfall it knows the command line, the status and the labels.
//! Reading order: `units`, `engine`, `site`, `app`, `fault`, `judge`, `cell`, `matrix`,
//! `random`, `reboot`.

mod app;
mod cell;
mod disk;
mod engine;
mod fault;
mod half_done;
mod judge;
mod kept;
mod kept_back;
mod lost;
mod matrix;
mod outcome;
mod points;
mod random;
mod reboot;
mod registry;
mod revive;
mod site;
mod table;
mod units;
mod world;

pub use engine::EngineSpec;
pub use matrix::{MatrixOptions, matrix};
pub use random::{RandomOptions, random};
pub use reboot::reboot;
pub use site::Setup;
pub use table::Table;
