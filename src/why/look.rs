//! Looks at all series of a store, and at all changes of state.

use std::ops::Range;

use custos_query::{
    Bucketed, Event, EventRequest, ReadContext, Result, ShiftRequest, Shifts, SimilarSeries, watched_check,
};
use custos_store::Snapshot;

use crate::limits::WHY_EVENTS_MAX;

/// What was looked at, and what was found.
#[derive(Debug)]
pub struct Looked {
    /// All series.
    pub among: Vec<SimilarSeries>,
    /// The unit of each of these.
    pub units: Vec<String>,
    /// How far each is from its past.
    pub shifts: Shifts,
    /// Changes of state, the first first.
    pub events: Vec<Event>,
}

impl Looked {
    /// Compares a time with the past (ms since the epoch, end excluded).
    ///
    /// # Errors
    /// It is too long, or whoever asked waits no longer.
    pub fn at(store: &Snapshot, span: Range<i64>, context: &mut ReadContext<'_>) -> Result<Looked> {
        let (among, units) = all_series(store);
        let shifts = ShiftRequest { among: &among, span: span.clone() }.read(store, context)?;
        let events = turns(store, span, WHY_EVENTS_MAX, context)?;
        Ok(Looked { among, units, shifts, events })
    }
}

/// All series of all checks, with their units; but for what was watched, which lies at times that have runs of their own.
pub fn all_series(store: &Snapshot) -> (Vec<SimilarSeries>, Vec<String>) {
    let checks = store.catalogue().checks.into_iter();
    let own = checks.filter(|check| watched_check(&check.check.name).is_none());
    let series = own.flat_map(|check| {
        let name = check.check.name;
        check.series.into_iter().map(move |info| {
            let series = Bucketed::new(info.key, &info.unit);
            (SimilarSeries { check: name.clone(), series }, info.unit)
        })
    });
    series.unzip()
}

/// Changes of state in a time, at most the newest so many, the first first: what is only confirmed, or flaps, changed before.
///
/// # Errors
/// Whoever asked waits no longer.
pub fn turns(
    store: &Snapshot,
    span: Range<i64>,
    limit: usize,
    context: &mut ReadContext<'_>,
) -> Result<Vec<Event>> {
    let request = EventRequest { checks: &[], span, hard: false, limit };
    let mut events = request.read(store, context)?;
    events.retain(|event| event.from.is_some_and(|from| from != event.to));
    events.sort_by_key(|event| event.time_ms);
    Ok(events)
}
