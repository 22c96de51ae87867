//! The instances of runs in a log: all of them now and then, otherwise what has changed.
//!
//! ```text
//! varint  4 × the length of the bytes below, plus 2 if they are compressed, plus 1 if these are all instances
//! varint  only if compressed: their length before
//! …       the changes against the instances that the check had before, or against none; or a zstd frame of that
//! ```
//!
//! A run whose schema says that it has instances, and that says nothing of them, has those of the run before it that
//! has such a schema, of the same check and generation. So what a run has cannot be known if a frame before it is
//! missing, until all are written again; that the numbers of the runs do not follow each other tells it.

use std::sync::Arc;

use super::pieces::Pieces;
use super::row_ref::RowRef;
use crate::blocks::Blocks;
use crate::bytes::{Cursor, Short, put_varint};
use crate::error::{Error, Result};
use crate::instances::{History, Instances, Steps, get_changes, put_changes};
use crate::limits::{
    INSTANCES_CHANGES_BYTES, INSTANCES_CHANGES_FACTOR, INSTANCES_COLUMN_BYTES_MAX, INSTANCES_PACKED_MIN,
};

const ALL: u64 = 1;
const PACKED: u64 = 2;

/// The instances of a check that the log has at this point.
pub(super) struct Current {
    instances: Instances,
    all_bytes: usize,
    changes_bytes: usize,
}

impl Current {
    /// Those of the first run of a generation that has some, and their bytes.
    pub(super) fn first(instances: &Instances, time_ms: i64) -> Result<(Current, Vec<u8>)> {
        let bytes = pack(&Instances::default(), instances, time_ms, true)?.unwrap_or_default();
        let instances = instances.clone();
        Ok((Current { instances, all_bytes: bytes.len(), changes_bytes: 0 }, bytes))
    }

    /// Goes on to the instances of the next run; bytes if they differ.
    pub(super) fn next(&mut self, instances: &Instances, time_ms: i64) -> Result<Option<Vec<u8>>> {
        let changes = pack(&self.instances, instances, time_ms, false)?;
        // Even if equal: the next run is compared with the same set in memory.
        self.instances = instances.clone();
        let Some(changes) = changes else { return Ok(None) };
        self.changes_bytes += changes.len();
        let limit = INSTANCES_CHANGES_BYTES.max(self.all_bytes * INSTANCES_CHANGES_FACTOR);
        if self.changes_bytes <= limit {
            return Ok(Some(changes));
        }
        let (current, all) = Current::first(instances, time_ms)?;
        *self = current;
        Ok(Some(all))
    }
}

fn pack(before: &Instances, after: &Instances, time_ms: i64, all: bool) -> Result<Option<Vec<u8>>> {
    let mut changes = Vec::new();
    if put_changes(&mut changes, before, after, time_ms) == 0 {
        return Ok(None);
    }
    let flags = if all { ALL } else { 0 };
    let mut out = Vec::with_capacity(changes.len() + 4);
    if changes.len() < INSTANCES_PACKED_MIN {
        put_varint(&mut out, (changes.len() as u64) << 2 | flags);
        out.append(&mut changes);
    } else {
        let frame =
            zstd::bulk::compress(&changes, 1).map_err(|error| Error::Compress { what: error.to_string() })?;
        put_varint(&mut out, (frame.len() as u64) << 2 | PACKED | flags);
        put_varint(&mut out, changes.len() as u64);
        out.extend_from_slice(&frame);
    }
    Ok(Some(out))
}

/// Where a row says something of its instances, counted from where the row begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct InstancesAt {
    at: u32,
    /// Whether it has all instances.
    all: bool,
}

impl InstancesAt {
    /// Steps over what the row says.
    pub(super) fn skip(cursor: &mut Cursor<'_>) -> std::result::Result<InstancesAt, Short> {
        let at = u32::try_from(cursor.at()).map_err(|_| Short)?;
        Ok(InstancesAt { at, all: InstancesView::get(cursor)?.all })
    }
}

/// What a row says of its instances, taken apart but not read.
#[derive(Clone, Copy, Debug)]
struct InstancesView<'a> {
    /// Whether these are all instances.
    all: bool,
    /// The length before compression, if they are compressed.
    packed: Option<usize>,
    bytes: &'a [u8],
}

impl<'a> InstancesView<'a> {
    fn get(cursor: &mut Cursor<'a>) -> std::result::Result<InstancesView<'a>, Short> {
        let head = cursor.varint()?;
        let packed = if head & PACKED != 0 { Some(cursor.size()?) } else { None };
        let len = usize::try_from(head >> 2).map_err(|_| Short)?;
        Ok(InstancesView { all: head & ALL != 0, packed, bytes: cursor.take(len)? })
    }

    fn apply(&self, before: Instances, time_ms: i64) -> std::result::Result<Instances, Short> {
        let unpacked = match self.packed {
            Some(len) if len > INSTANCES_COLUMN_BYTES_MAX => return Err(Short),
            Some(len) => zstd::bulk::decompress(self.bytes, len).map_err(|_| Short)?,
            None => Vec::new(),
        };
        let bytes = if self.packed.is_some() { &unpacked } else { self.bytes };
        let mut cursor = Cursor::new(bytes);
        let after = get_changes(&mut cursor, if self.all { Instances::default() } else { before }, time_ms)?;
        if cursor.is_at_end() { Ok(after) } else { Err(Short) }
    }
}

/// A row at which the instances of a check change.
#[derive(Clone, Copy, Debug)]
struct Turn {
    time_ms: i64,
    /// Where the row begins in the file, and what it says of instances.
    row: u32,
    at: u32,
    /// The last turn that has all instances.
    base: u32,
}

/// The instances of a check in a log. Clones of an image share the sets that were made of it.
#[derive(Clone, Debug, Default)]
pub(super) struct LogInstances {
    turns: Blocks<Turn, 256>,
    /// The epoch in which the last turn is what the next run goes on from.
    epoch: Option<u64>,
    history: Arc<History>,
}

impl LogInstances {
    /// Whether it is known what instances the next run goes on from.
    pub(super) fn is_current(&self, epoch: u64) -> bool {
        self.epoch == Some(epoch)
    }

    /// Takes in a run whose instances change; `false` if to what they change cannot be known.
    pub(super) fn follow(&mut self, row: &RowRef, change: InstancesAt, epoch: u64) -> bool {
        if change.all {
            self.epoch = Some(epoch);
        }
        if !self.is_current(epoch) {
            return false;
        }
        let next = self.turns.len();
        let last = next.checked_sub(1).filter(|_| !change.all).and_then(|last| self.turns.get(last));
        let base = last.map_or(next as u32, |last| last.base);
        let Some(at) = row.at.checked_add(change.at) else { return false };
        self.turns.push(Turn { time_ms: row.time_ms, row: row.at, at, base });
        true
    }

    /// The instances of a run that was taken in, whose row begins there.
    pub(super) fn at(&self, pieces: &Pieces, row: u32) -> std::result::Result<Instances, Short> {
        let after = self.turns.partition_point(|turn| turn.row <= row);
        let turn = after.checked_sub(1).ok_or(Short)?;
        self.history.at(&LogSteps { turns: &self.turns, pieces }, turn)
    }
}

struct LogSteps<'a> {
    turns: &'a Blocks<Turn, 256>,
    pieces: &'a Pieces,
}

impl Steps for LogSteps<'_> {
    fn base(&self, step: usize) -> usize {
        self.turns.get(step).map_or(step, |turn| turn.base as usize)
    }

    fn apply(&self, step: usize, before: Instances) -> std::result::Result<Instances, Short> {
        let turn = self.turns.get(step).ok_or(Short)?;
        let mut cursor = Cursor::new(self.pieces.from(u64::from(turn.at)));
        InstancesView::get(&mut cursor)?.apply(before, turn.time_ms)
    }
}
