//! The samples of series of one check, piece by piece, so that memory does not grow with history.

use std::ops::Range;

use custos_store::{Batch, Cell, Column, SeriesKey, Snapshot, Value};

use super::sample::OutboundSample;
use super::series::{OutboundSeries, What};
use super::thinned::Thinned;
use crate::built_in::BuiltIn;
use crate::limits::OUTBOUND_PIECE_SAMPLES;

/// Hands out the samples of series of one check in a range of time (ms since the epoch, the end excluded), by time for each
/// series, in pieces: the index of the series and samples of it. What cannot be read goes to `damage`.
///
/// # Errors
/// The first that `take` gives.
pub fn walk_outbound<E>(
    snapshot: &Snapshot,
    series: &[&OutboundSeries],
    range: Range<i64>,
    mut take: impl FnMut(usize, &[OutboundSample]) -> Result<(), E>,
    mut damage: impl FnMut(String),
) -> Result<(), E> {
    let Some(first) = series.first() else { return Ok(()) };
    let (mut keys, mut metrics, mut built_in) = (Vec::new(), Vec::new(), Vec::new());
    for (index, one) in series.iter().enumerate() {
        match &one.what {
            What::Metric(key) => {
                keys.push(key.clone());
                metrics.push(Track::new(index));
            }
            What::BuiltIn(what) => built_in.push((*what, Track::new(index))),
        }
    }
    let mut damaged = |error: &custos_store::Error| damage(error.to_string());
    if !keys.is_empty() {
        let scanned = (snapshot, &*first.check, &*keys);
        walk_metrics(scanned, range.clone(), &mut metrics, &mut take, &mut damaged)?;
    }
    if !built_in.is_empty() {
        walk_built_in((snapshot, &first.check), range, &mut built_in, &mut take, &mut damaged)?;
    }
    Ok(())
}

/// A series under way.
struct Track {
    index: usize,
    thinned: Thinned,
    piece: Vec<OutboundSample>,
}

impl Track {
    fn new(index: usize) -> Track {
        Track { index, thinned: Thinned::default(), piece: Vec::new() }
    }

    fn push(&mut self, time_ms: i64, value: Option<Value>) {
        self.thinned.push(time_ms, value, &mut self.piece);
    }

    /// Hands out what there is.
    fn hand_out<E>(
        &mut self,
        take: &mut impl FnMut(usize, &[OutboundSample]) -> Result<(), E>,
    ) -> Result<(), E> {
        for piece in self.piece.chunks(OUTBOUND_PIECE_SAMPLES) {
            take(self.index, piece)?;
        }
        self.piece.clear();
        Ok(())
    }

    fn end<E>(&mut self, take: &mut impl FnMut(usize, &[OutboundSample]) -> Result<(), E>) -> Result<(), E> {
        self.thinned.flush(&mut self.piece);
        self.hand_out(take)
    }

    /// Takes in the rows of a batch.
    fn add(&mut self, batch: &Batch<'_>, column: &Column) -> custos_store::Result<()> {
        let silent = batch.silent()?;
        for (row, time_ms) in batch.times()?.iter().enumerate() {
            match column.cell(row) {
                Cell::Value(value) => self.push(*time_ms, Some(value)),
                Cell::Absent if silent.binary_search(&(row as u32)).is_ok() => {}
                Cell::Unknown | Cell::Absent => self.push(*time_ms, None),
            }
        }
        Ok(())
    }
}

fn walk_metrics<E>(
    (snapshot, check, keys): (&Snapshot, &str, &[SeriesKey]),
    range: Range<i64>,
    tracks: &mut [Track],
    take: &mut impl FnMut(usize, &[OutboundSample]) -> Result<(), E>,
    damaged: &mut impl FnMut(&custos_store::Error),
) -> Result<(), E> {
    let mut column = Column::default();
    let mut batches = snapshot.scan(check, keys, range).peekable();
    while let Some(batch) = batches.next() {
        let batch = match batch {
            Ok(batch) => batch,
            Err(error) => {
                damaged(&error);
                continue;
            }
        };
        // What is held back is to be in one piece with what came before.
        let is_last = batches.peek().is_none();
        for (series, track) in tracks.iter_mut().enumerate() {
            let read = batch.read_column(series, &mut column).and_then(|()| track.add(&batch, &column));
            if let Err(error) = read {
                damaged(&error);
            }
            if is_last {
                track.thinned.flush(&mut track.piece);
            }
            track.hand_out(take)?;
        }
    }
    tracks.iter_mut().try_for_each(|track| track.end(take))
}

fn walk_built_in<E>(
    (snapshot, check): (&Snapshot, &str),
    range: Range<i64>,
    tracks: &mut [(BuiltIn, Track)],
    take: &mut impl FnMut(usize, &[OutboundSample]) -> Result<(), E>,
    damaged: &mut impl FnMut(&custos_store::Error),
) -> Result<(), E> {
    for run in snapshot.runs(check, range) {
        let run = match run {
            Ok(run) => run,
            Err(error) => {
                damaged(&error);
                continue;
            }
        };
        for (what, track) in tracks.iter_mut() {
            track.push(run.time_ms, what.value(&run));
            if track.piece.len() >= OUTBOUND_PIECE_SAMPLES {
                track.hand_out(take)?;
            }
        }
    }
    tracks.iter_mut().try_for_each(|(_, track)| track.end(take))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use custos_store::{Metric, Options, Reader, Run, Writer};

    use super::super::series::outbound_series;
    use super::*;

    #[test]
    fn each_series_comes_whole_and_by_time_whatever_the_files() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(dir.path(), Options::default()).unwrap();
        let count = OUTBOUND_PIECE_SAMPLES as i64 * 2 + 100;
        let run = |n: i64| {
            let mut metrics = vec![Metric::new("a", Value::from(n as f64))];
            metrics.extend((n % 10 == 0).then(|| Metric::new("b", Value::from((1_i64 << 60) + 1 + n))));
            Run { time_ms: n * 1000, duration_us: 5_000_000, metrics, ..Run::default() }
        };
        for n in 0..count {
            writer.append(&[("x", &run(n))]).unwrap();
            if n == count / 2 {
                writer.compact().unwrap();
            }
        }
        writer.append(&[("y", &run(3))]).unwrap();
        writer.sync().unwrap();
        let reader = Reader::open(dir.path()).unwrap();
        let snapshot = reader.snapshot();
        let (series, damages) = outbound_series(&snapshot, &["x".to_owned()], "web1");
        assert!(damages.is_empty() && series.len() == 8);
        let all: Vec<&OutboundSeries> = series.iter().collect();
        let mut found = vec![Vec::new(); all.len()];
        let mut pieces = 0;
        let take = |index: usize, piece: &[OutboundSample]| {
            assert!(piece.len() <= OUTBOUND_PIECE_SAMPLES);
            found[index].extend_from_slice(piece);
            pieces += 1;
            Ok::<(), Infallible>(())
        };
        walk_outbound(&snapshot, &all, 1000..i64::MAX, take, |what| panic!("{what}")).unwrap();
        assert!(pieces > 8);
        let of = |name: &str| {
            let index = series.iter().position(|series| series.labels.to_string() == name).unwrap();
            &found[index]
        };
        let a = of("x{check=\"x\", host=\"web1\", metric=\"a\"}");
        assert!(a.iter().enumerate().all(|(at, sample)| {
            let n = at as i64 + 1;
            *sample == OutboundSample { time_ms: n * 1000, value: Some(Value::from(n as f64)) }
        }));
        assert_eq!(a.len() as i64, count - 1);
        let b = of("x{check=\"x\", host=\"web1\", metric=\"b\"}");
        let first = OutboundSample { time_ms: 10_000, value: Some(Value::Integer((1 << 60) + 11)) };
        assert_eq!(b[..2], [first, OutboundSample { time_ms: 11_000, value: None }]);
        let durations = of("check_duration_seconds{check=\"x\", host=\"web1\"}");
        assert!(durations.len() == a.len() && durations[7].value == Some(Value::from(5.0)));
    }
}
