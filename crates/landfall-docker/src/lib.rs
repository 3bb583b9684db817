//! The Engine port over the Docker Engine API.
