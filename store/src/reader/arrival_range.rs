//! Which runs are read in order of arrival, and what could not be read on the way.

use std::ops::Range;
use std::sync::Arc;

use super::runs::span;
use crate::damage::Damage;
use crate::error::Error;
use crate::limits::ARRIVALS_BYTES;
use crate::position::Position;
use crate::segment::Extent;

/// Which runs are read in order of arrival.
#[derive(Clone, Debug)]
pub struct ArrivalRange {
    /// From this position on ...
    pub from: Position,
    /// ... to before this one.
    pub until: Position,
    /// Only those of this check.
    pub check: Option<Arc<str>>,
    /// Only those of which the time is in this range, in ms since the epoch; the end is excluded, but for `i64::MAX`.
    pub times: Range<i64>,
    /// Bytes of decoded rows to have at hand; at most [`ARRIVALS_BYTES`] by default.
    pub bytes_max: usize,
}

impl Default for ArrivalRange {
    /// All runs.
    fn default() -> ArrivalRange {
        ArrivalRange {
            from: Position::START,
            until: Position(u64::MAX),
            check: None,
            times: i64::MIN..i64::MAX,
            bytes_max: ARRIVALS_BYTES,
        }
    }
}

impl ArrivalRange {
    /// Whether some of these runs may have times that are wanted.
    pub(super) fn has_times(&self, extent: &Extent) -> bool {
        let span = span(&self.times);
        !span.is_empty() && extent.last_ms >= *span.start() && extent.first_ms <= *span.end()
    }
}

/// What could not be read on the way.
#[derive(Debug)]
#[non_exhaustive]
pub struct Unread {
    /// Why.
    pub error: Error,
    /// Which runs that costs, if they are damaged. Otherwise it is not known whether they are: reading them again may help.
    pub damage: Option<Damage>,
}
