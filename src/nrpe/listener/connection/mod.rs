//! One connection, from its first byte to the answer.

mod budget;
mod limit;
mod raw_stream;
mod receive;
mod respond;
mod stream;

pub(super) use limit::ConnectionLimit;
pub(super) use receive::{Received, receive};
pub(super) use respond::answer;
pub(super) use stream::{HandshakeError, Stream};
