//! The picture of a check by itself, as messages and answers show it.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use custos_query::{Drawn, EnvelopeRequest, ReadContext, Selector, check_names};
use custos_store::Snapshot;
use jiff::tz::TimeZone;

use super::titled::titled;
use crate::config::Check;
use crate::graph::{Picture, Ribbon};
use crate::rules::usual_series;
use crate::text::human::Prefixes;

/// A check of which a picture is wanted.
#[derive(Clone, Debug)]
pub struct CheckPicture<'p> {
    /// Its name.
    pub check: &'p str,
    /// `CHECK:METRIC` of what matters most of it. Where the store has no such series, all of the check count.
    pub metric: Option<&'p str>,
    /// The checks that are defined, whose thresholds are drawn.
    pub checks: &'p BTreeMap<String, Arc<Check>>,
    /// From when until when (ms since the epoch).
    pub span: Range<i64>,
    /// Most series that are drawn.
    pub series_max: usize,
    /// The zone that times are shown in.
    pub zone: &'p TimeZone,
}

impl CheckPicture<'_> {
    /// Reads the picture, of so many columns of values and cells of states. `None` if the store has nothing of it, or if the context
    /// cancels that.
    pub fn read(
        &self,
        store: &Snapshot,
        (columns, cells): (usize, usize),
        context: &mut ReadContext<'_>,
    ) -> Option<Picture> {
        let names = check_names(store);
        let named = self.metric.unwrap_or(self.check);
        let selector =
            Selector::parse(named, &names).or_else(|_| Selector::parse(self.check, &names)).ok()?;
        let known = store.series(selector.check()).ok()?;
        if known.is_empty() {
            return None;
        }
        let usual = selector.series(&usual_series(&known)).ok().filter(|usual| !usual.is_empty());
        let mut series = usual.or_else(|| selector.series(&known).ok())?;
        series.truncate(self.series_max);
        let request = EnvelopeRequest {
            check: selector.check(),
            series,
            span: self.span.clone(),
            columns,
            cells,
            drawn: Drawn::Usual,
            holds_until_ms: None,
        };
        let read = request.read(store, context).ok()?;
        let defined = self.checks.get(selector.check());
        let thresholds = defined.map(|check| &check.thresholds[..]).unwrap_or_default();
        let drawn = read.series.into_iter().map(|one| titled(selector.check(), one, thresholds));
        Some(Picture {
            start_ms: self.span.start,
            end_ms: self.span.end,
            zone: self.zone.clone(),
            prefixes: Prefixes::Si,
            series: drawn.collect(),
            ribbons: vec![Ribbon { title: selector.check().to_owned(), states: read.states }],
        })
    }
}
