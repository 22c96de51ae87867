//! A store as a source of series for PromQL.

mod bands;
mod building;
mod index;
mod interval;
mod live;
mod read;
mod select;
mod source;
mod summary;
#[cfg(test)]
mod tests;
mod threads;
mod unit;
mod unobserved;
mod view;

pub(crate) use index::{CHECK, metric_labels};
pub use live::{LiveSource, Look, Selections};
pub use select::Known;
pub use source::StoreSource;
pub use threads::query_threads;
