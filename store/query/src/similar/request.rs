//! Reading what is alike.

use std::ops::Range;

use custos_memory::limits::POINTS_MAX;
use custos_memory::{Buckets, Form, Pattern, Ranking, Unfit};
use custos_store::{Slots, Snapshot};

use super::grid::Grid;
use super::plan::{jobs, spread_of};
use super::series::SimilarSeries;
use super::work::Work;
use crate::bucketed::fill_buckets;
use crate::context::ReadContext;
use crate::error::{Error, Result};
use crate::limits::{SIMILAR_SERIES_MAX, SIMILAR_SPAN_BUCKETS_MAX};

/// What is to be searched for.
#[derive(Clone, Debug)]
pub struct SimilarRequest<'a> {
    /// The series that it is from.
    pub of: &'a SimilarSeries,
    /// Its time (ms since the epoch, end excluded).
    pub span: Range<i64>,
    /// The series that are searched, those of one check behind each other.
    pub among: &'a [SimilarSeries],
    /// History ends here (ms since the epoch).
    pub until_ms: i64,
    /// What makes stretches alike.
    pub form: Form,
    /// The nearest are ranked as if time could be bent a little.
    pub warp: bool,
    /// Every sample counts by itself.
    pub full_resolution: bool,
}

/// What is alike.
#[derive(Clone, Debug, PartialEq)]
pub struct Similar {
    /// The nearest stretches, the best first.
    pub matches: Vec<SimilarMatch>,
    /// Samples of what was searched for, and those that were searched.
    pub samples: [u64; 2],
    /// Separate stretches that were compared.
    pub stretches: u64,
    /// Of how many stretches too much is missing.
    pub left_out: u64,
    /// The distance of the stretch in the middle.
    pub typical: Option<f64>,
    /// The length of what was compared as one point (ms).
    pub point_ms: i64,
}

/// A stretch that is like what was searched for.
#[derive(Clone, Debug, PartialEq)]
pub struct SimilarMatch {
    /// Index of its series among those that were searched.
    pub series: usize,
    /// Its time (ms since the epoch, end excluded).
    pub span: Range<i64>,
    /// How far it is: what it is ranked by.
    pub distance: f64,
    /// How alike the shapes are, up to 1.
    pub correlation: f64,
    /// The share of the other stretches that are less alike, from 0 to 1.
    pub shape: f64,
    /// How high it is against what was searched for.
    pub height: f64,
    /// By how much its mean is above that of what was searched for.
    pub level: f64,
    /// How long it is against what was searched for.
    pub length: f64,
    /// Whether it is clearly nearer than the rest.
    pub is_clear: bool,
}

impl SimilarRequest<'_> {
    /// Searches history.
    ///
    /// # Errors
    /// [`Error::Unfit`] if the stretch has no shape, [`Error::TooLarge`], [`Error::Cancelled`]. What is damaged is reported to the
    /// context.
    pub fn read(&self, store: &Snapshot, context: &mut ReadContext<'_>) -> Result<Similar> {
        if self.among.len() > SIMILAR_SERIES_MAX {
            return Err(Error::TooLarge {
                what: "series",
                asked: self.among.len(),
                limit: SIMILAR_SERIES_MAX,
            });
        }
        let length_ms = self.span.end.saturating_sub(self.span.start);
        let step_ms = self.step_ms(store, context)?.ok_or(Error::Unfit(Unfit::Short))?;
        let slots = usize::try_from(length_ms / step_ms).unwrap_or(usize::MAX);
        if slots > SIMILAR_SPAN_BUCKETS_MAX {
            return Err(Error::TooLarge { what: "samples", asked: slots, limit: SIMILAR_SPAN_BUCKETS_MAX });
        }
        let each = if self.full_resolution { 1 } else { slots.div_ceil(POINTS_MAX).max(1) };
        let grid = Grid { origin_ms: self.span.start, width_ms: step_ms * each as i64 };
        let points = ((length_ms as f64 / grid.width_ms as f64).round() as usize).max(1);
        let mut buckets = [Buckets::new(self.span.start, grid.width_ms, points)];
        let series = std::slice::from_ref(&self.of.series);
        let mut on_damage = |error| context.damage(&error);
        // A counter has a change where it has a value before.
        let until_ms = self.span.end.max(grid.time_ms(points as i64));
        let asked = fill_buckets(store, &self.of.check, series, until_ms, &mut buckets, &mut on_damage);
        let history = i64::MIN..self.until_ms;
        let history = store.check(&self.of.check)?.map_or(history.clone(), |known| {
            known.check.first_ms..known.check.last_ms.saturating_add(1).min(self.until_ms)
        });
        let spread = spread_of(store, &self.of.check, &self.of.series, history, &grid, context);
        let pattern = Pattern::new(&buckets[0], spread, self.form)?;
        let jobs = jobs(store, self.among, self.until_ms, &grid, context)?;
        let asked_buckets = 0..points as i64;
        let work =
            Work { store, pattern: &pattern, grid, asked: asked_buckets, until_ms: self.until_ms, jobs };
        let (found, searched) = work.run(context)?;
        let ranking = Ranking::new(found, &pattern, self.warp);
        let matches = ranking.ranked.into_iter().map(|ranked| {
            let (series, block) = ranked.known;
            let first = block.saturating_add(ranked.start as i64);
            SimilarMatch {
                series,
                span: grid.time_ms(first)..grid.time_ms(first.saturating_add(ranked.len as i64)),
                distance: ranked.distance,
                correlation: ranked.correlation,
                shape: ranked.shape,
                height: ranked.height,
                level: ranked.level,
                length: ranked.length,
                is_clear: ranked.is_clear,
            }
        });
        Ok(Similar {
            matches: matches.collect(),
            samples: [asked, searched],
            stretches: ranking.stretches,
            left_out: ranking.left_out,
            typical: ranking.typical,
            point_ms: grid.width_ms,
        })
    }

    /// The usual time between two runs in what is searched for; none if there are too few.
    fn step_ms(&self, store: &Snapshot, context: &mut ReadContext<'_>) -> Result<Option<i64>> {
        let mut gaps: Vec<i64> = Vec::new();
        let mut before = None;
        let keys = std::slice::from_ref(&self.of.series.key);
        for batch in store.scan(&self.of.check, keys, self.span.clone()) {
            context.look()?;
            let batch = match batch {
                Ok(batch) => batch,
                Err(error) => {
                    context.damage(&error);
                    continue;
                }
            };
            match batch.slots() {
                Ok(Slots::Grid(stretches)) => {
                    for stretch in stretches {
                        gaps.resize(gaps.len() + stretch.rows, stretch.step_ms);
                    }
                }
                Ok(Slots::Times(times)) => {
                    gaps.extend(before.and_then(|before| times.first().map(|first| first - before)));
                    gaps.extend(times.windows(2).map(|pair| pair[1] - pair[0]));
                    before = times.last().copied();
                }
                Err(error) => context.damage(&error),
            }
            if gaps.len() > SIMILAR_SPAN_BUCKETS_MAX {
                let (asked, limit) = (gaps.len(), SIMILAR_SPAN_BUCKETS_MAX);
                return Err(Error::TooLarge { what: "samples", asked, limit });
            }
        }
        gaps.retain(|gap| *gap > 0);
        if gaps.is_empty() {
            return Ok(None);
        }
        let half = gaps.len() / 2;
        let usual = *gaps.select_nth_unstable(half).1;
        // Runs that are a little late are on a grid of whole seconds all the same.
        Ok(Some(if usual >= 2000 { (usual + 500) / 1000 * 1000 } else { usual }))
    }
}
