//! What else was unlike its own past when a check was.

mod lines;
mod look;
mod window;

pub use lines::{ChangeLine, SeriesLine, TextLine, lines};
pub use look::{Looked, all_series, turns};
pub use window::{Standing, standing, window};
