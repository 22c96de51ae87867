//! A bundle: whole runs of any checks as one piece of bytes that stands by itself, for messages to other machines.
//!
//! ```text
//! 0  8  "CUSTBUN\0"
//! 8  1  version, 1
//!    …  varint length of the content, then the content as a zstd frame
//! ```
//!
//! The content is in columns, like a chunk's, but of the runs of many checks, and without numbers compressed by pco, so that a
//! few lines of any language read it. `FORMAT.md` has each field. A bundle holds runs exactly as the store does, numbers
//! included.

mod decode;
mod encode;
mod fault;
mod framed;
mod values;

pub use decode::{Bundled, read_bundle};
pub use encode::Bundle;
#[cfg(feature = "fuzzing")]
pub(crate) use encode::bundle_around;
pub use fault::BundleFault;
pub use framed::{Framed, put_framed, read_framed};

const MAGIC: [u8; 8] = *b"CUSTBUN\0";
const VERSION: u8 = 1;
/// Texts of a run: text, long text, stderr, origin and judgement.
const TEXTS: usize = 5;
