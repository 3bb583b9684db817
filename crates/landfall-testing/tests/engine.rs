//! Complete stories on a real Docker Engine: the real binary, its agent and edge, real containers,
//! and a strict load client in front. `cargo xtask test` runs them on each engine it has.

#![expect(clippy::print_stdout, reason = "a story that fails tells what it saw")]

#[path = "engine/far.rs"]
mod far;
#[path = "engine/fixture.rs"]
mod fixture;
#[path = "engine/holds.rs"]
mod holds;
#[path = "engine/kills.rs"]
mod kills;
#[path = "engine/lost.rs"]
mod lost;
#[path = "engine/neighbours.rs"]
mod neighbours;
#[path = "engine/refusals.rs"]
mod refusals;
#[path = "engine/remote.rs"]
mod remote;
#[path = "engine/ring.rs"]
mod ring;
#[path = "engine/shop.rs"]
mod shop;
#[path = "engine/stories.rs"]
mod stories;
