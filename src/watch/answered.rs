//! One expression that is watched at one host: what of its answers is held to be drawn.

use std::collections::{BTreeMap, VecDeque};

use custos_promql::Labels;
use custos_query::{Reported, Series, printable, series_title};
use custos_store::{SeriesKey, Value};

use super::curve::{Bridge, Curve, Drawing};
use crate::graph;
use crate::limits::{WATCH_CHECKS_MAX, WATCH_POINTS_MAX};
use crate::live::{AnsweredSeries, LiveAnswer};

/// An expression that is watched.
#[derive(Clone, Debug)]
pub(super) struct Answered {
    pub(super) text: String,
    /// The host and a slash, if that is another.
    before: String,
    /// Whether its host has said that it is answered.
    pub(super) is_asked: bool,
    /// Why it cannot be answered.
    refused: Option<String>,
    unit: String,
    /// The checks that it selects, with what there is to say of each.
    checks: BTreeMap<String, String>,
    curves: Vec<(Labels, Curve)>,
    /// When it was answered, and whether by a run that was made because somebody watched; in the order of time.
    times: VecDeque<(i64, bool)>,
    /// Whether the newest answer has no series.
    is_empty: bool,
    /// Series of the newest answer that are not drawn.
    left_out: usize,
}

impl Answered {
    pub(super) fn new(text: &str, before: String) -> Answered {
        Answered {
            text: text.to_owned(),
            before,
            is_asked: false,
            refused: None,
            unit: String::new(),
            checks: BTreeMap::new(),
            curves: Vec::new(),
            times: VecDeque::new(),
            is_empty: false,
            left_out: 0,
        }
    }

    /// It is answered from now on, with each run of these checks.
    pub(super) fn asked<S: AsRef<str>>(&mut self, checks: &[S], unit: &str) {
        self.is_asked = true;
        self.refused = None;
        self.unit = unit.to_owned();
        let checks = checks.iter().take(WATCH_CHECKS_MAX);
        self.checks = checks.map(|check| (check.as_ref().to_owned(), String::new())).collect();
    }

    /// It cannot be answered.
    pub(super) fn refused(&mut self, why: &str) {
        self.refused = Some(why.to_owned());
        self.curves.iter_mut().for_each(|(_, curve)| curve.gap());
    }

    /// What there is to say of a check, if that is one that it selects.
    pub(super) fn note(&mut self, check: &str, note: &str) {
        if let Some(known) = self.checks.get_mut(check) {
            note.clone_into(known);
        }
    }

    /// Takes in an answer, unless it is held already. There may be so many curves more.
    pub(super) fn take(&mut self, answer: &LiveAnswer<'_>, curves_free: &mut usize) {
        let at = self.times.partition_point(|(time_ms, _)| *time_ms < answer.time_ms);
        if self.times.get(at).is_some_and(|(time_ms, _)| *time_ms == answer.time_ms) {
            return;
        }
        let is_newest = at == self.times.len();
        self.times.insert(at, (answer.time_ms, answer.watched));
        if self.times.len() > WATCH_POINTS_MAX {
            self.times.pop_front();
        }
        let mut left_out = answer.left_out;
        let mut has = vec![false; self.curves.len()];
        for AnsweredSeries { labels, value } in &answer.series {
            let labels = Labels::new(labels.iter());
            let known = self.curves.iter().position(|(other, _)| *other == labels);
            let Some(known) = known.or_else(|| self.begin(labels, curves_free)) else {
                left_out = left_out.saturating_add(1);
                continue;
            };
            has.resize(self.curves.len(), false);
            has[known] = true;
            let reported = Reported { value: Value::from(value.unwrap_or(f64::NAN)), unit: "", metric: None };
            self.curves[known].1.add((answer.time_ms, answer.watched), &reported);
        }
        if is_newest {
            self.refused = None;
            self.is_empty = answer.series.is_empty();
            self.left_out = left_out;
            let without = self.curves.iter_mut().zip(has).filter(|(_, has)| !has);
            without.for_each(|((_, curve), _)| curve.gap());
        }
    }

    fn begin(&mut self, labels: Labels, free: &mut usize) -> Option<usize> {
        *free = free.checked_sub(1)?;
        // The name is that of the series, whatever a curve of a metric would be called.
        let nameless = Series::Metric(SeriesKey { label: String::new(), labels: Vec::new() });
        self.curves.push((labels, Curve::new(nameless)));
        Some(self.curves.len() - 1)
    }

    /// What there is to say of it.
    pub(super) fn remarks(&self) -> Vec<(String, String)> {
        let own = match &self.refused {
            Some(why) => Some(why.clone()),
            None if self.is_empty => Some("no series has a value now".to_owned()),
            None if self.left_out > 0 => {
                Some(format!("{} more series are not drawn; select fewer", self.left_out))
            }
            None => None,
        };
        let own = own.map(|remark| (self.text.clone(), remark));
        let notes = self.checks.iter().filter(|(_, note)| !note.is_empty());
        own.into_iter().chain(notes.map(|(check, note)| (check.clone(), note.clone()))).collect()
    }

    /// Its curves over a span.
    pub(super) fn drawn(&self, span: (i64, i64), columns: usize, shift_ms: i64) -> Vec<graph::Series> {
        let times = self.times.iter().map(|(time_ms, watched)| (time_ms.saturating_add(shift_ms), *watched));
        let bridge = Bridge::of(times, span, None);
        let drawing = Drawing { title: "", span, columns, shift_ms, bridge, thresholds: &[] };
        let is_one = self.curves.len() == 1;
        let drawn = self.curves.iter().map(|(labels, curve)| {
            // What it is of says more than labels that may be none.
            let title = if is_one { printable(&self.text).into_owned() } else { series_title(labels) };
            graph::Series {
                name: format!("{}{title}", self.before),
                unit: self.unit.clone(),
                ..curve.drawn(&drawing)
            }
        });
        drawn.collect()
    }
}
