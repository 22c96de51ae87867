//! A run as a line of JSON, and back: one encoder for everything that shows, exports or sends runs.

mod instance;
mod line;
mod metric;
mod number;
mod state;

pub use line::RunJson;
