//! A store as a source of series for PromQL.

mod interval;
mod read;
mod select;
mod source;
mod summary;
#[cfg(test)]
mod tests;
mod unit;
mod view;

pub(crate) use select::{CHECK, COUNTER, metric_labels};
pub use source::StoreSource;
