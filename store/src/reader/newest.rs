//! The runs of a check from the one that arrived last backwards, whatever their times say.
//!
//! A clock that was ahead leaves runs whose time is in the future; the newest run is the one that was appended last.

use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use super::arrivals::Arrived;
use super::runs::span;
use super::snapshot::{Part, Snapshot};
use crate::chunk::RowsIn;
use crate::column::Ints;
use crate::error::Result;
use crate::log::LogImage;
use crate::position::Position;
use crate::run::Run;
use crate::segment::{ChunkRef, Segment};

/// Iterates over runs against the order of arrival; see [`Snapshot::arrived_rev`].
pub struct ArrivedRev<'a> {
    snapshot: &'a Snapshot,
    check: Arc<str>,
    /// Files that have not been begun; the next one is at the end.
    parts: &'a [Part],
    /// Runs of a log, by index, down to this one.
    log: Option<(&'a LogImage, usize)>,
    segment: Option<Backwards<'a>>,
    wanted: Wanted,
}

/// Which runs are wanted.
#[derive(Clone)]
struct Wanted {
    span: RangeInclusive<i64>,
    /// Those with a lower number.
    before: u64,
    /// Only those at which something turned, and those before and after.
    turns: bool,
}

impl Wanted {
    fn has(&self, time_ms: i64, seq: u64) -> bool {
        self.span.contains(&time_ms) && seq < self.before
    }

    fn has_all(&self, chunk: &ChunkRef) -> bool {
        self.has(chunk.first_ms, chunk.seq_max) && self.has(chunk.last_ms, chunk.seq_max)
    }
}

/// The chunks of a check in one segment.
struct Backwards<'a> {
    segment: &'a Segment,
    /// Those not loaded yet, by the greatest number in them.
    pending: Vec<Pending>,
    loaded: Vec<Loaded>,
    wanted: Wanted,
    /// The chunk of the run that came last, as a place in the order of arrival, and how the check stood with it.
    after: Option<(usize, Turning)>,
}

/// A chunk that is not loaded yet.
#[derive(Clone, Copy)]
struct Pending {
    chunk: ChunkRef,
    /// Its place among all chunks of the check in the segment.
    place: usize,
    /// Whether no other chunk has runs that arrived among its own.
    alone: bool,
}

impl Pending {
    /// All chunks, by the greatest number in them.
    fn all(chunks: &[ChunkRef]) -> Vec<Pending> {
        let mut all: Vec<ChunkRef> = chunks.to_vec();
        all.sort_by_key(|chunk| chunk.seq_max);
        let mut before = None;
        let mut pending: Vec<Pending> = Vec::with_capacity(all.len());
        for (place, chunk) in all.into_iter().enumerate() {
            let alone = before.is_none_or(|before| before < chunk.seq_min);
            pending.push(Pending { chunk, place, alone });
            before = before.max(Some(chunk.seq_max));
        }
        let mut after = u64::MAX;
        for one in pending.iter_mut().rev() {
            one.alone &= one.chunk.seq_max < after;
            after = after.min(one.chunk.seq_min);
        }
        pending
    }
}

/// What of a run tells whether the check, or how it stands, turned: verdict, standing, and since when.
type Turning = [i64; 3];

struct Loaded {
    chunk: ChunkRef,
    place: usize,
    /// Decoded when the first of them is needed.
    rows: Option<RowsIn>,
    /// (number, row), ascending; the next one is at the end.
    order: Vec<(u64, Row)>,
    /// What stands at both ends, where that can spare a run.
    ends: Option<Ends>,
    /// Whether a run has come of it, or been passed over.
    begun: bool,
}

/// Which row of a chunk.
#[derive(Clone, Copy)]
enum Row {
    At(u32),
    /// The one with its number: rows have not been looked at.
    Numbered,
}

/// The first and the last run of a chunk: how the check stood, and whether the run beside it in the chunk differs.
#[derive(Clone, Copy)]
struct Ends {
    first: (Turning, bool),
    last: (Turning, bool),
}

impl Snapshot {
    /// The run of a check that arrived last, whatever its time says.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged) if the chunk that has it cannot be read.
    pub fn last_arrived(&self, check: &str) -> Result<Option<Arrived>> {
        self.arrived_rev(check).next().transpose()
    }

    /// The runs of a check against the order of arrival: the one that arrived last comes first. A damaged chunk is one
    /// error, and then it goes on.
    pub fn arrived_rev(&self, check: &str) -> ArrivedRev<'_> {
        let parts = self.parts();
        let wanted = Wanted { span: i64::MIN..=i64::MAX, before: u64::MAX, turns: false };
        ArrivedRev { snapshot: self, check: Arc::from(check), parts, log: None, segment: None, wanted }
    }
}

impl ArrivedRev<'_> {
    /// Only the runs whose time is in the range (ms since the epoch; the end is excluded, but for `i64::MAX`).
    pub fn within(self, range: Range<i64>) -> Self {
        let wanted = Wanted { span: span(&range), ..self.wanted };
        ArrivedRev { wanted, ..self }
    }

    /// Only the runs that arrived before a position.
    pub fn before(self, position: Position) -> Self {
        let wanted = Wanted { before: position.0, ..self.wanted };
        ArrivedRev { wanted, ..self }
    }

    /// Only the runs at which the state of the check, or how it stands, is otherwise than with the run before, and those on both sides of
    /// such a turn; there may be more. Those of segments lack metrics and instances.
    ///
    /// Where nothing turned, a chunk costs the columns that tell so, and those are mostly one number.
    pub fn turns(self) -> Self {
        let wanted = Wanted { turns: true, ..self.wanted };
        ArrivedRev { wanted, ..self }
    }

    /// Begins the next file, if there is one.
    fn begin(&mut self) -> Option<Result<()>> {
        let (part, rest) = self.parts.split_last()?;
        self.parts = rest;
        match part {
            Part::Log(image) => self.log = Some((image, image.rows(&self.check).len())),
            Part::Segment(segment) => {
                let mut pending = match segment.chunks(&self.check) {
                    Ok(chunks) => Pending::all(chunks),
                    Err(error) => return Some(Err(error)),
                };
                let Wanted { span, before, .. } = &self.wanted;
                pending.retain(|Pending { chunk, .. }| {
                    chunk.first_ms <= *span.end() && chunk.last_ms >= *span.start() && chunk.seq_min < *before
                });
                let (loaded, wanted) = (Vec::new(), self.wanted.clone());
                self.segment = Some(Backwards { segment, pending, loaded, wanted, after: None });
            }
        }
        Some(Ok(()))
    }
}

impl Iterator for ArrivedRev<'_> {
    type Item = Result<Arrived>;

    fn next(&mut self) -> Option<Result<Arrived>> {
        loop {
            if let Some((image, left)) = self.log {
                let row = left.checked_sub(1).and_then(|at| image.rows(&self.check).get(at));
                self.log = row.map(|_| (image, left - 1));
                let Some(row) = row.filter(|row| self.wanted.has(row.time_ms, row.seq)) else { continue };
                let run = image.run(self.snapshot.disk(), row);
                let position = Position(row.seq.saturating_add(1));
                return Some(run.map(|run| Arrived { position, check: Arc::clone(&self.check), run }));
            }
            if let Some(segment) = &mut self.segment {
                match segment.next(&self.check) {
                    None => self.segment = None,
                    found => return found,
                }
                continue;
            }
            if let Err(error) = self.begin()? {
                return Some(Err(error));
            }
        }
    }
}

impl Backwards<'_> {
    fn next(&mut self, check: &Arc<str>) -> Option<Result<Arrived>> {
        loop {
            let heads = self.loaded.iter().enumerate();
            let head = heads.filter_map(|(at, loaded)| Some((loaded.order.last()?.0, at))).max();
            if let Some(pending) = self.pending.last().copied()
                && (head.is_none_or(|(seq, _)| seq < pending.chunk.seq_max) || self.needs_next(head))
            {
                self.pending.pop();
                match self.load(pending) {
                    Ok(loaded) if loaded.order.is_empty() => {}
                    Ok(loaded) => self.loaded.push(loaded),
                    Err(error) => return Some(Err(error)),
                }
                continue;
            }
            let (_, at) = head?;
            let can_pass = self.can_pass(at);
            let loaded = &mut self.loaded[at];
            let (seq, row) = loaded.order.pop()?;
            let turning =
                loaded.ends.map(|ends| if loaded.order.is_empty() { ends.first.0 } else { ends.last.0 });
            self.after = turning.map(|turning| (loaded.place, turning));
            loaded.begun = true;
            let run = (!can_pass).then(|| loaded.run(self.segment, seq, row));
            if loaded.order.is_empty() || matches!(run, Some(Err(_))) {
                self.loaded.swap_remove(at);
            }
            let Some(run) = run else { continue };
            let position = Position(seq.saturating_add(1));
            return Some(run.map(|run| Arrived { position, check: Arc::clone(check), run }));
        }
    }

    /// Whether the chunk before the one that is at hand has to be looked at to tell whether its first run can be passed over.
    fn needs_next(&self, head: Option<(u64, usize)>) -> bool {
        let Some((_, at)) = head.filter(|_| self.loaded.len() == 1) else { return false };
        let Loaded { order, ends, place, .. } = &self.loaded[at];
        let is_before = self.pending.last().is_some_and(|pending| pending.place + 1 == *place);
        order.len() == 1 && is_before && ends.is_some_and(|ends| !ends.first.1)
    }

    /// Whether nothing turned at the next run of a chunk, neither before it nor after it: it is the first or the last of its chunk, and
    /// the run of the chunk beside it stands alike.
    fn can_pass(&self, at: usize) -> bool {
        let Loaded { order, ends, place, begun, .. } = &self.loaded[at];
        let (Some(Ends { first, last }), is_first) = (ends, order.len() == 1) else { return false };
        let before = self.loaded.iter().find(|other| other.place + 1 == *place).and_then(|other| other.ends);
        let first_passes = !first.1 && before.is_some_and(|before| before.last.0 == first.0);
        let last_passes = !last.1 && self.after == Some((place + 1, last.0));
        (is_first || !begun) && (!is_first || first_passes) && (*begun || last_passes)
    }

    fn load(&self, pending: Pending) -> Result<Loaded> {
        let Pending { chunk, place, alone } = pending;
        let bytes = self.segment.chunk(&chunk)?;
        let loaded = |rows, order, ends| Loaded { chunk, place, rows, order, ends, begun: false };
        let read = || {
            let header = bytes.header()?;
            if !self.wanted.turns {
                let rows = bytes.rows(&header)?;
                let order = self.order(&rows.seqs, &rows.times);
                let order = order.into_iter().filter(|(.., wanted)| *wanted);
                let order = order.map(|(seq, row, _)| (seq, Row::At(row))).collect();
                return Ok(loaded(Some(rows), order, None));
            }
            let columns = bytes.turning(&header)?;
            let is_whole = alone && self.wanted.has_all(&chunk);
            if let [Ints::Constant(verdict), Ints::Constant(standing), Ints::Constant(since)] = columns
                && is_whole
            {
                let turning = ([verdict, standing, since], false);
                let mut order = vec![(header.seq_min, Row::Numbered)];
                order.extend((header.rows > 1).then_some((header.seq_max, Row::Numbered)));
                return Ok(loaded(None, order, Some(Ends { first: turning, last: turning })));
            }
            let order = self.order(&bytes.seqs(&header)?, &bytes.all_times(&header)?);
            if !alone {
                let order = order.into_iter().filter(|(.., wanted)| *wanted);
                let order = order.map(|(seq, row, _)| (seq, Row::At(row))).collect();
                return Ok(loaded(None, order, None));
            }
            let mut decoded = Vec::with_capacity(columns.len());
            for column in &columns {
                decoded.push(column.all(header.rows).map_err(|_| header.malformed_attributes())?);
            }
            let turning = |at: usize| -> Turning {
                let row = order[at].1 as usize;
                std::array::from_fn(|column| decoded[column][row])
            };
            let (order, ends) = turns(&order, &turning);
            Ok(loaded(None, order, ends.filter(|_| is_whole)))
        };
        read().map_err(self.segment.bad(&chunk))
    }

    /// (number, row, whether it is wanted) of all rows, ascending.
    fn order(&self, seqs: &[i64], times: &[i64]) -> Vec<(u64, u32, bool)> {
        let numbered = seqs.iter().zip(times).enumerate();
        let row = |(row, (seq, time)): (usize, (&i64, &i64))| {
            (*seq as u64, row as u32, self.wanted.has(*time, *seq as u64))
        };
        let mut order: Vec<(u64, u32, bool)> = numbered.map(row).collect();
        order.sort_unstable();
        order
    }
}

/// Of the rows of a chunk in order of arrival those that are wanted, and have another beside them that stands otherwise, or is not wanted,
/// or none at all; and what stands at both ends.
fn turns(order: &[(u64, u32, bool)], turning: &dyn Fn(usize) -> Turning) -> (Vec<(u64, Row)>, Option<Ends>) {
    let Some(last) = order.len().checked_sub(1) else { return (Vec::new(), None) };
    let mut found = Vec::new();
    let ends =
        Ends { first: (turning(0), last > 0 && turning(1) != turning(0)), last: (turning(last), false) };
    // Whether the row before has to be there, or stands otherwise.
    let mut turned = true;
    for (at, (seq, row, wanted)) in order.iter().enumerate() {
        let turns = at == last || !order[at + 1].2 || turning(at + 1) != turning(at);
        if *wanted && (turned || turns) {
            found.push((*seq, Row::At(*row)));
        }
        turned = at < last && (!wanted || turning(at + 1) != turning(at));
    }
    let turned_last = last > 0 && turning(last - 1) != ends.last.0;
    (found, Some(Ends { last: (ends.last.0, turned_last), ..ends }))
}

impl Loaded {
    /// The run with a number, whose row may be known.
    fn run(&mut self, segment: &Segment, seq: u64, row: Row) -> Result<Run> {
        let rows = match self.rows.take() {
            Some(rows) => rows,
            None => {
                let bytes = segment.chunk(&self.chunk)?;
                let read = bytes.header().and_then(|header| bytes.plain_rows(&header));
                read.map_err(segment.bad(&self.chunk))?
            }
        };
        let rows = self.rows.insert(rows);
        let at = match row {
            Row::At(row) => Some(row as usize),
            Row::Numbered => rows.seqs.iter().position(|known| *known as u64 == seq),
        };
        let run = at.and_then(|row| rows.run(row).ok());
        run.ok_or_else(|| segment.malformed(&self.chunk))
    }
}
