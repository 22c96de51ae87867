//! What was asked for, and what was found.

use std::ops::Range;

use custos_query::{Similar, SimilarSeries};
use custos_store::Reader;

use super::args::SimilarArgs;
use crate::why::After;

/// What was asked for, and what was found.
pub(super) struct Answer<'a> {
    pub(super) args: &'a SimilarArgs,
    pub(super) reader: &'a Reader,
    pub(super) of: &'a SimilarSeries,
    /// The unit of what was asked for.
    pub(super) unit: &'a str,
    pub(super) span: Range<i64>,
    pub(super) among: &'a [SimilarSeries],
    pub(super) found: &'a Similar,
    /// For each match that may be shown what came of it.
    pub(super) after: &'a [After],
    pub(super) took_us: u64,
}
