//! What is watched while it happens: lines of runs on their way to whoever looks, bounded so that a slow one sees the newest.

mod line;
mod past;
mod shown;

pub use line::{LiveLine, Wish};
pub use past::past;
pub use shown::Shown;
