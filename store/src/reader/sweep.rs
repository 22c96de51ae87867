//! The history of a check from stretch to stretch of time: which files have runs there, and which rows of them.
//!
//! Mostly that is one chunk after the other. Where files overlap, the stretches are cut so that most of them still have
//! one file: a chunk with one run of a clock that was wrong for years does not make all of history one heap.

use std::iter::Peekable;
use std::ops::{Range, RangeInclusive};

use super::runs::{chunks_in, rows_in};
use super::snapshot::{Part, Snapshot};
use crate::error::Result;
use crate::log::{LogImage, RowRef};
use crate::segment::{ChunkRef, Segment};

/// Runs of a check in one file.
#[derive(Clone, Copy)]
pub(super) enum Piece<'a> {
    Log(&'a LogImage),
    Chunk(&'a Segment, &'a ChunkRef),
    /// A segment that has runs of the check but does not tell its chunks.
    Lost(&'a Segment),
}

/// Rows of a piece that follow each other by time, then number.
pub(super) struct Rows<'a> {
    pub(super) piece: Piece<'a>,
    /// Rows of a chunk; all of `refs` of a log.
    pub(super) range: Range<usize>,
    /// Their times.
    pub(super) times: Vec<i64>,
    /// The runs of a log.
    pub(super) refs: Vec<RowRef>,
}

/// A stretch of the history of a check.
pub(super) enum Stretch<'a> {
    /// One chunk that overlaps no other piece; nothing of it has been read.
    Chunk(&'a Segment, &'a ChunkRef),
    /// The rows of one piece, or of several that overlap.
    Rows(Vec<Rows<'a>>),
}

/// A piece that has been begun.
struct Active<'a> {
    last_ms: i64,
    rows: Rows<'a>,
}

/// See the head of this file.
pub(super) struct Sweep<'a> {
    check: String,
    span: RangeInclusive<i64>,
    /// (first time, last time, piece), by first time.
    waiting: Peekable<std::vec::IntoIter<(i64, i64, Piece<'a>)>>,
    active: Vec<Active<'a>>,
    /// Where the next stretch begins, while pieces are active.
    at_ms: i64,
}

impl Snapshot {
    /// All that has runs of a check in a span.
    pub(super) fn sweep(&self, check: &str, span: &RangeInclusive<i64>) -> Sweep<'_> {
        let mut pieces: Vec<(i64, i64, Piece<'_>)> = Vec::new();
        for part in self.parts() {
            match part {
                Part::Log(image) => {
                    if let Some((first, last)) = image.rows(check).ends_within(span) {
                        pieces.push((first, last, Piece::Log(image)));
                    }
                }
                Part::Segment(segment) => match (chunks_in(segment, check, span), segment.extent_of(check)) {
                    (Ok(chunks), _) => {
                        let chunks = chunks.iter();
                        pieces.extend(
                            chunks.map(|chunk| (chunk.first_ms, chunk.last_ms, Piece::Chunk(segment, chunk))),
                        );
                    }
                    (Err(_), Some(lost)) => pieces.push((lost.first_ms, lost.last_ms, Piece::Lost(segment))),
                    (Err(_), None) => {}
                },
            }
        }
        pieces.sort_by_key(|(first, ..)| *first);
        Sweep {
            check: check.to_owned(),
            span: span.clone(),
            waiting: pieces.into_iter().peekable(),
            active: Vec::new(),
            at_ms: i64::MIN,
        }
    }
}

impl<'a> Sweep<'a> {
    /// Begins a piece.
    fn begin(&mut self, last_ms: i64, piece: Piece<'a>) -> Result<()> {
        let rows = match piece {
            Piece::Lost(segment) => return segment.chunks(&self.check).map(drop),
            Piece::Log(image) => {
                let mut refs: Vec<RowRef> =
                    image.rows(&self.check).within(&self.span).into_iter().copied().collect();
                refs.sort_by_key(|row| (row.time_ms, row.seq));
                let times = refs.iter().map(|row| row.time_ms).collect();
                Rows { piece, range: 0..refs.len(), times, refs }
            }
            Piece::Chunk(segment, chunk) => {
                let bytes = segment.chunk(chunk)?;
                let read = bytes.header().and_then(|header| bytes.all_times(&header));
                let times = read.map_err(segment.bad(chunk))?;
                Rows { piece, range: 0..times.len(), times, refs: Vec::new() }
            }
        };
        self.active.push(Active { last_ms, rows });
        Ok(())
    }

    /// The next stretch of the pieces that are active; none if they have no rows there.
    fn cut(&mut self) -> Option<Stretch<'a>> {
        let next = self.waiting.peek().map_or(i64::MAX, |(first, ..)| first.saturating_sub(1));
        let end = self.active.iter().map(|active| active.last_ms).fold(next, i64::min).max(self.at_ms);
        let stretch = self.at_ms.max(*self.span.start())..=end.min(*self.span.end());
        let parts = self.active.iter().map(|active| active.rows.within(&stretch));
        let parts: Vec<Rows<'a>> = parts.filter(|rows| !rows.range.is_empty()).collect();
        self.active.retain(|active| active.last_ms > end);
        self.at_ms = end.saturating_add(1);
        (!parts.is_empty()).then_some(Stretch::Rows(parts))
    }
}

impl<'a> Rows<'a> {
    /// Those in a stretch of time.
    fn within(&self, stretch: &RangeInclusive<i64>) -> Rows<'a> {
        let found = rows_in(&self.times, stretch);
        Rows {
            piece: self.piece,
            range: self.range.start + found.start..self.range.start + found.end,
            times: self.times[found.clone()].to_vec(),
            refs: self.refs.get(found).unwrap_or_default().to_vec(),
        }
    }
}

impl<'a> Iterator for Sweep<'a> {
    type Item = Result<Stretch<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if self.active.is_empty() {
                let (first_ms, last_ms, piece) = self.waiting.next()?;
                let alone = self.waiting.peek().is_none_or(|(next, ..)| *next > last_ms);
                if let (true, Piece::Chunk(segment, chunk)) = (alone, piece) {
                    return Some(Ok(Stretch::Chunk(segment, chunk)));
                }
                self.at_ms = first_ms;
                if let Err(error) = self.begin(last_ms, piece) {
                    return Some(Err(error));
                }
            }
            let at_ms = self.at_ms;
            if let Some((_, last_ms, piece)) = self.waiting.next_if(|(first, ..)| *first <= at_ms) {
                if let Err(error) = self.begin(last_ms, piece) {
                    return Some(Err(error));
                }
                continue;
            }
            if let Some(stretch) = self.cut() {
                return Some(Ok(stretch));
            }
        }
    }
}
