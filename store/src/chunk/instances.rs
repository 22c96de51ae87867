//! The instances of a chunk's runs: what changes from row to row, which the first row begins with all of.
//!
//! ```text
//! integers  for each row 1 if its instances are not those of the row before, else 0; before the first row are none
//! varint    length of what follows before it was compressed
//! varint    length of the zstd frame, and the frame, of which each row marked 1 has
//!           varint length, changes
//! ```

use std::mem::size_of;
use std::ops::Range;

use crate::bytes::{Cursor, Short, put_varint};
use crate::column::{Effort, Ints, put_ints};
use crate::error::{Error, Result};
use crate::instances::{History, Instances, Steps, get_changes, put_changes};
use crate::limits::{CHUNK_INSTANCES_BYTES, CHUNK_INSTANCES_FACTOR, INSTANCES_COLUMN_BYTES_MAX};

/// Instances of consecutive rows that are being collected.
#[derive(Default)]
pub(super) struct InstancesBuilder {
    last: Instances,
    /// The rows whose instances are not those of the row before.
    turns: Vec<u32>,
    /// Of each such row a length and the changes.
    changes: Vec<u8>,
    /// How many bytes of that are those of the first such row.
    first_len: usize,
}

impl InstancesBuilder {
    /// Takes in the instances of a row.
    pub(super) fn push(&mut self, row: usize, time_ms: i64, instances: &Instances) {
        if self.last.is(instances) {
            return;
        }
        let mut changes = Vec::new();
        if put_changes(&mut changes, &self.last, instances, time_ms) > 0 {
            put_varint(&mut self.changes, changes.len() as u64);
            self.changes.append(&mut changes);
            if self.turns.is_empty() {
                self.first_len = self.changes.len();
            }
            self.turns.push(row as u32);
        }
        // Even if equal: the next row is compared with the same set in memory.
        self.last = instances.clone();
    }

    pub(super) fn is_full(&self) -> bool {
        let limit = CHUNK_INSTANCES_BYTES.max(self.first_len * CHUNK_INSTANCES_FACTOR);
        self.changes.len() - self.first_len >= limit
    }

    /// `true` if no row has instances.
    pub(super) fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    /// Writes the column of so many rows.
    pub(super) fn put(&self, out: &mut Vec<u8>, rows: usize, effort: Effort) -> Result<()> {
        let mut marks = vec![0; rows];
        self.turns.iter().for_each(|row| marks[*row as usize] = 1);
        put_ints(out, &marks, effort)?;
        let level = if effort == Effort::Quick { 1 } else { 9 };
        let frame = zstd::bulk::compress(&self.changes, level)
            .map_err(|error| Error::Compress { what: error.to_string() })?;
        put_varint(out, self.changes.len() as u64);
        put_varint(out, frame.len() as u64);
        out.extend_from_slice(&frame);
        Ok(())
    }
}

/// The instances of the rows of a chunk, made when they are asked for.
#[derive(Debug)]
pub(crate) struct InstancesIn {
    turns: Vec<Turn>,
    changes: Vec<u8>,
    history: History,
}

/// The instances after so many changes.
#[derive(Default)]
pub(super) struct Replayed {
    turns: usize,
    set: Instances,
}

impl Replayed {
    /// What the set is charged for.
    pub(super) fn bytes(&self) -> usize {
        self.set.bytes()
    }
}

#[derive(Debug)]
struct Turn {
    row: u32,
    time_ms: i64,
    changes: Range<usize>,
}

impl InstancesIn {
    /// Opens the column of rows of these times.
    pub(super) fn get(cursor: &mut Cursor<'_>, times: &[i64]) -> std::result::Result<InstancesIn, Short> {
        let marks = Ints::get(cursor, times.len())?.all(times.len())?;
        let len = cursor.size()?;
        if len > INSTANCES_COLUMN_BYTES_MAX {
            return Err(Short);
        }
        let frame_len = cursor.count(1)?;
        let changes = zstd::bulk::decompress(cursor.take(frame_len)?, len).map_err(|_| Short)?;
        let mut inner = Cursor::new(&changes);
        let mut turns = Vec::new();
        for (row, (mark, time_ms)) in marks.iter().zip(times).enumerate() {
            if *mark != 0 {
                let len = inner.count(1)?;
                let at = inner.at();
                inner.take(len)?;
                turns.push(Turn { row: row as u32, time_ms: *time_ms, changes: at..inner.at() });
            }
        }
        if !inner.is_at_end() {
            return Err(Short);
        }
        Ok(InstancesIn { turns, changes, history: History::default() })
    }

    /// The instances of a row.
    pub(super) fn at(&self, row: usize) -> std::result::Result<Instances, Short> {
        match self.turns.partition_point(|turn| turn.row as usize <= row).checked_sub(1) {
            Some(turn) => self.history.at(self, turn),
            None => Ok(Instances::default()),
        }
    }

    /// The instances of a row, from those of a row that was asked for before. Remembers nothing else.
    pub(super) fn replay(
        &self,
        row: usize,
        replayed: &mut Replayed,
    ) -> std::result::Result<Instances, Short> {
        let turns = self.turns.partition_point(|turn| turn.row as usize <= row);
        // What fails begins afresh the next time.
        let Replayed { turns: mut done, mut set } = std::mem::take(replayed);
        if turns < done {
            (done, set) = (0, Instances::default());
        }
        for turn in done..turns {
            set = self.apply(turn, set)?;
        }
        *replayed = Replayed { turns, set: set.clone() };
        Ok(set)
    }

    /// What the largest of the sets that were asked for lately is charged for.
    pub(super) fn recent_bytes(&self) -> usize {
        self.history.bytes()
    }

    /// How much memory the changes take, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.changes.len() + self.turns.len() * size_of::<Turn>()
    }

    /// The rows of a range at which the instances change.
    pub(super) fn turns(&self, rows: Range<usize>) -> impl Iterator<Item = usize> + '_ {
        let first = self.turns.partition_point(|turn| (turn.row as usize) < rows.start);
        self.turns[first..].iter().map(|turn| turn.row as usize).take_while(move |row| *row < rows.end)
    }

    /// Whether those of all rows can be read.
    pub(super) fn check(&self) -> std::result::Result<(), Short> {
        (0..self.turns.len()).try_for_each(|turn| self.history.at(self, turn).map(drop))
    }
}

impl Steps for InstancesIn {
    fn base(&self, _: usize) -> usize {
        0
    }

    fn apply(&self, step: usize, before: Instances) -> std::result::Result<Instances, Short> {
        let turn = self.turns.get(step).ok_or(Short)?;
        let mut cursor = Cursor::new(self.changes.get(turn.changes.clone()).ok_or(Short)?);
        let after = get_changes(&mut cursor, before, turn.time_ms)?;
        if cursor.is_at_end() { Ok(after) } else { Err(Short) }
    }
}
