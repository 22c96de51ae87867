//! The user-based security of version 3 (RFC 3414, RFC 3826, RFC 7860): users, digests, encryption, engine times.

mod engine;
mod keys;
mod message;
mod privacy;
mod protocol;
mod report;

pub use engine::{Engine, TIME_WINDOW_S};
pub use keys::{Keys, MasterKeys};
pub use message::{Level, Outgoing, Scoped, SecureMessage};
pub use protocol::{AuthProtocol, PrivProtocol};
pub use report::ReportKind;
