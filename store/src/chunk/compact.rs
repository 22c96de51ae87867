//! Rows of a decoded chunk in a fraction of the memory, for readers that have many chunks open at once.

use std::mem::size_of;
use std::ops::{Range, RangeInclusive};

use super::attributes::{self, ATTRIBUTES};
use super::instances::{InstancesIn, Replayed};
use super::rows::{RowsIn, SeriesRows, TEXTS};
use crate::bytes::Short;
use crate::column::{Narrow, NarrowValues, Texts, Values};
use crate::instances::Instances;
use crate::log::{SeriesDef, SeriesMeta};
use crate::run::Run;

/// Texts that follow each other in one string.
struct CompactTexts {
    all: Box<str>,
    /// Where each ends.
    ends: Box<[u32]>,
    /// For each row the index of its text.
    rows: Narrow,
}

/// One series in the rows that have it.
struct CompactSeries {
    series: SeriesDef,
    metas: Narrow,
    values: NarrowValues,
    /// The rows that have it, counted from the first one here; none if all have.
    present: Option<Box<[u32]>>,
}

/// Rows of a chunk that follow each other, in the order of their numbers.
pub(crate) struct CompactRows {
    /// For each position in order of arrival the row; none if that is the order of the rows.
    order: Option<Box<[u32]>>,
    len: usize,
    /// Index of the first row in the chunk.
    first: usize,
    seqs: Narrow,
    times: Narrow,
    attributes: [Narrow; ATTRIBUTES],
    texts: [CompactTexts; TEXTS],
    shapes: Vec<Vec<u32>>,
    shape_rows: Narrow,
    metas: Vec<SeriesMeta>,
    series: Vec<CompactSeries>,
    instances: Option<(InstancesIn, Replayed)>,
    bytes: usize,
    /// What the sets of instances at hand are charged for.
    sets_bytes: usize,
}

impl CompactTexts {
    /// The texts of some rows, without those that none of them has.
    fn of(texts: &Texts, rows: Range<usize>) -> CompactTexts {
        let mut indexes: Vec<Option<u32>> = vec![None; texts.distinct.len()];
        let (mut all, mut ends) = (String::new(), Vec::new());
        let index = |text: &u32| {
            let known = &mut indexes[*text as usize];
            i64::from(*known.get_or_insert_with(|| {
                all.push_str(&texts.distinct[*text as usize]);
                ends.push(all.len() as u32);
                ends.len() as u32 - 1
            }))
        };
        let rows: Vec<i64> = texts.rows[rows].iter().map(index).collect();
        CompactTexts { all: all.into(), ends: ends.into(), rows: Narrow::of(&rows) }
    }

    fn at(&self, row: usize) -> &str {
        let index = self.rows.at(row) as usize;
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.all[start as usize..self.ends[index] as usize]
    }

    fn bytes(&self) -> usize {
        self.all.len() + self.ends.len() * size_of::<u32>() + self.rows.bytes()
    }
}

impl CompactSeries {
    fn of(rows: &RowsIn, index: usize, range: &Range<usize>) -> CompactSeries {
        let SeriesRows { series, metas, values } = &rows.series[index];
        let ranks = rows.rank(index, range.start)..rows.rank(index, range.end);
        let metas: Vec<i64> = metas[ranks.clone()].iter().map(|meta| i64::from(*meta)).collect();
        let mut here = Values::default();
        here.append(values, ranks.clone());
        let present = rows.present[index].as_ref();
        CompactSeries {
            series: series.clone(),
            metas: Narrow::of(&metas),
            values: NarrowValues::of(here),
            present: present.map(|at| at[ranks].iter().map(|row| *row - range.start as u32).collect()),
        }
    }

    fn rank(&self, row: usize) -> usize {
        self.present.as_ref().map_or(row, |rows| rows.partition_point(|at| (*at as usize) < row))
    }

    fn bytes(&self) -> usize {
        let present = self.present.as_ref().map_or(0, |rows| rows.len() * size_of::<u32>());
        let labels = &self.series.labels;
        let name: usize = labels.iter().map(|(name, value)| name.len() + value.len() + 80).sum();
        size_of::<CompactSeries>()
            + self.series.label.len()
            + name
            + self.metas.bytes()
            + self.values.bytes()
            + present
    }
}

/// Some rows that are wanted, in order of arrival.
struct Wanted {
    range: Range<usize>,
    order: Option<Box<[u32]>>,
    len: usize,
}

impl Wanted {
    /// The rows with these numbers.
    fn of(seqs: &[i64], numbers: &RangeInclusive<u64>) -> Wanted {
        let is_wanted = |row: &usize| numbers.contains(&(seqs[*row] as u64));
        let rows: Vec<usize> = (0..seqs.len()).filter(is_wanted).collect();
        let range = rows.first().map_or(0, |row| *row)..rows.last().map_or(0, |row| row + 1);
        let in_order = rows.len() == range.len() && rows.is_sorted_by_key(|row| seqs[*row] as u64);
        let order = (!in_order).then(|| {
            let mut order: Vec<u32> = rows.iter().map(|row| (row - range.start) as u32).collect();
            order.sort_unstable_by_key(|row| seqs[range.start + *row as usize] as u64);
            order.into_boxed_slice()
        });
        Wanted { order, len: rows.len(), range }
    }
}

impl CompactRows {
    /// The runs of a chunk with these numbers.
    pub(crate) fn of(mut rows: RowsIn, numbers: RangeInclusive<u64>) -> CompactRows {
        let Wanted { range, order, len } = Wanted::of(&rows.seqs, &numbers);
        let narrow = |numbers: &Vec<i64>| Narrow::of(&numbers[range.clone()]);
        let shapes: Vec<i64> = rows.shape_rows[range.clone()].iter().map(|shape| i64::from(*shape)).collect();
        let mut compact = CompactRows {
            order,
            len,
            first: range.start,
            seqs: narrow(&rows.seqs),
            times: narrow(&rows.times),
            attributes: std::array::from_fn(|column| narrow(&rows.attributes[column])),
            texts: std::array::from_fn(|column| CompactTexts::of(&rows.texts[column], range.clone())),
            series: (0..rows.series.len()).map(|index| CompactSeries::of(&rows, index, &range)).collect(),
            shapes: std::mem::take(&mut rows.shapes),
            shape_rows: Narrow::of(&shapes),
            metas: std::mem::take(&mut rows.metas),
            instances: rows.instances.take().map(|column| (column, Replayed::default())),
            bytes: 0,
            sets_bytes: 0,
        };
        compact.bytes = compact.count_bytes();
        compact
    }

    fn count_bytes(&self) -> usize {
        let columns = [&self.seqs, &self.times, &self.shape_rows];
        let columns = columns.into_iter().chain(&self.attributes).map(Narrow::bytes).sum::<usize>();
        let shapes = self.shapes.iter().map(|shape| shape.len() * size_of::<u32>() + 24).sum::<usize>();
        let metas =
            self.metas.iter().map(|meta| size_of::<SeriesMeta>() + meta.unit.len() + meta.printed_unit.len());
        size_of::<CompactRows>()
            + columns
            + shapes
            + metas.sum::<usize>()
            + self.order.as_ref().map_or(0, |order| order.len() * size_of::<u32>())
            + self.texts.iter().map(CompactTexts::bytes).sum::<usize>()
            + self.series.iter().map(CompactSeries::bytes).sum::<usize>()
            + self.instances.as_ref().map_or(0, |(column, _)| column.bytes())
    }

    /// How much memory it takes, in bytes. With [`CompactRows::run`] the sets of instances at hand become others.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes + self.sets_bytes
    }

    fn row(&self, at: usize) -> usize {
        self.order.as_ref().map_or(at, |order| order[at] as usize)
    }

    /// The number of the run at this position; none at the end.
    pub(crate) fn seq(&self, at: usize) -> Option<u64> {
        (at < self.len).then(|| self.seqs.at(self.row(at)) as u64)
    }

    /// The number of the last run; none if there are no runs.
    pub(crate) fn last_seq(&self) -> Option<u64> {
        self.len.checked_sub(1).and_then(|last| self.seq(last))
    }

    /// The run at this position in full. Going forward costs least.
    pub(crate) fn run(&mut self, at: usize) -> Result<Run, Short> {
        let row = self.row(at);
        let columns = std::array::from_fn(|column| self.attributes[column].at(row));
        let mut run = attributes::to_run(self.times.at(row), &columns)?;
        let texts = [&mut run.text, &mut run.long_text, &mut run.stderr, &mut run.origin, &mut run.judgement];
        for (text, column) in texts.into_iter().zip(&self.texts) {
            column.at(row).clone_into(text);
        }
        let shape = &self.shapes[self.shape_rows.at(row) as usize];
        run.metrics.reserve_exact(shape.len());
        for series in shape {
            let series = &self.series[*series as usize];
            let rank = series.rank(row);
            let meta = &self.metas[series.metas.at(rank) as usize];
            run.metrics.push(meta.metric(&series.series, series.values.at(rank)));
        }
        run.instances = self.instances(row)?;
        Ok(run)
    }

    fn instances(&mut self, row: usize) -> Result<Instances, Short> {
        let Some((column, replayed)) = &mut self.instances else { return Ok(Instances::default()) };
        // What goes back and forth is better off with the sets that were there lately.
        let recent = self.order.is_some();
        let row = self.first + row;
        let set = if recent { column.at(row) } else { column.replay(row, replayed) };
        self.sets_bytes = if recent { column.recent_bytes() } else { replayed.bytes() };
        set
    }
}
