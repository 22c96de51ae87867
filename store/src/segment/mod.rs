//! Sealed segments: immutable files of chunks, by check, with a directory at their end.

mod directory;
mod file;
mod writer;

pub(crate) use directory::ChunkRef;
#[cfg(feature = "fuzzing")]
pub(crate) use directory::segment_around;
pub(crate) use file::Segment;
pub(crate) use writer::SegmentWriter;
