//! How often a check runs, by its runs.

use custos_store::Snapshot;

use crate::intervals::Intervals;
use crate::limits::INTERVAL_RUNS;

/// How much longer than its usual distance the newest run of a check counts: runs are late now and then.
pub(super) const SLACK: f64 = 1.25;

/// How long the newest value of a check counts (ms), by the distances of its newest runs; none with fewer than two.
pub(super) fn lookback_ms(snapshot: &Snapshot, check: &str) -> Option<i64> {
    let arrived = snapshot.arrived_rev(check).filter_map(Result::ok).take(INTERVAL_RUNS);
    let mut times: Vec<i64> = arrived.map(|arrived| arrived.run.time_ms).collect();
    times.sort_unstable();
    let mut intervals = Intervals::default();
    times.into_iter().for_each(|time_ms| intervals.add(time_ms));
    intervals.usual_ms().map(|usual_ms| (usual_ms as f64 * SLACK) as i64)
}
