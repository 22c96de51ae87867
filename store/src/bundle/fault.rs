//! Why bytes are no bundle.

use std::fmt;

/// What is wrong with them. The text continues "failed to read the bundle: …".
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
