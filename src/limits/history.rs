//! Bounds of what looks through history for somebody who asks.

use std::time::Duration;

/// Changes of state that are looked through for what came of a stretch of history.
pub const SIMILAR_EVENTS_MAX: usize = 200;
/// Runs that are looked through for the state of a check before a stretch of history.
pub const SIMILAR_RUNS_BACK_MAX: usize = 1000;
/// Changes, other checks and incidents that are named for one stretch of history.
pub const SIMILAR_NAMED_MAX: usize = 3;
/// Runs that are looked through for one that has a metric whose limit is wanted.
pub const FORECAST_RUNS_MAX: usize = 100;
/// A forecast says of when the newest value is if that is older than this (ms).
pub const FORECAST_STALE_MS: i64 = 2 * 3_600_000;
/// How long before a problem began what is asked for it begins (ms).
pub const WHY_LEAD_MS: i64 = 15 * 60_000;
/// How much of a problem is looked at (ms), with what is before it.
pub const WHY_WINDOW_MS_MAX: i64 = 6 * 3_600_000;
/// What is looked at where there is no problem (ms).
pub const WHY_WINDOW_MS: i64 = 3_600_000;
/// Runs that are looked through for when a problem began.
pub const WHY_RUNS_BACK_MAX: usize = 100_000;
/// Changes of state that are looked through for what happened beside a problem.
pub const WHY_EVENTS_MAX: usize = 1000;
/// From so many changes of one check on, `custos why` has them in one line.
pub const WHY_FLAPS_MIN: usize = 4;
const _: () = assert!(WHY_FLAPS_MIN > 1);
/// Changes of state that are shown beside a problem; more are counted.
pub const WHY_TURNS_SHOWN: usize = 10;
/// Metrics that `custos top` shows of what was unlike its past.
pub const WHY_SHOWN_IN_TOP: usize = 10;
/// Notes that people wrote into the history of one store.
pub const TIMELINE_NOTES_MAX: usize = 4000;
/// Bytes of the text of a note that somebody writes into the history.
pub const TIMELINE_NOTE_TEXT_MAX_BYTES: usize = 400;
/// Notes whose text stands beneath a graph; more are counted.
pub const GRAPH_NOTES_SHOWN: usize = 5;
/// How long before a problem what people wrote of whatever counts as written of it (ms).
pub const WHY_WRITTEN_LEAD_MS: i64 = 3_600_000;
/// Earlier notes, incidents and acknowledgements of a check that are shown beside its problem.
pub const WHY_WRITTEN_SHOWN: usize = 3;
/// Changes that began within this of one another are one group (ms).
pub const CHANGES_APART_MS_MAX: i64 = 30 * 60_000;
/// Changes of state that are looked through for what changed.
pub const CHANGES_EVENTS_MAX: usize = 5000;
/// Metrics that are shown of one group; more are counted.
pub const CHANGES_SERIES_SHOWN: usize = 8;
/// Changes of state that are shown of one group; more are counted.
pub const CHANGES_TURNS_SHOWN: usize = 5;
/// Changes of state in a report, the newest.
pub const REPORT_EVENTS_MAX: usize = 5000;
/// Messages to people in a report; it says if there were more.
pub const REPORT_TOLD_MAX: usize = 5000;
/// Runs that are looked through for the state of a check when the time of a report began.
pub const REPORT_RUNS_BACK_MAX: usize = 1000;
/// Graphs in a report; other checks are named.
pub const REPORT_GRAPHS_MAX: usize = 12;
/// Series in a graph of a report.
pub const REPORT_GRAPH_SERIES_MAX: usize = 3;
/// Parts of the time of a report, and of what is before, in which it is looked for whether a check ran.
pub const REPORT_CELLS: usize = 4000;
/// How long before the time of a report that begins (ms): a run lasts until the next.
pub const REPORT_LEAD_MS: i64 = 86_400_000;
/// Texts that are new that are shown beside a problem; more are counted.
pub const WHY_TEXTS_SHOWN: usize = 5;
/// Metrics of a check of which it is kept what is normal, for thresholds that follow that.
pub const NORMAL_METRICS_MAX: usize = 256;
/// How long after midnight what was measured before it counts as written (ms).
pub const NORMAL_SETTLED_MS: i64 = 600_000;
/// How long it is searched for when it was like this before, beside what else is said of a problem.
pub const WHY_LIKE_MAX: Duration = Duration::from_secs(2);
/// Problems of a report of which it is searched for when it was like that before.
pub const REPORT_LIKE_MAX: usize = 5;
/// Metrics in a report of capacity; more are counted.
pub const REPORT_CAPACITY_MAX: usize = 500;
/// Weeks in a report of capacity, the newest.
pub const REPORT_WEEKS_MAX: usize = 53;
