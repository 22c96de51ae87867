//! The Nagios plugin API: output, perfdata, units and ranges.
//!
//! Programs that read it disagree on nearly every corner. `docs/plugin-output.md` has the rules that are followed here, and
//! the head of each module names its part of that page.

mod limits;
mod log;
mod macros;
mod number;
mod objects;
mod output;
mod perfdata;
mod perfdata_file;
mod perfdata_write;
mod range;
mod token;
mod unit;
mod warning;

pub use limits::{LABEL_MAX_BYTES, TOKENS_MAX, UNIT_MAX_BYTES, WARNING_TOKEN_MAX_BYTES, WARNINGS_MAX};
pub use log::{LogLine, LogSaid, LogState};
pub use macros::{command_and_arguments, expand_macros};
pub use number::Number;
pub use objects::{Object, ObjectField, ObjectsFault, parse_objects};
pub use output::Output;
pub use perfdata::{Metric, Options, Perfdata};
pub use perfdata_file::PerfdataLine;
pub use perfdata_write::Item;
pub use range::{Range, RangeError, UnitRange};
pub use unit::{ByteUnits, Unit};
pub use warning::{Field, Problem, Warning, Warnings};
