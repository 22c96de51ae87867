//! How many values a query may have at once.

use crate::error::{Error, ErrorKind, Result};
use crate::span::Span;

/// What is left for values at one place of a query.
#[derive(Clone, Copy)]
pub(super) struct Room {
    /// Values that are held meanwhile.
    pub(super) held: usize,
    pub(super) values_max: usize,
    /// The place.
    pub(super) span: Span,
}

impl Room {
    /// Refuses so many values of so many series if that is more than may be held.
    pub(super) fn check(&self, series: usize, values: usize) -> Result<()> {
        let values = values.saturating_add(self.held);
        let most = self.values_max;
        if values <= most {
            return Ok(());
        }
        let message = format!(
            "the query has {values} values at once at this place ({series} series), of at most {most}"
        );
        Err(Error { kind: ErrorKind::Limit, span: Some(self.span), message })
    }
}
