//! Fakes, conformance suites, the load generator and chaos on real engines. Dev only.

pub mod chaos;
pub mod conformance;
pub mod fake;
pub mod holder;
pub mod host;
pub mod load;
