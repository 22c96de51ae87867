//! A store as a source of series for PromQL.

mod interval;
mod read;
mod select;
mod source;

pub use source::StoreSource;
