//! The active log: preallocated files of framed runs, in order of arrival.

mod dictionary;
mod ends;
mod frame;
mod image;
mod instances;
mod pieces;
mod read;
mod reading;
mod row;
mod row_ref;
mod schema;
mod writer;
mod zeros;

pub(crate) use ends::{End, ends, has_good_header};
#[cfg(feature = "fuzzing")]
pub(crate) use frame::frame_of;
pub(crate) use frame::{
    Before, HEADER_LEN as FRAME_HEADER_LEN, Header as FrameHeader, finish as finish_frame,
};
pub(crate) use image::{CheckRows, LogImage, Use};
pub(crate) use row_ref::RowRef;
pub(crate) use schema::{Schema, SeriesDef, SeriesMeta, put_name};
pub(crate) use writer::{Appended, LogWriter};
