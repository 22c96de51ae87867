//! TLS as NRPE has it, and what is logged about it.

mod context;
mod log;

pub(super) use context::{
    BadCertificate, Prepared, as_path, bad_certificate, client_names, connection, files, out_of_reach,
    reason, transport,
};
pub use context::{is_anonymous, offers_anonymous};
pub(super) use log::{done, failed, incomplete, startup_lines};
