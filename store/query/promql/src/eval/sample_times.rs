//! When the series that an expression selects have samples, and when nobody looked.

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
