//! Fakes, crash harness, conformance suites and the load generator. Dev only.

pub mod load;
