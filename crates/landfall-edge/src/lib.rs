//! The edge: reverse proxy with atomic route tables and drain.
