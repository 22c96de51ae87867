//! Stretches of history that are like one.

mod grid;
mod plan;
mod request;
mod series;
mod work;

pub use request::{Similar, SimilarMatch, SimilarRequest};
pub use series::SimilarSeries;
