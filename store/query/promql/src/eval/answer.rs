//! What a query comes to.

use crate::labels::Labels;
use crate::span::Span;

/// What a query comes to.
#[derive(Debug)]
pub struct Answer {
    /// The values.
    pub value: AnswerValue,
    /// What is probably not meant, as Prometheus words it.
    pub warnings: Vec<String>,
    /// What is worth knowing, as Prometheus words it.
    pub infos: Vec<String>,
    /// Samples that were read.
    pub samples: u64,
    /// What was read, selector by selector, in the order of reading.
    pub reads: Vec<Reading>,
    /// How long each part of the query took, in the order in which they ended, if [`Options::clock`](super::Options::clock) tells
    /// the time.
    pub taken: Vec<Taken>,
}

/// How long a part of a query took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Where the part stands in the query.
    pub span: Span,
    /// In µs, the parts within it included.
    pub us: u64,
}

/// What one selector of a query read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Where the selector stands in the query.
    pub span: Span,
    /// Series that it selected.
    pub series: usize,
    /// Samples that were read.
    pub samples: u64,
    /// Samples that the source summed up by what it knows of them.
    pub summed_up: u64,
}

/// The values of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum AnswerValue {
    /// A number.
    Scalar(Point),
    /// A text, at a time.
    Text(i64, String),
    /// Series with one value; in the order that the query asks for.
    Vector(Vec<(Labels, Point)>),
    /// Series with values at several times, sorted by labels.
    Matrix(Vec<SeriesPoints>),
}

/// A value and its time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// When (ms since the epoch).
    pub time_ms: i64,
    /// What.
    pub value: f64,
}

/// A series with values at several times.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesPoints {
    /// Which.
    pub labels: Labels,
    /// Its values by time.
    pub points: Vec<Point>,
}
