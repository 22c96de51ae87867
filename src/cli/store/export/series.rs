//! The series of a store on their way out, whatever the format.

use std::io::Write;
use std::ops::Range;

use custos_promql::format_number;
use custos_query::{OutboundSample, OutboundSeries, outbound_series, walk_outbound};
use custos_store::{Snapshot, Value};

use crate::cli::progress::Progress;
use crate::cli::read::Failure;
use crate::text::human::counted;

/// The series that are wanted, and how far they are.
pub(super) struct Series<'a> {
    snapshot: &'a Snapshot,
    /// By check.
    pub(super) all: Vec<OutboundSeries>,
    range: Range<i64>,
    damaged: Vec<String>,
    status: Progress,
    count: u64,
}

impl<'a> Series<'a> {
    pub(super) fn of(snapshot: &'a Snapshot, checks: &[String], host: &str, range: Range<i64>) -> Series<'a> {
        let mut damaged: Vec<String> = snapshot.damages().iter().map(ToString::to_string).collect();
        let (all, unreadable) = outbound_series(snapshot, checks, host);
        unreadable.into_iter().for_each(|what| note(&mut damaged, what));
        Series { snapshot, all, range, damaged, status: Progress::new(), count: 0 }
    }

    /// Hands out the samples of series of one check, which are given by their indices: the index and samples of that series.
    pub(super) fn walk(
        &mut self,
        indices: &[usize],
        mut take: impl FnMut(usize, &[OutboundSample]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let Series { snapshot, all, range, damaged, status, count } = self;
        let series: Vec<&OutboundSeries> = indices.iter().map(|index| &all[*index]).collect();
        let counting = |place: usize, samples: &[OutboundSample]| {
            *count += samples.len() as u64;
            status.show(&format!("{}, {}", counted(*count, "sample"), series[place].check));
            take(indices[place], samples)
        };
        walk_outbound(snapshot, &series, range.clone(), counting, |what| note(damaged, what))
    }

    /// The indices of the series of each check.
    pub(super) fn by_check(&self) -> Vec<Vec<usize>> {
        let indices: Vec<usize> = (0..self.all.len()).collect();
        let of_checks = indices.chunk_by(|one, other| self.all[*one].check == self.all[*other].check);
        of_checks.map(<[usize]>::to_vec).collect()
    }

    /// Says what could not be read.
    pub(super) fn finish(self, out: &mut dyn Write) -> Result<(), Failure> {
        drop(self.status);
        finish(&self.damaged, out)
    }
}

/// Damage that has several series is named once.
fn note(damaged: &mut Vec<String>, what: String) {
    if !damaged.contains(&what) {
        damaged.push(what);
    }
}

/// Says what could not be read.
pub(super) fn finish(damaged: &[String], out: &mut dyn Write) -> Result<(), Failure> {
    if damaged.is_empty() {
        return Ok(());
    }
    out.flush()?;
    let places: Vec<String> = damaged.iter().map(|what| format!("failed to {what}")).collect();
    Err(Failure::new(format!("all but what is damaged has been written\n{}", places.join("\n"))))
}

/// A number with all of its digits.
pub(super) fn number(value: Value) -> String {
    match value {
        Value::Integer(integer) => integer.to_string(),
        Value::Float(float) => format_number(float),
    }
}
