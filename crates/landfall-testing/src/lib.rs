//! Fakes, crash harness, conformance suites and the load generator. Dev only.

pub mod conformance;
pub mod crash;
pub mod fake;
pub mod host;
pub mod load;
