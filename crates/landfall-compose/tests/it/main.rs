//! Tests of loading as a whole, over files in a temporary folder; no engine is needed.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod broken;
mod codes;
mod consistent;
mod extension;
mod fidelity;
mod files;
mod include;
mod limits;
mod misshapen;
mod normal;
mod passed_on;
mod secrets;
mod services;
mod support;
mod workloads;
