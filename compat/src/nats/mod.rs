//! NATS: what client and server write to each other (<https://docs.nats.io/reference/reference-protocols/nats-protocol>),
//! how a client proves who it is ([`Seed`], [`Credentials`]), and the requests and answers of JetStream ([`jetstream`]).
//!
//! Pure: bytes in, messages out, and the other way round. Invariants: any bytes are messages or an [`Error`], never a panic;
//! a server can have no more kept here than the limits of this module allow.

mod address;
mod base32;
mod connect;
mod credentials;
mod error;
mod headers;
mod incoming;
mod info;
pub mod jetstream;
mod limits;
mod outgoing;
mod seed;
mod subject;

pub use address::{Address, AddressFault};
pub use connect::{Connect, Login};
pub use credentials::Credentials;
pub use error::Error;
pub use headers::Headers;
pub use incoming::{Incoming, Message, Parser};
pub use info::Info;
pub use limits::{LINE_MAX_BYTES, PAYLOAD_MAX_BYTES};
pub use outgoing::{Publish, put_ping, put_pong, put_publish, put_subscribe, put_unsubscribe};
pub use seed::{Seed, SeedFault};
pub use subject::{escape_token, is_subject, unescape_token};
