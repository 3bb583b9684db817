//! The fakes obey the rules of the real thing.

mod conformance;
