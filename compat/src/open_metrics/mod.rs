//! OpenMetrics text, as Prometheus 3 writes and reads it.

mod escaping;
mod read;
mod write;

pub use escaping::Escaping;
pub use read::{TextFault, TextSample};
pub use write::{Kind, Subject, write_end, write_family, write_sample};
