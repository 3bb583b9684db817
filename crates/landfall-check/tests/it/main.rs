//! Tests of the rules over compose projects.

mod cases;
mod legacy;
mod rules;
mod support;
