//! When a series will reach a limit.

use custos_memory::limits::FORECAST_HISTORY_DAYS;
use custos_memory::{Buckets, Silent, forecast};
use custos_store::Snapshot;

use crate::bucketed::{Bucketed, fill_buckets};
use crate::context::ReadContext;
use crate::error::Result;

const HOUR_MS: i64 = 3_600_000;

/// What is asked.
#[derive(Clone, Debug)]
pub struct ForecastRequest<'a> {
    /// The check.
    pub check: &'a str,
    /// The series.
    pub series: &'a Bucketed,
    /// The limit: reached from below if the value is below it now, else from above.
    pub limit: f64,
    /// History ends here (ms since the epoch).
    pub at_ms: i64,
}

/// When it will be there. Times are in ms since the epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecasted {
    /// When the newest hour with a value ends: what follows is counted from there.
    pub now_ms: i64,
    /// The mean of that hour.
    pub value: f64,
    /// When, as likely before as after; none if not within the time that a forecast looks ahead.
    pub median_ms: Option<i64>,
    /// When at the earliest: it is earlier in one case in ten.
    pub low_ms: Option<i64>,
    /// When at the latest: it is later in one case in ten.
    pub high_ms: Option<i64>,
    /// How likely within 7 days, and within 30.
    pub probability: [f64; 2],
    /// Since when the rate holds by which this goes.
    pub since_ms: i64,
    /// The change a day since then.
    pub per_day: f64,
    /// Of so many forecasts that would have been made before so many held.
    pub held: (usize, usize),
}

impl ForecastRequest<'_> {
    /// Reads history and looks ahead. `Err` within is why nothing can be said.
    ///
    /// # Errors
    /// [`crate::Error::Cancelled`]. What is damaged is reported to the context.
    pub fn read(
        &self,
        store: &Snapshot,
        context: &mut ReadContext<'_>,
    ) -> Result<std::result::Result<Forecasted, Silent>> {
        context.look()?;
        let hours = FORECAST_HISTORY_DAYS * 24;
        let start_ms = self.at_ms.saturating_sub(hours as i64 * HOUR_MS);
        let mut buckets = [Buckets::new(start_ms, HOUR_MS, hours)];
        let series = std::slice::from_ref(self.series);
        let mut on_damage = |error| context.damage(&error);
        fill_buckets(store, self.check, series, self.at_ms, &mut buckets, &mut on_damage);
        context.look()?;
        let means: Vec<Option<f64>> = (0..hours).map(|hour| buckets[0].mean(hour)).collect();
        let Some(newest) = means.iter().rposition(Option::is_some) else { return Ok(Err(Silent::Short)) };
        let found = match forecast(&means[..=newest], self.limit) {
            Ok(found) => found,
            Err(silent) => return Ok(Err(silent)),
        };
        let now_ms = start_ms.saturating_add((newest as i64 + 1) * HOUR_MS);
        let after =
            |hours: Option<f64>| hours.map(|hours| now_ms.saturating_add((hours * HOUR_MS as f64) as i64));
        Ok(Ok(Forecasted {
            now_ms,
            value: means[newest].unwrap_or(f64::NAN),
            median_ms: after(found.median_h),
            low_ms: after(found.low_h),
            high_ms: after(found.high_h),
            probability: [found.probability(7 * 24), found.probability(30 * 24)],
            since_ms: now_ms.saturating_sub(found.since_h as i64 * HOUR_MS),
            per_day: found.per_day,
            held: found.held,
        }))
    }
}
