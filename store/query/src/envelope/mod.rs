//! A check over a span of time: its series in columns, and its states.

mod beside;
mod curve;
mod strip;
mod track;

pub use beside::{DrawnCheck, consolidated_names, drawable_checks, drawable_series};
pub use curve::{Envelope, Limit, Others};
pub use strip::{CheckEnvelope, EnvelopeRequest};
pub use track::Drawn;
