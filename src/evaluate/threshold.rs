//! Thresholds: limits on the metrics of a run, and how long they have been crossed.
//!
//! Each metric that a threshold matches is judged by itself, each level with its own clock: CRITICAL counts once
//! the critical range has been crossed for the whole of `for`, WARNING once either has. A stretch without runs
//! that is longer than [`GAP_INTERVALS`] intervals breaks the clock, as nothing is known of it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use custos_compat::nagios::Range;
use custos_query::{COUNTER, NormalDays};
use custos_store::{Bounds, Metric, State, Value};

use super::normal::{follows, range_of};
use super::rate::Counters;
use super::taken::Taken;
use crate::clock::micros;
use crate::config::{Check, OnMissing, Threshold, UnitRange};
use crate::text::human::{self, Prefixes};

/// Intervals without a run after which a threshold's clock starts anew.
const GAP_INTERVALS: u32 = 3;

/// The store keeps times in whole milliseconds, so a clock that is read back from it may be short by almost as much.
const TIME_GRAIN_US: i64 = 1000;

/// What the thresholds of one check remember between runs.
#[derive(Clone, Debug, Default)]
pub struct Pending {
    /// By threshold (its index in the definition) and series.
    crossed: HashMap<(usize, String), CrossedSince>,
    /// What each threshold found last, for `on_missing: keep`.
    last: HashMap<usize, (State, String)>,
    last_run_us: Option<i64>,
    /// What the counters of thresholds on rates showed last.
    counters: Counters,
    /// What is normal, for thresholds that follow it.
    normal: Option<Arc<NormalDays>>,
}

impl Pending {
    /// From now on this is normal.
    pub fn set_normal(&mut self, normal: Option<Arc<NormalDays>>) {
        self.normal = normal;
    }
}

/// Since when a metric has been beyond each level without a break, by the monotonic clock.
#[derive(Clone, Copy, Debug, Default)]
struct CrossedSince {
    warning_since_us: Option<i64>,
    critical_since_us: Option<i64>,
}

/// Judges a run's metrics by the check's thresholds.
///
/// `time_ms` is when the run was (ms since the epoch). Returns the worst state and one sentence for each threshold that is not OK, worst first.
pub fn judge(
    check: &Check,
    metrics: &[Metric],
    time_ms: i64,
    pending: &mut Pending,
    taken: Taken,
) -> (State, String) {
    let now_us = taken.slot_us;
    let gap_us = micros(check.check_interval.max(check.retry_interval) * GAP_INTERVALS + check.timeout);
    if pending.last_run_us.is_some_and(|last| now_us.saturating_sub(last) > gap_us as i64) {
        pending.crossed.clear();
    }
    pending.last_run_us = Some(now_us);
    pending.counters.forget(taken.started_us);

    let mut findings: Vec<(State, String)> = Vec::new();
    for (index, threshold) in check.thresholds.iter().enumerate() {
        let found = judge_one(index, threshold, (metrics, time_ms), pending, taken);
        if found.iter().all(|finding| finding.0 == State::Ok) {
            pending.last.remove(&index);
        } else if let Some(worst) = found.iter().max_by_key(|finding| finding.0.severity()) {
            pending.last.insert(index, worst.clone());
        }
        findings.extend(found);
    }
    if check.evaluate_perfdata {
        findings.extend(metrics.iter().filter_map(judge_own));
    }
    findings.retain(|finding| finding.0 != State::Ok);
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.0.severity()));
    let state = findings.iter().fold(State::Ok, |worst, finding| worst.worst(finding.0));
    let sentences: Vec<String> =
        findings.into_iter().map(|(state, what)| format!("{}: {what}", state.name())).collect();
    (state, sentences.join("; "))
}

/// Whether a threshold can judge these metrics, so that what it found in an earlier run no longer matters.
pub fn judges(threshold: &Threshold, metrics: &[Metric]) -> bool {
    let mut matching = matching(threshold, metrics).peekable();
    matching.peek().is_some() && matching.all(|metric| comparable(threshold, metric).is_ok())
}

fn matching<'m>(threshold: &Threshold, metrics: &'m [Metric]) -> impl Iterator<Item = &'m Metric> {
    metrics.iter().filter(|metric| threshold.is_for(&metric.label))
}

/// What one threshold finds: a finding for each metric that it matches, or for there being none.
fn judge_one(
    index: usize,
    threshold: &Threshold,
    (metrics, time_ms): (&[Metric], i64),
    pending: &mut Pending,
    taken: Taken,
) -> Vec<(State, String)> {
    let now_us = taken.slot_us;
    let matching: Vec<&Metric> = matching(threshold, metrics).collect();
    if matching.is_empty() {
        return missing(index, threshold, pending, &format!("no metric {}", threshold.metric));
    }
    let mut findings = Vec::new();
    for metric in matching {
        let value = match comparable(threshold, metric) {
            Ok(value) => value,
            Err(what) => {
                findings.extend(missing(index, threshold, pending, &format!("{} is {what}", metric.label)));
                continue;
            }
        };
        let series = series_name(metric);
        let value = match threshold.rate {
            false => value.to_f64(),
            // The first value of a counter gives no rate.
            true => match pending.counters.rate(index, &series, metric, taken) {
                Some(rate) => rate,
                None => continue,
            },
        };
        let ranges = Ranges::of(threshold, metric, pending.normal.as_deref(), time_ms);
        if let Some(mismatch) = unit_mismatch(threshold, &ranges, metric) {
            findings.push((State::Unknown, mismatch));
            continue;
        }
        let beyond_critical = crosses(ranges.critical.as_deref(), value);
        let beyond_warning = beyond_critical || crosses(ranges.warning.as_deref(), value);
        let crossed = pending.crossed.entry((index, series)).or_default();
        start_or_stop(&mut crossed.critical_since_us, beyond_critical, now_us);
        start_or_stop(&mut crossed.warning_since_us, beyond_warning, now_us);
        let for_us = micros(threshold.pending_for) as i64;
        let long_enough =
            |since: Option<i64>| since.is_some_and(|since| now_us - since > for_us - TIME_GRAIN_US);
        let found = match (&ranges.critical, &ranges.warning) {
            (Some(range), _) if long_enough(crossed.critical_since_us) => Some((State::Critical, range)),
            // Beyond critical only, and not long enough for it: with no warning range there is nothing to say yet.
            (_, Some(range)) if long_enough(crossed.warning_since_us) => Some((State::Warning, range)),
            _ => None,
        };
        findings
            .extend(found.map(|(state, range)| (state, sentence(threshold, metric, (state, value), range))));
    }
    findings
}

/// The value of a metric, if a threshold can compare it; else what it is. NaN is neither within a range nor outside, and
/// nothing grows to infinity and back.
fn comparable(threshold: &Threshold, metric: &Metric) -> Result<Value, &'static str> {
    let value = metric.value.ok_or("undetermined")?;
    match value.to_f64() {
        float if float.is_nan() => Err("NaN"),
        float if float.is_infinite() && threshold.rate => Err("infinite"),
        _ => Ok(value),
    }
}

/// What a threshold finds when it has nothing to judge. Its clocks start anew, unless it keeps what it found last.
fn missing(index: usize, threshold: &Threshold, pending: &mut Pending, what: &str) -> Vec<(State, String)> {
    match threshold.on_missing {
        OnMissing::State(state) => {
            pending.crossed.retain(|(of, _), _| *of != index);
            vec![(state, what.to_owned())]
        }
        OnMissing::Keep => pending
            .last
            .get(&index)
            .map(|(state, found)| match found.strip_suffix(KEPT) {
                Some(_) => (*state, found.clone()),
                None => (*state, format!("{found}{KEPT}")),
            })
            .into_iter()
            .collect(),
    }
}

const KEPT: &str = " (kept: no value in this run)";

/// The plugin's own ranges, for `evaluate_perfdata`.
fn judge_own(metric: &Metric) -> Option<(State, String)> {
    let value = metric.value?.to_f64();
    let outside = |bounds: &Option<Bounds>| bounds.filter(|bounds| alerts(bounds, value));
    let (state, bounds) = outside(&metric.crit)
        .map(|bounds| (State::Critical, bounds))
        .or_else(|| outside(&metric.warn).map(|bounds| (State::Warning, bounds)))?;
    let shown = human::quantity(value, &metric.unit, Prefixes::Si);
    let range = Range::new(bounds.start, bounds.end, bounds.inside)?;
    let unit = human::unit_suffix(&metric.unit);
    Some((state, format!("{} is {shown}, the plugin's own limit is {range}{unit}", metric.label)))
}

fn crosses(range: Option<&UnitRange>, value: f64) -> bool {
    range.is_some_and(|range| alerts(&range.bounds, value))
}

fn alerts(bounds: &Bounds, value: f64) -> bool {
    Range::new(bounds.start, bounds.end, bounds.inside).is_some_and(|range| range.alerts(value))
}

fn start_or_stop(since_us: &mut Option<i64>, beyond: bool, now_us: i64) {
    *since_us = if beyond { Some(since_us.map_or(now_us, |since| since.min(now_us))) } else { None };
}

/// The ranges of a threshold for a metric in a run.
struct Ranges<'t> {
    warning: Option<Cow<'t, UnitRange>>,
    critical: Option<Cow<'t, UnitRange>>,
}

impl<'t> Ranges<'t> {
    /// Those that are configured, and what is tolerated beyond what is normal.
    fn of(threshold: &'t Threshold, metric: &Metric, days: Option<&NormalDays>, time_ms: i64) -> Ranges<'t> {
        let followed = |state| {
            let normal = follows(threshold, state)?;
            range_of(normal, threshold, metric, days?, time_ms).map(Cow::Owned)
        };
        Ranges {
            warning: threshold.warning.as_ref().map(Cow::Borrowed).or_else(|| followed(State::Warning)),
            critical: threshold.critical.as_ref().map(Cow::Borrowed).or_else(|| followed(State::Critical)),
        }
    }
}

fn unit_mismatch(threshold: &Threshold, ranges: &Ranges<'_>, metric: &Metric) -> Option<String> {
    if threshold.rate && metric.unit == COUNTER {
        return None;
    }
    if threshold.normal.is_some() && metric.unit == COUNTER {
        let name = series_name(metric);
        return Some(format!(
            "{name} is a counter: of how fast it grows something is normal, with `rate: true`"
        ));
    }
    let ranges = [&ranges.warning, &ranges.critical];
    let range = ranges.into_iter().flatten().find(|r| r.unit.as_ref().is_some_and(|u| *u != metric.unit))?;
    let own = if metric.unit.is_empty() { "no unit".to_owned() } else { format!("the unit {}", metric.unit) };
    Some(format!("{} has {own}, so it cannot be compared with {}", metric.label, range.written))
}

/// What a threshold says of a metric beyond a range. The text does not change while the value does not, and is true
/// whatever of the history is known: it gives the configured `for`, not the time since the crossing.
fn sentence(
    threshold: &Threshold,
    metric: &Metric,
    (state, value): (State, f64),
    range: &UnitRange,
) -> String {
    let shown = match threshold.rate {
        // What a counter counts is known from the range, if anywhere.
        true if metric.unit == COUNTER => {
            human::quantity(value, range.unit.as_deref().unwrap_or_default(), Prefixes::Si) + "/s"
        }
        true => human::quantity(value, &metric.unit, Prefixes::Si) + "/s",
        false => human::quantity(value, &metric.unit, Prefixes::Si),
    };
    let side = if range.bounds.inside { "inside" } else { "outside" };
    let duration = match threshold.pending_for {
        Duration::ZERO => String::new(),
        pending_for => format!(" for at least {}", human::duration_ms(micros(pending_for) as i64 / 1000)),
    };
    let name = series_name(metric);
    match follows(threshold, state) {
        None => format!("{name} is {shown}, {side} {}{duration}", shown_range(range, &metric.unit)),
        Some(normal) => {
            let written = &range.written;
            format!(
                "{name} is {shown}, outside {written}, which is normal now and {} more{duration}",
                normal.tolerance
            )
        }
    }
}

/// A range as it was written. Without a unit it means the metric's base unit, which is then said.
fn shown_range(range: &UnitRange, base_unit: &str) -> String {
    let written = range.written.trim_start_matches('@').trim_start();
    let unit = if range.unit.is_none() { human::unit_suffix(base_unit) } else { String::new() };
    format!("{written}{unit}")
}

/// A metric's label with its further labels, as in `ifInOctets{ifName="eth0"}`.
fn series_name(metric: &Metric) -> String {
    if metric.labels.is_empty() {
        return metric.label.clone();
    }
    let labels: Vec<String> = metric.labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    format!("{}{{{}}}", metric.label, labels.join(","))
}
