//! Listening sockets, and the threads that accept connections on them.

mod inherited;
mod listener;
mod sockets;
mod thread;

pub use inherited::adopt as adopt_inherited_sockets;
pub(super) use listener::try_to_listen;
pub(super) use sockets::Sockets;
