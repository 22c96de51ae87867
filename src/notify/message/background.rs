//! What the store knows about an alert: what its check did before, what changed with it, and a graph.

use std::cell::Cell;

use custos_query::{
    Drawn, Envelope, EnvelopeRequest, EventKind, EventRequest, ReadContext, Selector, check_names,
};
use custos_store::{Snapshot, State};

use super::style::MessageStyle;
use crate::graph::{self, Picture, Ribbon, SVG_COLUMNS, cells, columns};
use crate::limits::{NOTIFY_LOOKS_MAX, NOTIFY_TOGETHER_MAX};
use crate::notify::NotifiedAlert;
use crate::rules::usual_series;
use crate::text::human::Prefixes;

/// Columns of characters of a graph in a text.
pub(super) const GRAPH_WIDTH: usize = 72;
/// How far back it is counted how often something happened (ms).
const WEEK_MS: i64 = 7 * 86_400_000;
/// What changed so shortly before or after (ms) changed with it.
const TOGETHER_MS: i64 = 120_000;
/// A graph shows at least so much, and so much before the alert, and no more than that (ms).
const GRAPH_SPAN_MIN_MS: i64 = 3 * 3_600_000;
/// See [`GRAPH_SPAN_MIN_MS`].
const GRAPH_BEFORE_MS: i64 = 3_600_000;
/// See [`GRAPH_SPAN_MIN_MS`].
const GRAPH_SPAN_MAX_MS: i64 = 86_400_000;
/// Series of a graph.
const GRAPH_SERIES_MAX: usize = 2;

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
        store: &Snapshot,
        style: &MessageStyle,
        now_ms: i64,
    ) -> Background {
        let drawn = |width, cells| picture(alert, store, style, (width, cells), now_ms);
        Background {
            earlier: earlier(alert, store),
            together: together(alert, store),
            picture: style.glyphs.and_then(|glyphs| drawn(columns(GRAPH_WIDTH, glyphs), cells(GRAPH_WIDTH))),
            image: if style.svg { drawn(SVG_COLUMNS, SVG_COLUMNS) } else { None },
        }
    }
}

/// Calls a reader that stops after so many looks, each of which is some thousand runs.
fn bounded<T>(read: impl FnOnce(&mut ReadContext<'_>) -> custos_query::Result<T>) -> Option<T> {
    let looks = Cell::new(0_u32);
    let is_cancelled = || {
        looks.set(looks.get() + 1);
        looks.get() > NOTIFY_LOOKS_MAX
    };
    let mut on_damage = |_: &custos_store::Error| {};
    read(&mut ReadContext::new(&mut on_damage).cancellable(&is_cancelled)).ok()
}

fn earlier(alert: &NotifiedAlert, store: &Snapshot) -> Option<Earlier> {
    let checks = [alert.check.name.clone()];
    let span = alert.started_ms.saturating_sub(WEEK_MS)..alert.started_ms;
    let request = EventRequest { checks: &checks, span, hard: true, limit: usize::MAX };
    let events = bounded(|context| request.read(store, context))?;
    let lasted: Vec<i64> = events.iter().filter_map(|event| event.lasted_ms).collect();
    let count = lasted.len();
    let average_ms = lasted.iter().sum::<i64>() / i64::try_from(count.max(1)).unwrap_or(1);
    Some(Earlier { count, average_ms })
}

fn together(alert: &NotifiedAlert, store: &Snapshot) -> Vec<(String, State, i64)> {
    let about_ms = alert.ended_ms.unwrap_or(alert.started_ms);
    let span = about_ms.saturating_sub(TOGETHER_MS)..about_ms.saturating_add(TOGETHER_MS);
    let request = EventRequest { checks: &[], span, hard: false, limit: NOTIFY_TOGETHER_MAX * 4 };
    let events = bounded(|context| request.read(store, context)).unwrap_or_default();
    let mut together: Vec<(String, State, i64)> = Vec::new();
    for event in events {
        let is_change = !matches!(event.kind, EventKind::FlappingStarted | EventKind::FlappingStopped);
        if !is_change || event.check == alert.check.name {
            continue;
        }
        // The newest state of a check counts, and events come by their times.
        together.retain(|(check, ..)| *check != event.check);
        together.push((event.check, event.to, event.time_ms));
    }
    let surplus = together.len().saturating_sub(NOTIFY_TOGETHER_MAX);
    together.drain(..surplus);
    together
}

fn picture(
    alert: &NotifiedAlert,
    store: &Snapshot,
    style: &MessageStyle,
    (columns, cells): (usize, usize),
    now_ms: i64,
) -> Option<Picture> {
    let names = check_names(store);
    let check = &alert.check.name;
    let named = alert.check.metric.as_deref().unwrap_or(check);
    let selector = Selector::parse(named, &names).or_else(|_| Selector::parse(check, &names)).ok()?;
    let known = store.series(selector.check()).ok()?;
    if known.is_empty() {
        return None;
    }
    let usual = selector.series(&usual_series(&known)).ok().filter(|usual| !usual.is_empty());
    let mut series = usual.or_else(|| selector.series(&known).ok())?;
    series.truncate(GRAPH_SERIES_MAX);
    let end_ms = now_ms.max(alert.started_ms.saturating_add(1));
    let start_ms = (alert.started_ms.saturating_sub(GRAPH_BEFORE_MS))
        .min(end_ms.saturating_sub(GRAPH_SPAN_MIN_MS))
        .max(end_ms.saturating_sub(GRAPH_SPAN_MAX_MS));
    let request = EnvelopeRequest {
        check: selector.check(),
        series,
        span: start_ms..end_ms,
        columns,
        cells,
        drawn: Drawn::Usual,
        holds_until_ms: None,
    };
    let read = bounded(|context| request.read(store, context))?;
    let drawn = |one: Envelope| graph::Series {
        check: selector.check().to_owned(),
        name: one.series.to_string(),
        unit: one.unit,
        columns: one.columns,
        thresholds: one.limits.into_iter().map(|limit| graph::Threshold { limit, of_plugin: true }).collect(),
        bridge_ms: one.bridge_ms,
        note: None,
    };
    Some(Picture {
        start_ms,
        end_ms,
        zone: style.zone.clone(),
        prefixes: Prefixes::Si,
        series: read.series.into_iter().map(drawn).collect(),
        ribbons: vec![Ribbon { title: selector.check().to_owned(), states: read.states }],
    })
}
