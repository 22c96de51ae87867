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
mod values;

pub use decode::{Bundled, read_bundle};
pub use encode::Bundle;
#[cfg(feature = "fuzzing")]
pub(crate) use encode::bundle_around;

use std::fmt;

const MAGIC: [u8; 8] = *b"CUSTBUN\0";
const VERSION: u8 = 1;
/// Texts of a run: text, long text, stderr, origin and judgement.
const TEXTS: usize = 5;

/// Why bytes are no bundle. The text continues "failed to read the bundle: …".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BundleFault {
    /// They do not begin as a bundle does.
    NoBundle,
    /// A version that is not known here.
    Version(u8),
    /// The content is larger than [`crate::limits::BUNDLE_BYTES_MAX`].
    TooLarge(usize),
    /// They cannot be decompressed.
    Compression,
    /// The content ends early, or holds what cannot be.
    Content,
}

impl fmt::Display for BundleFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BundleFault::NoBundle => write!(out, "it does not begin as a bundle does"),
            BundleFault::Version(version) => write!(out, "its version {version} is not known"),
            BundleFault::TooLarge(bytes) => write!(out, "its content has {bytes} bytes, which is too many"),
            BundleFault::Compression => write!(out, "it cannot be decompressed"),
            BundleFault::Content => write!(out, "its content is not well formed"),
        }
    }
}

impl std::error::Error for BundleFault {}

impl From<crate::bytes::Short> for BundleFault {
    fn from(_: crate::bytes::Short) -> BundleFault {
        BundleFault::Content
    }
}
