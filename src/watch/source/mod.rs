//! Where lines come from: a thread for each host, which connects, hands on what comes, and connects again when that ends.

mod access;
mod advice;
mod credentials;
mod here;
mod http;
mod inlet;
mod retry;
mod sources;
mod ssh;

pub use access::Access;
pub use credentials::{Credentials, Keyring};
pub use inlet::Wake;
pub use sources::Sources;
