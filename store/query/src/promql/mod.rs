//! A store as a source of series for PromQL.

mod interval;
mod read;
mod select;
mod source;
mod summary;
#[cfg(test)]
mod tests;
mod view;

pub use source::StoreSource;
