//! From tree and series to an answer.
//!
//! A node is evaluated for all steps of a query at once: a vector is a set of rows, and a row has a value, or none, for
//! each step. Labels are looked at once for all steps.

mod aggregate;
mod annotations;
mod binary;
mod call;
mod date;
mod elementwise;
mod evaluator;
mod grid;
mod histogram;
mod invariant;
mod label_functions;
mod matching;
mod pick;
mod quantile;
mod query;
mod rate;
mod regression;
mod select;
mod set;
mod sort;
mod sum;
mod time;
mod value;
mod window;

pub use query::{Answer, AnswerValue, Options, Point, SeriesPoints, instant, range};
