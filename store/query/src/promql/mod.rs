//! A store as a source of series for PromQL.

mod interval;
mod read;
mod select;
mod source;
#[cfg(test)]
mod tests;
mod view;

pub use source::StoreSource;
