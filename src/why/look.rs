//! Looks at all series of a store, and at all changes of state.

use std::ops::Range;

use custos_query::{
    Bucketed, Event, EventRequest, NewText, NewTextsRequest, ReadContext, Result, ShiftRequest, Shifts,
    SimilarSeries, check_names, own_check,
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
    /// What plugins printed for the first time, but for what a change of state says already.
    pub texts: Vec<NewText>,
}

impl Looked {
    /// Compares a time with the past (ms since the epoch, end excluded).
    ///
    /// # Errors
    /// It is too long, or whoever asked waits no longer.
    pub fn at(store: &Snapshot, span: Range<i64>, context: &mut ReadContext<'_>) -> Result<Looked> {
        let (among, units) = all_series(store);
        let shifts = ShiftRequest { among: &among, span: span.clone() }.read(store, context)?;
        let events = turns(store, span.clone(), WHY_EVENTS_MAX, context)?;
        let mut checks = check_names(store);
        checks.retain(|check| own_check(check).is_none());
        let mut texts = NewTextsRequest { checks: &checks, span: &span }.read(store, context)?;
        let is_told = |text: &NewText| {
            events.iter().any(|event| event.check == text.check && event.time_ms == text.time_ms)
        };
        texts.retain(|text| !is_told(text));
        Ok(Looked { among, units, shifts, events, texts })
    }
}

/// All series of all checks, with their units; but for what was watched, which lies at times that have runs of their own.
pub fn all_series(store: &Snapshot) -> (Vec<SimilarSeries>, Vec<String>) {
    let checks = store.catalogue().checks.into_iter();
    let own = checks.filter(|check| own_check(&check.check.name).is_none());
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
