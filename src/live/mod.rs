//! What is watched while it happens: lines of runs, and of what expressions come to with them, on their way to whoever looks, bounded
//! so that a slow one sees the newest.

mod line;
mod past;
mod pump;
mod queries;
mod query;
mod shown;

pub use line::{AnsweredSeries, LiveAnswer, LiveLine, Wish};
pub use past::past;
pub use pump::pump;
pub use queries::Queries;
pub use shown::Shown;
