//! A client of NATS and JetStream: one connection, one request at a time.
//!
//! What is published is acknowledged by the stream, or it is not known what became of it: then the stream is asked what it
//! last has. Invariants: every wait is bounded; a server can have no more kept here than the limits of
//! `custos_compat::nats` allow; after an error the connection is not used again.

mod chain;
mod client;
mod error;
mod handshake;
mod host_stream;
mod login;
mod reading;
mod stream;

pub use chain::{Chain, ChainFault, HASH, Link, PREVIOUS, hash};
pub use client::Client;
pub use custos_compat::nats::{Address, AddressFault};
pub use error::NatsError;
pub use host_stream::{HostStream, site_and_host, subject_of, subjects_of};
pub use login::{LoginFault, login_by_credentials, login_by_password, login_by_seed, login_by_token};
pub use reading::{Reading, ReadingError};
pub use stream::{Published, Stream};
