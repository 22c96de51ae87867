//! A chunk: some thousands of rows of one check, in columns, self-contained.

mod attributes;
mod build;
mod compact;
mod decode;
mod encode;
mod header;
mod instances;
mod rows;

pub(crate) use attributes::{ATTRIBUTES, of_run as attributes_of, to_run as run_of};
pub(crate) use build::LogRows;
pub(crate) use compact::CompactRows;
pub(crate) use decode::{Bad, ChunkBytes, EndedAlike, Shapes, find_chunks};
pub(crate) use encode::encode;
#[cfg(feature = "fuzzing")]
pub(crate) use encode::put_chunk_around;
#[cfg(feature = "fuzzing")]
pub(crate) use header::COLUMNS;
pub(crate) use header::{Header, SeriesEntry};
pub(crate) use rows::{Remap, Rows, RowsIn, SeriesRows};
