//! Thresholds that follow what is normal: which metrics they need the past of, and which range they are in a run.

use custos_query::{Band, Bucketed, COUNTER, NormalDays};
use custos_store::{Bounds, Metric, SeriesInfo, SeriesKey, State};

use crate::config::{Check, OutsideNormal, Threshold, Tolerance, UnitRange};
use crate::limits::NORMAL_METRICS_MAX;
use crate::text::human::{Prefixes, quantity};

/// Which of its stored metrics a check needs the past of, as its thresholds judge them: at most [`NORMAL_METRICS_MAX`], the first by
/// name. The second is how many are left out.
pub fn normal_metrics(check: &Check, stored: &[SeriesInfo]) -> (Vec<Bucketed>, usize) {
    let following = || check.thresholds.iter().filter(|threshold| threshold.normal.is_some());
    let mut metrics: Vec<Bucketed> = following()
        .flat_map(|threshold| {
            let of = stored.iter().filter(|info| threshold.is_for(&info.key.label));
            of.map(|info| Bucketed { key: info.key.clone(), is_counter: threshold.rate })
        })
        .collect();
    metrics.sort();
    metrics.dedup();
    let left_out = metrics.len().saturating_sub(NORMAL_METRICS_MAX);
    metrics.truncate(NORMAL_METRICS_MAX);
    (metrics, left_out)
}

/// What is tolerated of a metric in a run at a time (ms since the epoch); none where it is not known what is normal.
pub(super) fn range_of(
    normal: &OutsideNormal,
    threshold: &Threshold,
    metric: &Metric,
    days: &NormalDays,
    time_ms: i64,
) -> Option<UnitRange> {
    let key = SeriesKey { label: metric.label.clone(), labels: metric.labels.clone() };
    let band: Band = days.at(&Bucketed { key, is_counter: threshold.rate }, time_ms)?;
    let (tolerated, unit) = match &normal.tolerance {
        Tolerance::Bands(times) => ((band.high - band.low) * times, None),
        Tolerance::By { amount, unit, .. } => (*amount, unit.clone()),
    };
    let bounds = Bounds { start: band.low - tolerated, end: band.high + tolerated, inside: false };
    let shown = |bound: f64| match metric.unit.as_str() {
        COUNTER => quantity(bound, "", Prefixes::Si),
        unit => quantity(bound, unit, Prefixes::Si),
    };
    let written = format!("{} to {}", shown(bounds.start), shown(bounds.end));
    Some(UnitRange { bounds, unit, written })
}

/// The state of a check outside of what is normal, if its threshold follows that, and this state.
pub(super) fn follows(threshold: &Threshold, state: State) -> Option<&OutsideNormal> {
    threshold.normal.as_ref().filter(|normal| normal.state == state)
}
