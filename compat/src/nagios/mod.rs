//! The Nagios plugin API: output, perfdata, units and ranges.
//!
//! Programs that read it disagree on nearly every corner. The rules chosen here have numbers, R for output, P for
//! perfdata and G for ranges, and the head of each module says which it keeps.

mod limits;
mod number;
mod output;
mod perfdata;
mod range;
mod token;
mod unit;
mod warning;

pub use limits::{LABEL_MAX_BYTES, TOKENS_MAX, UNIT_MAX_BYTES, WARNING_TOKEN_MAX_BYTES, WARNINGS_MAX};
pub use number::Number;
pub use output::Output;
pub use perfdata::{Metric, Options, Perfdata};
pub use range::{Range, RangeError, UnitRange};
pub use unit::{ByteUnits, Unit};
pub use warning::{Field, Problem, Warning, Warnings};
