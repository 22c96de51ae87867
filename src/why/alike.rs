//! How alike a stretch of history is, as data: the same wherever programs read it.

use custos_query::SimilarMatch;
use serde::Serialize;

/// Where a stretch is that is like another one, and how alike it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Alike {
    since_ms: i64,
    until_ms: i64,
    /// The percentage of the other stretches that are less alike.
    shape: f64,
    /// How high it is, measured by the other one.
    height: f64,
    /// How far its level is from that of the other one.
    level: f64,
    /// How long it is, measured by the other one.
    length: f64,
}

impl From<&SimilarMatch> for Alike {
    fn from(found: &SimilarMatch) -> Alike {
        Alike {
            since_ms: found.span.start,
            until_ms: found.span.end,
            shape: found.shape * 100.0,
            height: found.height,
            level: found.level,
            length: found.length,
        }
    }
}
