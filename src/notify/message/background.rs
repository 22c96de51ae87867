//! What the store knows about an alert: what its check did before, what changed with it, and a graph.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

use custos_query::{EventKind, EventRequest, ReadContext};
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
/// A graph shows at least so much, and so much before the alert, and no more than that (ms).
const GRAPH_SPAN_MIN_MS: i64 = 3 * 3_600_000;
/// See [`GRAPH_SPAN_MIN_MS`].
const GRAPH_BEFORE_MS: i64 = 3_600_000;
/// See [`GRAPH_SPAN_MIN_MS`].
const GRAPH_SPAN_MAX_MS: i64 = 86_400_000;
/// Series of a graph.
const GRAPH_SERIES_MAX: usize = 2;

/// What messages are written by beside what is told.
#[derive(Clone, Copy)]
pub struct Known<'k> {
    /// The store.
    pub store: &'k Snapshot,
    /// The checks that are defined.
    pub checks: &'k BTreeMap<String, Arc<Check>>,
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
        known: &Known<'_>,
        style: &MessageStyle,
        now_ms: i64,
    ) -> Background {
        let drawn = |width, cells| picture(alert, known, style, (width, cells), now_ms);
        Background {
            earlier: earlier(alert, known.store),
            together: together(alert, known.store),
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
    known: &Known<'_>,
    style: &MessageStyle,
    resolution: (usize, usize),
    now_ms: i64,
) -> Option<Picture> {
    let end_ms = now_ms.max(alert.started_ms.saturating_add(1));
    let start_ms = (alert.started_ms.saturating_sub(GRAPH_BEFORE_MS))
        .min(end_ms.saturating_sub(GRAPH_SPAN_MIN_MS))
        .max(end_ms.saturating_sub(GRAPH_SPAN_MAX_MS));
    let wanted = CheckPicture {
        check: &alert.check.name,
        metric: alert.check.metric.as_deref(),
        checks: known.checks,
        span: start_ms..end_ms,
        series_max: GRAPH_SERIES_MAX,
        zone: &style.zone,
    };
    bounded(|context| Ok(wanted.read(known.store, resolution, context)))?
}
