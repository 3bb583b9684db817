//! Compose files to landfall's `AppSpec`, with diagnostics.
mod env;
mod locate;
mod merge;
mod short;
mod suggest;
mod interpolate;
mod report;
mod source;
mod text;
mod yaml;
