//! The agent from outside: its API over a socket, over a fake engine and a fake edge.
