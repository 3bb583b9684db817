//! Types and decisions of landfall: specs, plans, the rollout fold. Pure.
