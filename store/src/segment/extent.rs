//! What the runs of a chunk, a check or a file have in common.

use crate::bytes::{Cursor, Short, put_varint, put_zigzag};

/// What runs have in common: how many there are, when, and which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) rows: u64,
    pub(crate) first_ms: i64,
    pub(crate) last_ms: i64,
    pub(crate) seq_min: u64,
    pub(crate) seq_max: u64,
    /// One a metric a run.
    pub(crate) samples: u64,
}

impl Extent {
    /// Of no runs.
    pub(crate) const EMPTY: Extent =
        Extent { rows: 0, first_ms: i64::MAX, last_ms: i64::MIN, seq_min: u64::MAX, seq_max: 0, samples: 0 };

    /// Takes in other runs.
    pub(crate) fn add(&mut self, other: &Extent) {
        self.rows = self.rows.saturating_add(other.rows);
        self.first_ms = self.first_ms.min(other.first_ms);
        self.last_ms = self.last_ms.max(other.last_ms);
        self.seq_min = self.seq_min.min(other.seq_min);
        self.seq_max = self.seq_max.max(other.seq_max);
        self.samples = self.samples.saturating_add(other.samples);
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        put_varint(out, self.rows);
        put_zigzag(out, self.first_ms);
        put_varint(out, self.last_ms.wrapping_sub(self.first_ms) as u64);
        put_varint(out, self.seq_min);
        put_varint(out, self.seq_max - self.seq_min);
        put_varint(out, self.samples);
    }

    pub(super) fn get(cursor: &mut Cursor<'_>) -> Result<Extent, Short> {
        let rows = cursor.varint()?;
        let first_ms = cursor.zigzag()?;
        let last_ms = first_ms.wrapping_add(cursor.varint()? as i64);
        let seq_min = cursor.varint()?;
        let seq_max = seq_min.checked_add(cursor.varint()?).ok_or(Short)?;
        let samples = cursor.varint()?;
        if last_ms < first_ms {
            return Err(Short);
        }
        Ok(Extent { rows, first_ms, last_ms, seq_min, seq_max, samples })
    }
}
