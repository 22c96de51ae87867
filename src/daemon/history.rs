//! Reading back from the store where checks stood.

use custos_query::latest_runs;
use custos_store::{Reader, Result, State};

use crate::agent::History;
use crate::config::{Check, Config, OnMissing, Threshold};
use crate::evaluate::{is_judged, judges};
use crate::limits::HISTORY_MAX_RUNS;

/// What the store says about where checks stood.
#[derive(Debug, Default)]
pub(super) struct Stored {
    /// The history of each check, as far as it matters for going on.
    pub(super) histories: Vec<History>,
    /// The latest time of a run, in ms since the epoch.
    pub(super) latest_ms: Option<i64>,
}

/// What the store says of all checks.
pub(super) fn read_all(config: &Config) -> Stored {
    read_some(config, |_| true)
}

/// What the store says of those checks that are wanted. What cannot be read is in the log: checks then start anew.
pub(super) fn read_some(config: &Config, wanted: impl Fn(&str) -> bool) -> Stored {
    let reader = match Reader::open(&config.store) {
        Ok(reader) => reader,
        Err(error) => {
            tracing::error!("history cannot be read, so checks start anew: {error}");
            return Stored::default();
        }
    };
    let mut stored = Stored::default();
    for known in reader.checks().into_iter().filter(|known| wanted(&known.name)) {
        stored.latest_ms = stored.latest_ms.max(Some(known.last_ms));
        let check = config.checks.get(&known.name).map(|check| &**check);
        match read_history(&reader, &known.name, check) {
            Ok(history) => stored.histories.push(history),
            Err(error) => tracing::error!(check = known.name, "the history cannot be read: {error}"),
        }
    }
    stored
}

/// The last runs of a check in the order of arrival, the oldest first: back to the last judged one, and further if a
/// threshold looks back, or keeps its state while it has nothing to judge.
pub fn read_history(reader: &Reader, name: &str, check: Option<&Check>) -> Result<History> {
    let thresholds = check.map(|check| &check.thresholds[..]).unwrap_or_default();
    let hold_ms = thresholds.iter().map(|t| t.pending_for.as_millis() as i64).max().unwrap_or(0);
    let mut runs = Vec::new();
    // Thresholds that may be keeping a state of a run further back.
    let mut keeping: Vec<&Threshold> =
        thresholds.iter().filter(|threshold| threshold.on_missing == OnMissing::Keep).collect();
    // The run from which `for` counts back: the newest, or the newest that every keeping threshold can judge.
    let mut newest_ms = None;
    for run in latest_runs(reader, name).take(HISTORY_MAX_RUNS) {
        let run = run?;
        if newest_ms.is_none() || !keeping.is_empty() {
            newest_ms = Some(run.time_ms);
        }
        let now_judged = is_judged(run.reason);
        if now_judged {
            // A threshold keeps only problems, and after an OK run there are none.
            keeping.retain(|threshold| run.state != State::Ok && !judges(threshold, &run.metrics));
        }
        // One run beyond `for`, so that a clock that is full is seen to be.
        let beyond =
            hold_ms == 0 || newest_ms.is_some_and(|newest| newest.saturating_sub(run.time_ms) > hold_ms);
        runs.push(run);
        if now_judged && keeping.is_empty() && beyond {
            break;
        }
    }
    runs.reverse();
    Ok(History { check: name.to_owned(), runs })
}
