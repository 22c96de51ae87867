//! The XML that PNP4Nagios writes beside its RRD files: names, units and ranges of what these have by number.

mod description;
mod markup;

pub use description::{Described, Description};
