//! Changes that began at about the same time, as one.

use std::ops::Range;

use custos_query::{Event, SeriesChange};
use custos_store::State;

use crate::limits::CHANGES_APART_MS_MAX;

/// What changed together.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Group {
    /// From the first onset until all is as before, or the look ends (ms since the epoch).
    pub(super) span: Range<i64>,
    /// The changes of metrics, the earliest first.
    pub(super) series: Vec<SeriesChange>,
    /// The changes of state, the earliest first.
    pub(super) states: Vec<Event>,
}

impl Group {
    /// How much changed: each metric by how far it is beyond all before, so that one that is far off does not outweigh many.
    pub(super) fn weight(&self) -> f64 {
        let series: f64 = self.series.iter().map(|one| (1.0 + one.change.beyond).ln()).sum();
        series + self.states.iter().filter(|event| event.to != State::Ok).count() as f64
    }
}

/// Groups of changes, the earliest first. A state that is over is no group of its own: it belongs to one in which something else
/// changed, or says nothing.
pub(super) fn groups(series: Vec<SeriesChange>, states: Vec<Event>) -> Vec<Group> {
    enum One {
        Series(SeriesChange),
        State(Event),
    }
    let mut all: Vec<(i64, i64, One)> = series
        .into_iter()
        .map(|one| (one.span.start, one.span.end, One::Series(one)))
        .chain(states.into_iter().map(|event| (event.time_ms, event.time_ms, One::State(event))))
        .collect();
    all.sort_by_key(|(start_ms, ..)| *start_ms);
    let mut found: Vec<Group> = Vec::new();
    // The onset of the newest of a group, by which it goes on.
    let mut newest_ms = i64::MIN;
    for (start_ms, end_ms, one) in all {
        let goes_on = start_ms.saturating_sub(newest_ms) <= CHANGES_APART_MS_MAX;
        let group = match found.last_mut().filter(|_| goes_on) {
            Some(group) => group,
            None => {
                found.push(Group { span: start_ms..end_ms, series: Vec::new(), states: Vec::new() });
                let last = found.len() - 1;
                &mut found[last]
            }
        };
        newest_ms = start_ms;
        group.span.end = group.span.end.max(end_ms);
        match one {
            One::Series(one) => group.series.push(one),
            One::State(event) => group.states.push(event),
        }
    }
    found.retain(|group| group.weight() > 0.0);
    found
}

/// Indexes of the groups in which the most changed, at most so many, the earliest first.
pub(super) fn heaviest(groups: &[Group], limit: usize) -> Vec<usize> {
    let mut chosen: Vec<usize> = (0..groups.len()).collect();
    chosen.sort_by(|one, other| groups[*other].weight().total_cmp(&groups[*one].weight()));
    chosen.truncate(limit);
    chosen.sort_unstable();
    chosen
}

#[cfg(test)]
mod tests {
    use custos_query::EventKind;
    use custos_query::MetricChange as Change;

    use super::*;

    const MINUTE: i64 = 60_000;

    fn series(series: usize, start: i64, beyond: f64) -> SeriesChange {
        let change = Change { start: 0, end: 1, away: beyond, beyond, before: 0.0, now: 1.0, by_day: false };
        SeriesChange { series, change, span: start * MINUTE..(start + 100) * MINUTE }
    }

    fn event(minute: i64, to: State) -> Event {
        Event {
            id: String::new(),
            check: "load".to_owned(),
            time_ms: minute * MINUTE,
            kind: EventKind::Hard,
            from: Some(State::Warning),
            to,
            attempt: 1,
            text: String::new(),
            judgement: String::new(),
            lasted_ms: None,
        }
    }

    #[test]
    fn what_began_at_about_the_same_time_is_one_group() {
        let changes = vec![series(0, 0, 2.0), series(1, 20, 9.0), series(2, 45, 1.0), series(3, 200, 30.0)];
        let states = vec![event(30, State::Critical), event(500, State::Ok), event(900, State::Warning)];
        let found = groups(changes, states);
        let shape: Vec<(usize, usize)> =
            found.iter().map(|group| (group.series.len(), group.states.len())).collect();
        assert_eq!(shape, [(3, 1), (1, 0), (0, 1)]);
        assert_eq!(found[0].span, 0..145 * MINUTE);
        assert_eq!(heaviest(&found, 2), [0, 1]);
        assert_eq!(heaviest(&found, 9), [0, 1, 2]);
        assert!(groups(Vec::new(), Vec::new()).is_empty());
    }
}
