//! Wire types v1 of agent and edge, and the unix socket client.
