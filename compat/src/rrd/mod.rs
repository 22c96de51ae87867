//! Files of RRDtool, versions 0003 and 0004, as x86-64 and other 64-bit machines of that byte order write them.
//!
//! No row of such a file is a sample: each is made of all readings in its span, weighted by time, and a counter is a rate there. The
//! greatest of a span is the greatest of such means.

mod archive;
mod error;
mod file;
mod layout;

pub use archive::{Archive, Function, Row};
pub use error::{Error, Foreign};
pub use file::{Rrd, Source, SourceKind};
