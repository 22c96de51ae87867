//! What a series normally is at each hour of the week.

use custos_memory::{Band, Buckets, Hourly, Hours, normal};
use custos_store::Snapshot;

use crate::bucketed::{Bucketed, fill_buckets};
use crate::context::ReadContext;
use crate::error::Result;
use crate::limits::{NORMAL_BUCKET_MS, NORMAL_BUCKETS_MAX, NORMAL_HISTORY_BUCKETS_MAX};

/// What is asked.
#[derive(Clone, Copy)]
pub struct NormalRequest<'a> {
    /// The check.
    pub check: &'a str,
    /// The series.
    pub series: &'a Bucketed,
    /// History ends here (ms since the epoch).
    pub until_ms: i64,
    /// The day, counted so that weeks begin with multiples of seven, and the hour of a time (ms since the epoch), where people are.
    pub hour_of: &'a dyn Fn(i64) -> (i64, usize),
}

/// The bands of a series.
#[derive(Clone, Debug, PartialEq)]
pub struct Normal {
    /// Of each hour of the week; none where too little is known.
    pub bands: Vec<Option<Band>>,
    /// The newest value that there is, and when its five minutes began (ms since the epoch).
    pub newest: Option<(i64, f64)>,
}

impl NormalRequest<'_> {
    /// Reads all of history, at most two years of it.
    ///
    /// # Errors
    /// [`crate::Error::Cancelled`]. What is damaged is reported to the context.
    pub fn read(&self, store: &Snapshot, context: &mut ReadContext<'_>) -> Result<Normal> {
        let means = self.means(store, NORMAL_BUCKETS_MAX, context)?;
        let values: Vec<Hourly> =
            means.iter().map(|(time_ms, value)| self.hourly(*time_ms, *value)).collect();
        Ok(Normal { bands: normal(&values), newest: means.last().copied() })
    }

    /// Reads history for the bands of single days, see [`Hours::day`]: at most ten years of it, of which two count for each.
    ///
    /// # Errors
    /// [`crate::Error::Cancelled`]. What is damaged is reported to the context.
    pub fn hours(&self, store: &Snapshot, context: &mut ReadContext<'_>) -> Result<Hours> {
        let mut hours = Hours::default();
        for (time_ms, value) in self.means(store, NORMAL_HISTORY_BUCKETS_MAX, context)? {
            hours.add(self.hourly(time_ms, value));
        }
        Ok(hours)
    }

    fn hourly(&self, time_ms: i64, value: f64) -> Hourly {
        let (day, hour) = (self.hour_of)(time_ms);
        Hourly { day, hour, value }
    }

    /// The mean of each bucket that has one, at most so many, with when it begins (ms since the epoch).
    fn means(&self, store: &Snapshot, most: usize, context: &mut ReadContext<'_>) -> Result<Vec<(i64, f64)>> {
        context.look()?;
        let known = store.checks().into_iter().find(|check| check.name == self.check);
        let Some(known) = known else { return Ok(Vec::new()) };
        let end_ms = self.until_ms.min(known.last_ms.saturating_add(1));
        let end_ms = end_ms.div_euclid(NORMAL_BUCKET_MS).saturating_add(1).saturating_mul(NORMAL_BUCKET_MS);
        let wanted = end_ms.saturating_sub(known.first_ms).max(0) / NORMAL_BUCKET_MS + 1;
        let count = usize::try_from(wanted).unwrap_or(usize::MAX).min(most);
        let start_ms = end_ms.saturating_sub(count as i64 * NORMAL_BUCKET_MS);
        let mut buckets = [Buckets::new(start_ms, NORMAL_BUCKET_MS, count)];
        let mut on_damage = |error| context.damage(&error);
        let series = std::slice::from_ref(self.series);
        fill_buckets(store, self.check, series, self.until_ms, &mut buckets, &mut on_damage);
        context.look()?;
        let time_ms = |at: usize| start_ms.saturating_add(at as i64 * NORMAL_BUCKET_MS);
        Ok((0..count).filter_map(|at| Some((time_ms(at), buckets[0].mean(at)?))).collect())
    }
}
