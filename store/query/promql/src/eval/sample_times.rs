//! When the series that an expression selects have samples, and when nobody looked.

use super::selected::Selected;
use crate::ast::Expr;
use crate::error::Result;
use crate::source::Source;

/// When series that an expression selects have samples or end, and when nobody looked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SampleTimes {
    /// The times of samples and ends (ms since the epoch), ascending, each once. The end of a series that comes of nobody
    /// having looked is not among them.
    pub times: Vec<i64>,
    /// Stretches in which nobody looked at any of the series: the first millisecond, and the one after the last; ascending and
    /// apart.
    pub unobserved: Vec<(i64, i64)>,
}

/// When the series that an expression selects have samples or end in these times (ms since the epoch, both included). Where
/// in time the expression itself looks does not matter.
///
/// # Errors
/// The series cannot be read.
pub fn sample_times(expr: &Expr, source: &dyn Source, from_ms: i64, to_ms: i64) -> Result<SampleTimes> {
    let selected = Selected::of([expr], source, (from_ms, to_ms), false)?;
    let mut times = Vec::new();
    for stretch in selected.stretches() {
        times.append(&mut selected.times(source, stretch)?);
    }
    Ok(SampleTimes { times, unobserved: selected.unobserved().to_vec() })
}
