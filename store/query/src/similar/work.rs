//! The search itself, on a few threads: each takes the next job, as long as somebody wants the answer.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use custos_memory::{Block, Buckets, Found, Pattern, search};
use custos_store::Snapshot;

use super::grid::Grid;
use super::plan::Job;
use crate::bucketed::{Bucketed, fill_buckets};
use crate::context::ReadContext;
use crate::error::{Error, Result};
use crate::limits::SIMILAR_DAMAGES_MAX;
use crate::promql::query_threads;

/// Where a stretch was found: the series by the caller's index, and the first bucket of the block.
pub(super) type Place = (usize, i64);

/// What is searched for, and where.
pub(super) struct Work<'a> {
    pub(super) store: &'a Snapshot,
    pub(super) pattern: &'a Pattern,
    pub(super) grid: Grid,
    /// The buckets of what is searched for, which is no match.
    pub(super) asked: std::ops::Range<i64>,
    pub(super) until_ms: i64,
    pub(super) jobs: Vec<Job<'a>>,
}

/// What a thread uses again for each job: all have as many buckets.
#[derive(Default)]
struct Memory {
    buckets: Vec<Buckets>,
    block: Block,
}

/// What the threads share.
#[derive(Default)]
struct Shared {
    next: AtomicUsize,
    is_stopped: AtomicBool,
    samples: AtomicU64,
    /// What could not be read, by its words: several units may come across the same.
    damages: Mutex<BTreeMap<String, custos_store::Error>>,
}

impl Work<'_> {
    /// Does all jobs. Returns what was found, and how many samples were read.
    ///
    /// # Errors
    /// [`Error::Cancelled`].
    pub(super) fn run(&self, context: &mut ReadContext<'_>) -> Result<(Found<Place>, u64)> {
        let shared = Shared::default();
        let threads = query_threads().min(self.jobs.len()).max(1);
        let found = std::thread::scope(|scope| {
            let others: Vec<_> =
                (1..threads).map(|_| scope.spawn(|| self.work(&shared, &|| false))).collect();
            // This thread works as well, and asks whether it is to stop.
            let mut found = self.work(&shared, &|| context.look().is_err());
            for other in others {
                match other.join() {
                    Ok(more) => found.join(more),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            found
        });
        if shared.is_stopped.load(Ordering::Relaxed) {
            return Err(Error::Cancelled);
        }
        let damages = shared.damages.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        damages.values().for_each(|error| context.damage(error));
        Ok((found, shared.samples.into_inner()))
    }

    fn work(&self, shared: &Shared, is_cancelled: &dyn Fn() -> bool) -> Found<Place> {
        let (mut found, mut memory) = (Found::default(), Memory::default());
        while let Some(job) = self.jobs.get(shared.next.fetch_add(1, Ordering::Relaxed)) {
            if is_cancelled() {
                shared.is_stopped.store(true, Ordering::Relaxed);
            }
            if shared.is_stopped.load(Ordering::Relaxed) {
                break;
            }
            self.job(job, shared, &mut memory, &mut found);
        }
        found
    }

    fn job(&self, job: &Job<'_>, shared: &Shared, memory: &mut Memory, found: &mut Found<Place>) {
        let (before, after) = self.pattern.margins();
        let first = job.buckets.start.saturating_sub(before as i64);
        let len = (job.buckets.end - job.buckets.start) as usize + before + after;
        let start_ms = self.grid.time_ms(first);
        let series: Vec<Bucketed> = job.series.iter().map(|(_, series, _)| series.clone()).collect();
        let Memory { buckets, block } = memory;
        while buckets.len() < series.len() {
            buckets.push(Buckets::new(start_ms, self.grid.width_ms, len));
        }
        let buckets = &mut buckets[..series.len()];
        buckets.iter_mut().for_each(|buckets| buckets.clear(start_ms));
        let mut on_damage = |error: custos_store::Error| {
            let mut damages = shared.damages.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if damages.len() < SIMILAR_DAMAGES_MAX {
                damages.insert(error.to_string(), error);
            }
        };
        let samples = fill_buckets(self.store, job.check, &series, self.until_ms, buckets, &mut on_damage);
        shared.samples.fetch_add(samples, Ordering::Relaxed);
        let starts = before..before + (job.buckets.end - job.buckets.start) as usize;
        let asked = self.asked.start.saturating_sub(first)..self.asked.end.saturating_sub(first);
        for ((index, _, deviation), buckets) in job.series.iter().zip(&*buckets) {
            if buckets.samples() > 0 {
                block.fill(buckets);
                search(block, self.pattern, *deviation, starts.clone(), &asked, &(*index, first), found);
            }
        }
    }
}
