//! One check of one host: what of its runs is held to be drawn.

use std::collections::VecDeque;

use custos_query::{BuiltIn, Selector, Series, StateBar, was_run};
use custos_store::{Provenance, Run, SERIES_NAME, SeriesKey, State};

use super::curve::{Bridge, Curve, Drawing};
use super::states::Stands;
use crate::config::Threshold;
use crate::graph;
use crate::limits::WATCH_POINTS_MAX;

/// How a check is watched, as its agent says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is; `note` says why not as often as was wished.
    Watched { note: String },
    /// Not, or not any longer.
    Ended { why: String },
}

/// What is known of a run but for its samples.
#[derive(Clone, Copy, Debug)]
struct Made {
    time_ms: i64,
    /// Whether it was made because somebody watched.
    watched: bool,
    /// None where a run was left out.
    state: Option<State>,
}

/// A check that is watched.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) name: String,
    /// With its host, if that is another.
    title: String,
    pub(super) standing: Standing,
    selectors: Vec<Selector>,
    thresholds: Vec<Threshold>,
    curves: Vec<Curve>,
    /// Drawn where there is nothing else.
    duration: Curve,
    /// When runs were made and what came of them, in the order of time; nothing where a run was left out.
    states: VecDeque<Made>,
    /// How often its schedule runs it (ms), if one does.
    interval_ms: Option<u64>,
    /// Whether a run had metrics, but none that was selected.
    is_missed: bool,
    /// Curves that are not drawn because there are too many.
    left_out: usize,
}

impl Held {
    pub(super) fn new(name: &str, title: String, selectors: Vec<Selector>) -> Held {
        Held {
            name: name.to_owned(),
            title,
            standing: Standing::Watched { note: String::new() },
            selectors,
            thresholds: Vec::new(),
            curves: Vec::new(),
            duration: Curve::new(Series::BuiltIn(BuiltIn::Duration)),
            states: VecDeque::new(),
            interval_ms: None,
            is_missed: false,
            left_out: 0,
        }
    }

    /// Has the thresholds of its definition drawn.
    pub(super) fn judged_by(&mut self, thresholds: &[Threshold]) {
        self.thresholds = thresholds.to_vec();
    }

    /// It is watched, and run by its schedule so often (ms) if one does.
    pub(super) fn watched(&mut self, interval_ms: Option<u64>, note: String) {
        self.standing = Standing::Watched { note };
        self.interval_ms = interval_ms;
    }

    /// Takes in a run, unless it is held already. There may be so many curves more.
    pub(super) fn take(&mut self, run: &Run, curves_free: &mut usize) {
        let state = was_run(run.reason).then_some(run.state);
        let at = self.states.partition_point(|made| made.time_ms < run.time_ms);
        if self.states.get(at).is_some_and(|made| made.time_ms == run.time_ms) {
            return;
        }
        let watched = run.provenance == Provenance::Watched;
        self.states.insert(at, Made { time_ms: run.time_ms, watched, state });
        if self.states.len() > WATCH_POINTS_MAX {
            self.states.pop_front();
        }
        if state.is_none() {
            self.curves.iter_mut().for_each(Curve::gap);
            return;
        }
        self.begin_curves(run, curves_free);
        for curve in self.curves.iter_mut().chain([&mut self.duration]) {
            match curve.series.of(run) {
                Some(reported) => curve.add((run.time_ms, watched), &reported),
                None if run.partial => {}
                None => curve.gap(),
            }
        }
    }

    /// Begins a curve for each series that is selected and has none.
    fn begin_curves(&mut self, run: &Run, free: &mut usize) {
        let mut selected: Vec<Series> = Vec::new();
        for selector in &self.selectors {
            if let Some(one) = selector.built_in() {
                selected.push(Series::BuiltIn(one));
                continue;
            }
            let is_own = |key: &SeriesKey| key.labels.iter().any(|(name, _)| name == SERIES_NAME);
            let keys = run
                .metrics
                .iter()
                .map(|metric| SeriesKey { label: metric.label.clone(), labels: metric.labels.clone() });
            let keys = keys.filter(|key| selector.selects(key) && (selector.has_metric() || !is_own(key)));
            selected.extend(keys.map(Series::Metric));
        }
        self.is_missed = selected.is_empty()
            && self.curves.is_empty()
            && self.selectors.iter().all(Selector::has_metric)
            && run.state != State::Unknown;
        self.left_out = 0;
        for series in selected {
            if self.curves.iter().any(|curve| curve.series == series) {
                continue;
            }
            if *free == 0 {
                self.left_out += 1;
                continue;
            }
            *free -= 1;
            self.curves.push(Curve::new(series));
        }
    }

    /// What there is to say of it.
    pub(super) fn remark(&self) -> Option<String> {
        let metrics = || self.selectors.iter().filter(|selector| selector.has_metric());
        match &self.standing {
            Standing::Ended { why } => Some(why.clone()),
            Standing::Watched { .. } if self.is_missed && metrics().next().is_some() => {
                Some("its last run has no such metric".to_owned())
            }
            Standing::Watched { .. } if self.left_out > 0 => {
                Some(format!("{} more of its curves are not drawn; name some", self.left_out))
            }
            Standing::Watched { note } => (!note.is_empty()).then(|| note.clone()),
        }
    }

    /// How it stands at a time: what the last run before came to.
    pub(super) fn stands(&self, at_ms: i64) -> Stands {
        let before = self.states.iter().rev().filter(|made| made.time_ms < at_ms);
        Stands { title: self.title.clone(), state: before.filter_map(|made| made.state).next() }
    }

    /// What is no gap within a span.
    fn bridge(&self, span: (i64, i64), shift_ms: i64) -> Bridge {
        let scheduled_ms = self.interval_ms.and_then(|interval_ms| i64::try_from(interval_ms).ok());
        let runs = self.states.iter().map(|made| (made.time_ms.saturating_add(shift_ms), made.watched));
        Bridge::of(runs, span, scheduled_ms)
    }

    /// Its curves over a span, and its states.
    pub(super) fn drawn(
        &self,
        span: (i64, i64),
        (columns, cells): (usize, usize),
        shift_ms: i64,
    ) -> (Vec<graph::Series>, graph::Ribbon) {
        let bridge = self.bridge(span, shift_ms);
        let drawing =
            Drawing { title: &self.title, span, columns, shift_ms, bridge, thresholds: &self.thresholds };
        let mut series: Vec<graph::Series> = self.curves.iter().map(|curve| curve.drawn(&drawing)).collect();
        if series.is_empty() {
            series.push(self.duration.drawn(&drawing));
        }
        let mut states = StateBar::new(span.0, span.1, cells);
        let mut next: Option<Made> = None;
        for made in self.states.iter().rev() {
            let time_ms = made.time_ms.saturating_add(shift_ms);
            let bridge_ms = bridge.between(made.watched, next.is_none_or(|next| next.watched));
            let lasts_until_ms = time_ms.saturating_add(bridge_ms);
            let next_ms = next.map_or(i64::MAX, |next| next.time_ms.saturating_add(shift_ms));
            if let Some(state) = made.state.filter(|_| time_ms < span.1) {
                states.cover(time_ms, next_ms.min(lasts_until_ms), state);
            }
            next = Some(*made);
            if lasts_until_ms < span.0 && time_ms.saturating_add(bridge.own_ms) < span.0 {
                break;
            }
        }
        (series, graph::Ribbon { title: self.title.clone(), states })
    }
}
