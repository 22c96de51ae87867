//! The agent's ear for its own commands: a local socket, found by the store's directory.
//!
//! The socket is abstract, so it needs no writable directory and leaves nothing behind; the kernel says who connects,
//! and only root and the agent's own user are served. One request and one answer, each a line of JSON.

mod client;
mod protocol;
mod server;

pub use client::{AskError, ask};
pub use protocol::{AgentStatus, Request, Response};
pub use server::{Asked, listen};
