//! Tests of the rules over compose projects.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod around;
mod cases;
mod hostile;
mod legacy;
mod rules;
mod support;
