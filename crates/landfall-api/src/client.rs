//! Clients of the two unix sockets. One connection a call; nothing is retried here, since only the
//! caller knows what may be done twice.

mod agent;
mod edge;
mod error;
mod lines;
mod transport;

pub use agent::AgentClient;
pub use edge::EdgeClient;
pub use error::{ClientError, EdgeClientError, TransportError};
pub use lines::Lines;
pub use transport::{ContextReceiver, ContextSender, context_channel};
