//! What the store knows about an alert: what its check did before, what changed with it, and a graph.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use custos_query::{Event, EventKind, EventRequest, ReadContext};
use custos_store::{Snapshot, State};

use super::style::MessageStyle;
use crate::config::Check;
use crate::graph::{Picture, SVG_COLUMNS, cells, columns};
use crate::limits::{NOTIFY_LOOKS_MAX, NOTIFY_TOGETHER_MAX};
use crate::notify::NotifiedAlert;
use crate::picture::CheckPicture;

/// Columns of characters of a graph in a text.
pub(super) const GRAPH_WIDTH: usize = 72;
/// How far back it is counted how often something happened (ms).
const WEEK_MS: i64 = 7 * 86_400_000;
/// What changed so shortly before or after (ms) changed with it.
const TOGETHER_MS: i64 = 120_000;
/// A graph shows at least so much (ms).
const GRAPH_SPAN_MIN_MS: i64 = 3 * 3_600_000;
/// It shows at least so much before the alert (ms), and a third of what the alert has lasted.
const GRAPH_BEFORE_MIN_MS: i64 = 3_600_000;
/// It shows no more than that (ms).
const GRAPH_SPAN_MAX_MS: i64 = 31 * 86_400_000;
/// Series of a graph.
const GRAPH_SERIES_MAX: usize = 2;

/// What messages are written by beside what is told.
#[derive(Clone, Copy)]
pub struct Known<'k> {
    /// The store.
    pub store: &'k Snapshot,
    /// The checks that are defined.
    pub checks: &'k BTreeMap<String, Arc<Check>>,
    /// Whether reading has taken so long that the message goes without the rest.
    pub is_late: &'k dyn Fn() -> bool,
}

/// What the store knows about an alert.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Background {
    /// How its check's problems of the last seven days went that are over.
    pub earlier: Option<Earlier>,
    /// Other checks whose state changed with it: name, state, time (ms since the epoch).
    pub together: Vec<(String, State, i64)>,
    /// Its graph for a text.
    pub picture: Option<Picture>,
    /// The same for an image.
    pub image: Option<Picture>,
}

/// Problems that are over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Earlier {
    /// How many.
    pub count: usize,
    /// How long they lasted on average (ms).
    pub average_ms: i64,
}

impl Background {
    /// Reads what is known. What cannot be read, or takes too long, is left out.
    pub(super) fn read(
        alert: &NotifiedAlert,
        past: &mut Past<'_>,
        style: &MessageStyle,
        now_ms: i64,
    ) -> Background {
        let (earlier, together) = (past.earlier(alert), past.together(alert));
        let mut drawn = |width, cells| picture(alert, past, style, (width, cells), now_ms);
        Background {
            earlier,
            together,
            picture: style.glyphs.and_then(|glyphs| drawn(columns(GRAPH_WIDTH, glyphs), cells(GRAPH_WIDTH))),
            image: if style.svg { drawn(SVG_COLUMNS, SVG_COLUMNS) } else { None },
        }
    }
}

/// The past as one message tells of it. What several of its alerts need is read once.
pub(super) struct Past<'k> {
    known: Known<'k>,
    /// From the first to the last start of the alerts of a check (ms since the epoch).
    starts: BTreeMap<String, Range<i64>>,
    /// The confirmed problems and recoveries of checks that were read; none if that was given up.
    of_check: BTreeMap<String, Option<Vec<Event>>>,
    /// The changes of all checks in the spans that were read.
    of_all: Vec<(Range<i64>, Vec<Event>)>,
    /// Whether something was left out because reading took too long.
    pub(super) gave_up: bool,
}

impl<'k> Past<'k> {
    /// The past that matters to these alerts.
    pub(super) fn of<'a>(known: Known<'k>, alerts: impl Iterator<Item = &'a NotifiedAlert>) -> Past<'k> {
        let mut starts: BTreeMap<String, Range<i64>> = BTreeMap::new();
        for alert in alerts {
            let started_ms = alert.started_ms;
            let all = starts.entry(alert.check.name.clone()).or_insert(started_ms..started_ms);
            *all = all.start.min(started_ms)..all.end.max(started_ms);
        }
        Past { known, starts, of_check: BTreeMap::new(), of_all: Vec::new(), gave_up: false }
    }

    /// Calls a reader that stops after so many looks, each of which is some thousand runs, and when the message is late.
    fn bounded<T>(
        &mut self,
        read: impl FnOnce(&Known<'k>, &mut ReadContext<'_>) -> custos_query::Result<T>,
    ) -> Option<T> {
        let looks = Cell::new(0_u32);
        let gave_up = Cell::new((self.known.is_late)());
        if gave_up.get() {
            self.gave_up = true;
            return None;
        }
        let is_cancelled = || {
            looks.set(looks.get() + 1);
            gave_up.set(looks.get() > NOTIFY_LOOKS_MAX || (self.known.is_late)());
            gave_up.get()
        };
        let mut on_damage = |_: &custos_store::Error| {};
        let found = read(&self.known, &mut ReadContext::new(&mut on_damage).cancellable(&is_cancelled)).ok();
        self.gave_up |= gave_up.get();
        found
    }

    fn earlier(&mut self, alert: &NotifiedAlert) -> Option<Earlier> {
        let name = &alert.check.name;
        if !self.of_check.contains_key(name) {
            let starts = self.starts.get(name).cloned().unwrap_or(alert.started_ms..alert.started_ms);
            let checks = [name.clone()];
            let span = starts.start.saturating_sub(WEEK_MS)..starts.end;
            let request = EventRequest { checks: &checks, span, hard: true, limit: usize::MAX };
            let events = self.bounded(|known, context| request.read(known.store, context));
            self.of_check.insert(name.clone(), events);
        }
        let span = alert.started_ms.saturating_sub(WEEK_MS)..alert.started_ms;
        let events = self.of_check.get(name)?.as_ref()?.iter().filter(|event| span.contains(&event.time_ms));
        let lasted: Vec<i64> = events.filter_map(|event| event.lasted_ms).collect();
        let count = lasted.len();
        let average_ms = lasted.iter().sum::<i64>() / i64::try_from(count.max(1)).unwrap_or(1);
        Some(Earlier { count, average_ms })
    }

    fn together(&mut self, alert: &NotifiedAlert) -> Vec<(String, State, i64)> {
        let about_ms = alert.ended_ms.unwrap_or(alert.started_ms);
        let span = about_ms.saturating_sub(TOGETHER_MS)..about_ms.saturating_add(TOGETHER_MS);
        let is_read = |read: &Range<i64>| read.start <= span.start && span.end <= read.end;
        if !self.of_all.iter().any(|(read, _)| is_read(read)) {
            // What else the message is about began about then, mostly.
            let wide = span.start.saturating_sub(TOGETHER_MS)..span.end.saturating_add(TOGETHER_MS);
            let request = EventRequest {
                checks: &[],
                span: wide.clone(),
                hard: false,
                limit: NOTIFY_TOGETHER_MAX * 64,
            };
            let events = self.bounded(|known, context| request.read(known.store, context));
            self.of_all.push((wide, events.unwrap_or_default()));
        }
        let Some((_, events)) = self.of_all.iter().find(|(read, _)| is_read(read)) else {
            return Vec::new();
        };
        let mut together: Vec<(String, State, i64)> = Vec::new();
        for event in events.iter().filter(|event| span.contains(&event.time_ms)) {
            let is_change = !matches!(event.kind, EventKind::FlappingStarted | EventKind::FlappingStopped);
            if !is_change || event.check == alert.check.name {
                continue;
            }
            // The newest state of a check counts, and events come by their times.
            together.retain(|(check, ..)| *check != event.check);
            together.push((event.check.clone(), event.to, event.time_ms));
        }
        let surplus = together.len().saturating_sub(NOTIFY_TOGETHER_MAX);
        together.drain(..surplus);
        together
    }
}

/// What a graph shows of an alert: its beginning, and what was before.
fn graph_span(started_ms: i64, now_ms: i64) -> Range<i64> {
    let end_ms = now_ms.max(started_ms.saturating_add(1));
    let before_ms = GRAPH_BEFORE_MIN_MS.max(end_ms.saturating_sub(started_ms) / 3);
    let start_ms = (started_ms.saturating_sub(before_ms))
        .min(end_ms.saturating_sub(GRAPH_SPAN_MIN_MS))
        .max(end_ms.saturating_sub(GRAPH_SPAN_MAX_MS));
    start_ms..end_ms
}

fn picture(
    alert: &NotifiedAlert,
    past: &mut Past<'_>,
    style: &MessageStyle,
    resolution: (usize, usize),
    now_ms: i64,
) -> Option<Picture> {
    let wanted = CheckPicture {
        check: &alert.check.name,
        metric: alert.check.metric.as_deref(),
        checks: past.known.checks,
        span: graph_span(alert.started_ms, now_ms),
        series_max: GRAPH_SERIES_MAX,
        zone: &style.zone,
    };
    past.bounded(|known, context| Ok(wanted.read(known.store, resolution, context)))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_graph_shows_the_beginning_of_the_problem_and_what_was_before() {
        const HOUR_MS: i64 = 3_600_000;
        let now_ms = 1000 * 24 * HOUR_MS;
        let shown_before = |lasted_hours: i64| {
            let started_ms = now_ms - lasted_hours * HOUR_MS;
            let span = graph_span(started_ms, now_ms);
            assert_eq!(span.end, now_ms.max(started_ms + 1));
            (started_ms - span.start) / HOUR_MS
        };
        assert_eq!([0, 1, 2, 6, 48, 240].map(shown_before), [2, 2, 1, 2, 16, 80]);
        assert_eq!(graph_span(0, now_ms).start, now_ms - GRAPH_SPAN_MAX_MS);
    }
}
