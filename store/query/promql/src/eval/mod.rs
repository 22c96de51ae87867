//! From tree and series to an answer.
//!
//! A node is evaluated for all steps of a query at once: a vector is a set of rows, and a row has a value, or none, for
//! each step. Labels are looked at once for all steps.

mod aggregate;
mod annotations;
mod answer;
mod args;
mod at;
mod binary;
mod call;
mod compared;
mod date;
mod elementwise;
mod evaluator;
mod exact;
mod extremes;
mod grid;
mod groups;
mod hash;
mod heap;
mod histogram;
mod invariant;
mod label_functions;
mod marks;
mod matching;
mod merge;
mod moments;
mod options;
mod parallel;
mod pick;
mod quantile;
mod query;
mod ranged;
mod rate;
mod reach;
mod read;
mod regression;
mod rolling;
mod room;
mod select;
mod selected;
mod set;
mod slice;
mod slide;
mod sort;
mod sum;
mod summary;
mod value;
mod walk;
mod wanted;
mod window;

pub use answer::{Answer, AnswerValue, Point, Reading, SeriesPoints, Taken};
pub use at::{TakeRows, TimedRow, at};
pub use compared::Compared;
pub use options::Options;
pub use query::{instant, range};
pub use reach::reach_ms;
pub use selected::{Selected, sample_times};
