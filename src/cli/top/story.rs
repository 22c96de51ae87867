//! What the store knows of the check that is open: read at the edge, shown by `draw`.

use custos_query::{Event, EventRequest, NewestRuns, Pick, ReadContext};
use custos_store::{Run, Snapshot};
use jiff::tz::TimeZone;

use super::check::Check;
use crate::config::Config;
use crate::graph::{Glyphs, Picture, Series, cells, columns};
use crate::limits::{TOP_CHANGES, TOP_STORY_MAX};
use crate::picture::CheckPicture;

/// Series in its graph.
const SERIES_MAX: usize = 2;

/// The shortest time that its graph shows.
const SPAN_MIN_MS: i64 = 60_000;

/// What the store knows of a check.
#[derive(Clone, Debug)]
pub(super) struct Story {
    pub(super) check: String,
    /// The newest runs, the newest first.
    pub(super) runs: Vec<Run>,
    /// The last changes of state, the newest first.
    pub(super) changes: Vec<Event>,
    pub(super) picture: Option<Picture>,
    /// What could not be read.
    pub(super) damage: Option<String>,
    seen: Seen,
}

/// By what it is known whether anything has to be read again.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    last_run_ms: Option<i64>,
    /// State, whether it is confirmed, whether it flaps.
    stands: (&'static str, &'static str, bool),
    span_ms: i64,
    columns: usize,
    /// The column of the graph that now is in.
    now: i64,
}

/// What is asked of the store.
pub(super) struct Asked<'a> {
    pub(super) check: &'a Check,
    pub(super) now_ms: i64,
    pub(super) zone: &'a TimeZone,
    /// What the graph shows, and in how many columns of the terminal.
    pub(super) span_ms: i64,
    pub(super) width: usize,
    pub(super) glyphs: Glyphs,
}

impl Asked<'_> {
    fn seen(&self) -> Seen {
        let row = &self.check.row;
        let columns = columns(self.width, self.glyphs);
        Seen {
            last_run_ms: row.last_run_ms,
            stands: (row.state, row.state_type, row.flapping),
            span_ms: self.span_ms,
            columns,
            now: self.now_ms.div_euclid((self.span_ms / columns.max(1) as i64).max(1)),
        }
    }

    /// The story as it is now: of what was read before only what changed is read again.
    pub(super) fn read(&self, store: &Snapshot, config: Option<&Config>, before: Option<Story>) -> Story {
        let name = &self.check.row.check;
        let seen = self.seen();
        let before = match before.filter(|story| story.check == *name) {
            Some(story) if story.seen == seen => return story,
            before => before,
        };
        let mut damage = None;
        let mut note = |error: &custos_store::Error| {
            damage.get_or_insert_with(|| error.to_string());
        };
        let mut context = ReadContext::new(&mut note);
        let checks = std::slice::from_ref(name);
        let runs = match &before {
            Some(story) if story.seen.last_run_ms == seen.last_run_ms => story.runs.clone(),
            _ => {
                let pick = |_: &Run| Pick::Take;
                let request =
                    NewestRuns { checks, span: i64::MIN..i64::MAX, limit: TOP_STORY_MAX, pick: &pick };
                let runs = request.read(store, &mut context).unwrap_or_default();
                runs.into_iter().rev().map(|listed| listed.run).collect()
            }
        };
        let changes = match &before {
            Some(story) if story.seen.stands == seen.stands => story.changes.clone(),
            _ => {
                let since_ms = self.now_ms.saturating_sub(TOP_CHANGES.as_millis() as i64);
                let request =
                    EventRequest { checks, span: since_ms..i64::MAX, hard: false, limit: TOP_STORY_MAX };
                let mut changes = request.read(store, &mut context).unwrap_or_default();
                changes.reverse();
                changes
            }
        };
        let start_ms = self.now_ms.saturating_sub(self.span_ms);
        let first = store.runs(name, start_ms..self.now_ms).flatten().next();
        // A young check fills its graph.
        let latest_ms = self.now_ms.saturating_sub(SPAN_MIN_MS);
        let start_ms = first.map_or(start_ms, |run| run.time_ms.min(latest_ms).max(start_ms));
        let none = std::collections::BTreeMap::new();
        let picture = CheckPicture {
            check: name,
            metric: None,
            checks: config.map_or(&none, |config| &config.checks),
            span: start_ms..self.now_ms.saturating_add(1),
            series_max: SERIES_MAX,
            zone: self.zone,
        };
        let has_samples = |picture: &Picture| picture.series.iter().any(Series::has_samples);
        let cells = cells(self.width);
        let of_metrics = picture.read(store, (seen.columns, cells), &mut context).filter(has_samples);
        let picture = of_metrics.or_else(|| picture.read_states(store, cells, &mut context));
        Story { check: name.clone(), runs, changes, picture, damage, seen }
    }
}
