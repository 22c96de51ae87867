//! What is normal of the metrics whose thresholds follow that: read when the agent starts, when its configuration is read again, and
//! once a day, for the day that goes on and the next.
//!
//! The bands of a day go by what was before the day before it, so that what is read a little after midnight is there a day
//! before it counts, and a backtest comes to the same.

use std::collections::HashMap;
use std::sync::Arc;

use custos_query::{NormalDays, NormalHistory, ReadContext, day_and_hour};
use custos_store::{Reader, Snapshot};
use tokio::sync::oneshot;

use crate::config::{Check, Config};
use crate::evaluate::normal_metrics;
use crate::limits::NORMAL_SETTLED_MS;

/// What is normal, by checks.
pub(super) type Normal = HashMap<String, Arc<NormalDays>>;

/// The day for which it is known what is normal, and the reading under way.
#[derive(Debug, Default)]
pub(super) struct NormalReading {
    day: Option<i64>,
    pub(super) under_way: Option<oneshot::Receiver<Normal>>,
}

impl NormalReading {
    /// It was read just now.
    pub(super) fn read_at(&mut self, now_ms: i64) {
        self.day = Some(settled_day(now_ms));
    }

    /// Begins to read on a thread if the day is another than it was.
    pub(super) fn look(&mut self, config: &Arc<Config>, now_ms: i64) {
        if self.day == Some(settled_day(now_ms)) || self.under_way.is_some() {
            return;
        }
        self.read_at(now_ms);
        let (send, receive) = oneshot::channel();
        let config = Arc::clone(config);
        let work = move || {
            // The event loop may have ended.
            let _ = send.send(read_all(&config, now_ms));
        };
        match std::thread::Builder::new().name("custos-normal".to_owned()).spawn(work) {
            Ok(_) => self.under_way = Some(receive),
            Err(error) => tracing::error!("failed to start a thread: {error}"),
        }
    }
}

/// The day that is said to go on: what was measured before it is written.
fn settled_day(now_ms: i64) -> i64 {
    day_and_hour(now_ms.saturating_sub(NORMAL_SETTLED_MS)).0
}

/// What is normal at a time, of all checks whose thresholds follow that. What cannot be read is in the log.
pub(super) fn read_all(config: &Config, now_ms: i64) -> Normal {
    let follows = |check: &Check| check.thresholds.iter().any(|threshold| threshold.normal.is_some());
    let following: Vec<&Arc<Check>> = config.checks.values().filter(|check| follows(check)).collect();
    if following.is_empty() {
        return Normal::new();
    }
    match Reader::open(&config.store) {
        Ok(reader) => following
            .into_iter()
            .filter_map(|check| Some((check.name.clone(), Arc::new(normal_now(&reader, check, now_ms)?))))
            .collect(),
        Err(error) => {
            tracing::error!("it is not known what is normal: {error}");
            Normal::new()
        }
    }
}

/// What is normal for a check on the day of a time and the next; none if none of its thresholds follows that.
pub fn normal_now(store: &Snapshot, check: &Check, now_ms: i64) -> Option<NormalDays> {
    if check.thresholds.iter().all(|threshold| threshold.normal.is_none()) {
        return None;
    }
    let stored = store.check(&check.name).ok().flatten()?;
    let (metrics, left_out) = normal_metrics(check, &stored.series);
    if left_out > 0 {
        tracing::warn!(check = check.name, "{left_out} metrics are too many to say what is normal");
    }
    let day = settled_day(now_ms);
    let mut on_damage = |error: &custos_store::Error| tracing::warn!("what is normal lacks a part: {error}");
    let mut context = ReadContext::new(&mut on_damage);
    // Nobody cancels it.
    let history = NormalHistory::read(store, &check.name, metrics, day, &mut context).ok()?;
    Some(history.days(day..day.saturating_add(2)))
}
