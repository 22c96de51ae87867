//! Reading back from the store where checks stood.

use custos_store::{Reader, Result};

use crate::agent::History;
use crate::definition::{Check, Command, Config};
use crate::evaluate::is_judged;
use crate::limits::HISTORY_MAX_RUNS;
use crate::snmp::traps::Keys;

/// The history of every check in the store, as far as it matters for going on.
pub(super) fn read_all(reader: &Reader, config: &Config) -> Vec<History> {
    let mut histories = Vec::new();
    for known in reader.checks() {
        let check = config.checks.get(&known.name).map(|check| &**check);
        match read_history(reader, &known.name, check) {
            Ok(history) => histories.push(history),
            Err(error) => tracing::error!("the history of {} cannot be read: {error}", known.name),
        }
    }
    histories
}

/// The last runs of a check, oldest first: back to the last judged one, and further if a threshold looks back or keys are
/// to be known.
pub fn read_history(reader: &Reader, name: &str, check: Option<&Check>) -> Result<History> {
    let hold_ms = check
        .map(|check| check.thresholds.iter().map(|t| t.hold.as_millis() as i64).max().unwrap_or(0))
        .unwrap_or(0);
    let keyed = check.is_some_and(|check| match &check.command {
        Command::Trap(rule) => !rule.key.is_empty(),
        _ => false,
    });
    let keeps = check.is_some_and(|check| !check.thresholds.is_empty());
    let mut runs = Vec::new();
    let mut newest_ms = None;
    let mut judged = false;
    let mut known = false;
    for run in reader.runs_rev(name, i64::MIN..i64::MAX).take(HISTORY_MAX_RUNS) {
        let run = run?;
        let newest_ms = *newest_ms.get_or_insert(run.time_ms);
        // One run beyond `for`, so that a clock that is full is seen to be.
        let beyond = newest_ms.saturating_sub(run.time_ms) > hold_ms;
        let now_judged = is_judged(run.reason);
        let keys_known = !keyed || Keys::is_complete(&run);
        runs.push(run);
        judged |= now_judged;
        known |= keys_known;
        if judged && known && now_judged && (beyond || !keeps || hold_ms == 0) {
            break;
        }
    }
    runs.reverse();
    Ok(History { check: name.to_owned(), runs })
}
