//! What else was unlike its own past when a check was.

mod after;
mod alike;
mod forecast_line;
mod like;
mod limit;
mod lines;
mod look;
mod window;

pub use after::{After, Surroundings, Turn};
pub use alike::Alike;
pub use forecast_line::ForecastLine;
pub use like::{Like, LikeLine, LikeRequest};
pub use limit::{MetricLimit, metric_limit};
pub use lines::{ChangeLine, SeriesLine, TextLine, lines};
pub use look::{Looked, all_series, turns};
pub use window::{Standing, standing, window};
