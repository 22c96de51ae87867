//! The control socket: a local socket in the directory of the store, over which commands reach the agent.
//!
//! The kernel says who is at either end. The agent serves root and the store's owner; a command trusts a process of
//! root or of the owner, and accepts a run only from the one that holds the store's lock.

mod channel;
mod client;
mod idle;
mod listener;
mod peer;
mod place;
mod protocol;
mod server;
mod watching;

pub use channel::WatchedChannel;
pub use client::{Answered, AskError, Watched, agent, ask, watch};
pub use listener::Listener;
pub use peer::{Peer, Stranger};
pub use protocol::{AgentStatus, NotifyRequest, Request, Response, SubmittedResult};
pub use server::{Asked, Said};
pub use watching::WatchedLines;
