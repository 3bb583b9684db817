//! The agent: API, stores, rollouts.
