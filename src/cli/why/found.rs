//! What is found of a stretch of time: all that was unlike its past then.

use std::ops::Range;

use custos_query::{
    Event, NewText, NewTextsRequest, ReadContext, ShiftRequest, Shifts, SimilarSeries, check_names,
    watched_check,
};
use custos_store::Reader;

use super::written::{Sources, Written};
use crate::cli::all_series::{all_series, turns};
use crate::cli::read::Failure;
use crate::limits::WHY_EVENTS_MAX;

/// All that was unlike its past in a stretch of time.
pub(super) struct Found {
    pub(super) among: Vec<SimilarSeries>,
    /// The unit of each of these.
    pub(super) units: Vec<String>,
    pub(super) shifts: Shifts,
    pub(super) events: Vec<Event>,
    /// What checks said that they had not said before.
    pub(super) texts: Vec<NewText>,
    /// What people wrote of it.
    pub(super) written: Vec<Written>,
}

impl Found {
    /// Looks through a stretch, for a check if that has the problem.
    pub(super) fn read(
        reader: &Reader,
        sources: &Sources,
        check: Option<&String>,
        span: &Range<i64>,
        context: &mut ReadContext<'_>,
    ) -> Result<Found, Failure> {
        let mut checks = check_names(reader);
        checks.retain(|check| watched_check(check).is_none());
        let (among, units) = all_series(reader);
        let shifts = ShiftRequest { among: &among, span: span.clone() }.read(reader, context)?;
        let events = turns(reader, span.clone(), WHY_EVENTS_MAX, context)?;
        let mut texts = NewTextsRequest { checks: &checks, span }.read(reader, context)?;
        // What a change of state says already.
        texts.retain(|text| {
            !events.iter().any(|event| event.check == text.check && event.time_ms == text.time_ms)
        });
        // What was given up halfway is not half of an answer.
        context.look()?;
        let written = sources.of(check, span);
        Ok(Found { among, units, shifts, events, texts, written })
    }
}
