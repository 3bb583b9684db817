//! Compose files to landfall's AppSpec, with diagnostics.
