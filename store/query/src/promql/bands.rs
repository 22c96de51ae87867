//! What is normal for series, by hours of UTC, as PromQL tells time.
//!
//! The bands of a day go by what was before the day before it, see [`NormalHistory`]: they are worked out once a day and series, and are the
//! same live and over the past.

use std::collections::{BTreeMap, HashMap};

use custos_memory::Band;
use custos_promql::NormalRange;
use custos_store::{Error, Snapshot};

use crate::bucketed::Bucketed;
use crate::context::ReadContext;
use crate::limits::{NORMAL_DAYS_KEPT, NORMAL_SERIES_KEPT};
use crate::normal_days::{NormalDays, NormalHistory, day_and_hour};

/// The bands of series, worked out when they are asked for, and kept within bounds.
#[derive(Default)]
pub(super) struct Bands {
    /// Whether history is kept, for questions about many days of a store that does not change.
    keeps_history: bool,
    series: HashMap<(String, Bucketed), OfSeries>,
}

#[derive(Default)]
struct OfSeries {
    history: Option<NormalHistory>,
    days: BTreeMap<i64, NormalDays>,
}

impl Bands {
    /// Bands of a store that does not change: its history is read once.
    pub(super) fn keeping_history() -> Bands {
        Bands { keeps_history: true, ..Bands::default() }
    }

    /// Where a metric of a check normally is at these moments (ms since the epoch). `look` gives the store to read.
    pub(super) fn at(
        &mut self,
        (check, metric): (&str, &Bucketed),
        moments: &[i64],
        look: impl Fn() -> Option<Snapshot>,
        on_damage: &mut dyn FnMut(&Error),
    ) -> Vec<Option<NormalRange>> {
        let of = (check.to_owned(), metric.clone());
        if self.series.len() >= NORMAL_SERIES_KEPT && !self.series.contains_key(&of) {
            self.series.clear();
        }
        let series = self.series.entry(of).or_default();
        let mut range_at = |moment: i64| {
            let (day, _) = day_and_hour(moment);
            if !series.days.contains_key(&day) {
                let until_day = if self.keeps_history { i64::MAX } else { day };
                let mut read = || {
                    let mut context = ReadContext::new(on_damage);
                    let store = look()?;
                    // Nobody cancels it.
                    NormalHistory::read(&store, check, vec![metric.clone()], until_day, &mut context).ok()
                };
                let of_day = match self.keeps_history {
                    true => {
                        series.history.get_or_insert_with(|| read().unwrap_or_default()).days(day..day + 1)
                    }
                    false => read().unwrap_or_default().days(day..day + 1),
                };
                series.days.insert(day, of_day);
                if series.days.len() > NORMAL_DAYS_KEPT {
                    series.days.pop_first();
                }
            }
            let band: Band = series.days.get(&day)?.at(metric, moment)?;
            Some(NormalRange { low: band.low, middle: band.middle, high: band.high })
        };
        moments.iter().map(|moment| range_at(*moment)).collect()
    }
}
