//! PromQL: a parser whose tree knows where everything stands, and an evaluator over any source of series.
//!
//! The language is that of Prometheus 3: ranges and look-back are open on the left, regular expressions match whole
//! texts over line ends, names of metrics are dropped last. Native histograms are refused by name.
//!
//! Pure: no clock, no files, and no threads but those that read series for one query.

#![forbid(unsafe_code)]

mod ast;
mod error;
mod eval;
mod functions;
mod labels;
mod length;
mod lexer;
pub mod limits;
mod literal;
mod matcher;
mod memory;
pub mod notation;
mod number;
mod parse;
mod pattern;
mod print;
mod shared;
mod source;
mod span;
mod token;
mod value_type;

pub use ast::{
    Aggregation, Aggregator, At, Binary, Call, Expr, Group, Grouping, Length, LengthKind, LengthOperator,
    Matching, Number, Operator, Paren, RangeSelector, Selector, Subquery, Text, TimeShift, Unary,
};
pub use error::{Error, ErrorKind, Result};
pub use eval::{
    Answer, AnswerValue, Compared, Options, Point, Reading, Selected, SeriesPoints, TakeRows, Taken,
    TimedRow, at, instant, range, reach_ms, sample_times,
};
pub use functions::{Arity, Function, function_names};
pub use labels::{Label, Labels};
pub use literal::parse_duration;
pub use matcher::{METRIC_NAME, MatchOperator, Matcher, reaches_own_names};
pub use memory::Memory;
pub use number::{format_number, write_decimal, write_number};
pub use parse::{parse, parse_selector};
pub use pattern::regex;
pub use shared::Shared;
pub use source::{ENDED, NormalRange, Samples, Source, SourceSeries, Summary, is_ended};
pub use span::Span;
pub use value_type::ValueType;
