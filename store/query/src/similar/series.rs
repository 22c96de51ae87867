//! Which series are searched.

use crate::bucketed::Bucketed;

/// A series that is searched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimilarSeries {
    /// Its check.
    pub check: String,
    /// The series.
    pub series: Bucketed,
}
