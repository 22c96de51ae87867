//! Sealed segments: immutable files of chunks, by check, with a directory at their end.

mod catalogue;
mod directory;
mod entry;
mod extent;
mod file;
mod writer;

pub(crate) use catalogue::{Catalogue, SeriesSpan};
#[cfg(feature = "fuzzing")]
pub(crate) use directory::segment_around;
pub(crate) use entry::ChunkRef;
pub(crate) use extent::Extent;
pub(crate) use file::Segment;
pub(crate) use writer::SegmentWriter;
