//! What was normal on each day, for thresholds that follow that.

use std::sync::Arc;

use custos_query::{NormalHistory, ReadContext, Result, day_and_hour};
use custos_store::Snapshot;

use crate::config::Check;
use crate::evaluate::{Pending, normal_metrics};

/// What was normal, from which each day is worked out when a run of it comes.
#[derive(Debug, Default)]
pub struct NormalPast {
    history: Option<NormalHistory>,
    /// The day that is judged.
    day: Option<i64>,
}

impl NormalPast {
    /// Reads what a check needs, which is nothing if none of its thresholds follows what is normal.
    ///
    /// # Errors
    /// Whoever asked waits no longer. What is damaged is reported to the context.
    pub fn read(store: &Snapshot, check: &Check, context: &mut ReadContext<'_>) -> Result<NormalPast> {
        let stored = match check.thresholds.iter().any(|threshold| threshold.normal.is_some()) {
            true => store.check(&check.name)?,
            false => None,
        };
        let Some(stored) = stored else { return Ok(NormalPast::default()) };
        let (metrics, _) = normal_metrics(check, &stored.series);
        let history = NormalHistory::read(store, &check.name, metrics, i64::MAX, context)?;
        Ok(NormalPast { history: Some(history), day: None })
    }

    /// Has what was normal on the day of a time (ms since the epoch) judged by.
    pub(super) fn set(&mut self, time_ms: i64, pending: &mut Pending) {
        let Some(history) = &self.history else { return };
        let (day, _) = day_and_hour(time_ms);
        if self.day.replace(day) != Some(day) {
            pending.set_normal(Some(Arc::new(history.days(day..day.saturating_add(1)))));
        }
    }
}
