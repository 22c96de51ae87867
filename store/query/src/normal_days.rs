//! What is normal for metrics of a check, for some days.
//!
//! The bands of a day go by what was before the day before it, see [`Hours::day`]. Days and hours are those of UTC, as in PromQL.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use custos_memory::{Band, DAY_HOURS, Hours};
use custos_store::Snapshot;

use crate::bucketed::Bucketed;
use crate::context::ReadContext;
use crate::error::Result;
use crate::normal::NormalRequest;

const HOUR_MS: i64 = 3_600_000;

/// The bands of metrics of a check, on the days that they were worked out for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NormalDays {
    of: HashMap<Bucketed, BTreeMap<i64, Vec<Option<Band>>>>,
}

/// The history of metrics of a check, from which their bands are worked out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NormalHistory {
    of: Vec<(Bucketed, Hours)>,
}

impl NormalDays {
    /// Where a metric normally is at a time (ms since the epoch); none where too little is known, or the day is not among these.
    pub fn at(&self, metric: &Bucketed, time_ms: i64) -> Option<Band> {
        let (day, hour) = day_and_hour(time_ms);
        *self.of.get(metric)?.get(&day)?.get(hour)?
    }
}

impl NormalHistory {
    /// Reads the history of metrics of a check, up to the beginning of a day.
    ///
    /// # Errors
    /// [`crate::Error::Cancelled`]. What is damaged is reported to the context.
    pub fn read(
        store: &Snapshot,
        check: &str,
        metrics: Vec<Bucketed>,
        until_day: i64,
        context: &mut ReadContext<'_>,
    ) -> Result<NormalHistory> {
        let until_ms = until_day.saturating_mul(DAY_HOURS as i64).saturating_mul(HOUR_MS);
        let mut of = Vec::with_capacity(metrics.len());
        for metric in metrics {
            let request = NormalRequest { check, series: &metric, until_ms, hour_of: &day_and_hour };
            let hours = request.hours(store, context)?;
            of.push((metric, hours));
        }
        Ok(NormalHistory { of })
    }

    /// The bands on these days.
    pub fn days(&self, days: Range<i64>) -> NormalDays {
        let of_metric = |(metric, hours): &(Bucketed, Hours)| {
            (metric.clone(), days.clone().map(|day| (day, hours.day(day))).collect())
        };
        NormalDays { of: self.of.iter().map(of_metric).collect() }
    }
}

/// The day and the hour of a time (ms since the epoch), in UTC.
pub fn day_and_hour(time_ms: i64) -> (i64, usize) {
    let hours = time_ms.div_euclid(HOUR_MS);
    (hours.div_euclid(DAY_HOURS as i64), hours.rem_euclid(DAY_HOURS as i64) as usize)
}
