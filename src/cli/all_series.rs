//! All that a machine has: what commands go through that are about no check in particular.

use std::ops::Range;

use custos_query::{Bucketed, Event, EventRequest, ReadContext, SimilarSeries, watched_check};
use custos_store::Reader;

use super::read::Failure;

/// All series of all checks, with their units; but for what was watched, which lies at times that have runs of their own.
pub(super) fn all_series(reader: &Reader) -> (Vec<SimilarSeries>, Vec<String>) {
    let checks = reader.catalogue().checks.into_iter();
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
pub(super) fn turns(
    reader: &Reader,
    span: Range<i64>,
    limit: usize,
    context: &mut ReadContext<'_>,
) -> Result<Vec<Event>, Failure> {
    let request = EventRequest { checks: &[], span, hard: false, limit };
    let mut events = request.read(reader, context)?;
    events.retain(|event| event.from.is_some_and(|from| from != event.to));
    events.sort_by_key(|event| event.time_ms);
    Ok(events)
}
