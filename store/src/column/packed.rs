//! Numbers through pco, in pages that decode by themselves.
//!
//! ```text
//! u8      0: the numbers are 32 bits wide, 1: 64 bits, 2: the bits of 64-bit floats
//! varint  numbers in a page, the last one may have fewer; 0: all are in one page
//! zigzag  base      (kinds 0 and 1)
//! varint  multiplier (kinds 0 and 1)
//! varint  length of the metadata, then the metadata: pco's file header and chunk metadata
//! varint  length of each page
//! …       the pages
//! ```
//!
//! A number is base + multiplier × what pco holds, in wrapping 64-bit arithmetic.

use std::sync::Arc;

use pco::data_types::Number;
use pco::wrapped::FileCompressor;
use pco::{ChunkConfig, DeltaSpec, ModeSpec, PagingSpec};

use crate::bytes::{Cursor, Short, put_varint, put_zigzag};
use crate::error::{Error, Result};

/// Numbers that pco decodes at once.
pub(super) const BATCH_ROWS: usize = 256;

/// How a column is cut into pages. Each page costs some ten bytes, and is decoded from its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paging {
    /// One page: for columns that are decoded whole anyway.
    Whole,
    /// For times: where a stretch of time ends, that of one row is asked for, and most checks have several series that
    /// share the cost of the pages.
    Fine,
    /// For values, with statistics for each page.
    Medium,
}

/// Values in a page. Second differences of so many are whole batches; pco is slower at parts of a batch.
pub(crate) const VALUE_PAGE_ROWS: usize = 3 * BATCH_ROWS + 2;

impl Paging {
    /// Numbers in a page, 0 for one page.
    fn rows(self) -> usize {
        match self {
            Paging::Whole => 0,
            Paging::Fine => BATCH_ROWS,
            Paging::Medium => VALUE_PAGE_ROWS,
        }
    }
}

pub(super) const NARROW: u8 = 0;
pub(super) const WIDE: u8 = 1;
const FLOATS: u8 = 2;

/// How much time to spend on compression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effort {
    /// For what will be merged, and compressed again, soon.
    Quick,
    /// For what stays.
    Full,
}

fn config(n: usize, paging: Paging, effort: Effort, mode: ModeSpec) -> ChunkConfig {
    let rows = if paging == Paging::Whole { n.max(1) } else { paging.rows() };
    let mut pages = vec![rows; n / rows];
    if !n.is_multiple_of(rows) {
        pages.push(n % rows);
    }
    let (level, delta) = match effort {
        // Lateness has few distinct values, and the smaller its table, the sooner a reader has it.
        Effort::Full if paging == Paging::Fine => (6, DeltaSpec::Auto),
        Effort::Quick => (4, DeltaSpec::TryConsecutive(1)),
        Effort::Full => (7, DeltaSpec::Auto),
    };
    ChunkConfig::default()
        .with_compression_level(level)
        .with_delta_spec(delta)
        .with_mode_spec(mode)
        .with_paging_spec(PagingSpec::Exact(pages))
}

fn put_pco<T: Number>(
    out: &mut Vec<u8>,
    numbers: &[T],
    paging: Paging,
    effort: Effort,
    mode: ModeSpec,
) -> Result<()> {
    let failed = |error: pco::errors::PcoError| Error::Compress { what: error.to_string() };
    let file = FileCompressor::default();
    let mut meta = Vec::new();
    file.write_header(&mut meta).map_err(failed)?;
    let mut chunk =
        file.chunk_compressor(numbers, &config(numbers.len(), paging, effort, mode)).map_err(failed)?;
    chunk.write_meta(&mut meta).map_err(failed)?;
    let mut body = Vec::with_capacity(numbers.len() * 2);
    let mut lens = Vec::new();
    for page in 0..chunk.n_per_page().len() {
        let before = body.len();
        chunk.write_page(page, &mut body).map_err(failed)?;
        put_varint(&mut lens, (body.len() - before) as u64);
    }
    put_varint(out, meta.len() as u64);
    out.extend_from_slice(&meta);
    out.extend_from_slice(&lens);
    out.extend_from_slice(&body);
    Ok(())
}

/// Integers taken apart: base + multiplier × units.
pub(crate) struct Plan {
    base: i64,
    multiplier: u64,
    units: Vec<u64>,
    units_max: u64,
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

impl Plan {
    pub(crate) fn of(numbers: &[i64]) -> Plan {
        let base = numbers.iter().copied().min().unwrap_or(0);
        let mut multiplier = 0_u64;
        let mut units: Vec<u64> = numbers.iter().map(|number| number.wrapping_sub(base) as u64).collect();
        for unit in &units {
            if multiplier == 0 || unit % multiplier != 0 {
                multiplier = gcd(multiplier, *unit);
                if multiplier == 1 {
                    break;
                }
            }
        }
        if multiplier > 1 {
            units.iter_mut().for_each(|unit| *unit /= multiplier);
        }
        let units_max = units.iter().copied().max().unwrap_or(0);
        Plan { base, multiplier: multiplier.max(1), units, units_max }
    }

    pub(crate) fn units(&self) -> &[u64] {
        &self.units
    }

    pub(crate) fn units_max(&self) -> u64 {
        self.units_max
    }

    pub(crate) fn put(&self, out: &mut Vec<u8>, paging: Paging, effort: Effort) -> Result<()> {
        let narrow = u32::try_from(self.units_max).is_ok();
        out.push(if narrow { NARROW } else { WIDE });
        put_varint(out, paging.rows() as u64);
        put_zigzag(out, self.base);
        put_varint(out, self.multiplier);
        if narrow {
            let units: Vec<u32> = self.units.iter().map(|unit| *unit as u32).collect();
            put_pco(out, &units, paging, effort, ModeSpec::Classic)
        } else {
            put_pco(out, &self.units, paging, effort, ModeSpec::Classic)
        }
    }
}

/// Writes floats whose bits matter.
pub(crate) fn put_floats(out: &mut Vec<u8>, numbers: &[f64], effort: Effort) -> Result<()> {
    out.push(FLOATS);
    put_varint(out, Paging::Medium.rows() as u64);
    put_pco(out, numbers, Paging::Medium, effort, ModeSpec::Auto)
}

/// A packed column that has not been decoded.
#[derive(Clone, Debug)]
pub(crate) struct Packed<'a> {
    pub(super) kind: u8,
    base: i64,
    multiplier: u64,
    pub(super) n: usize,
    pub(super) page_rows: usize,
    pub(super) meta: &'a [u8],
    /// End of each page in the body.
    ends: Arc<[u32]>,
    body: &'a [u8],
}

impl<'a> Packed<'a> {
    pub(crate) fn get(cursor: &mut Cursor<'a>, n: usize) -> std::result::Result<Packed<'a>, Short> {
        let kind = cursor.u8()?;
        if kind > FLOATS {
            return Err(Short);
        }
        let page_rows = match cursor.size()? {
            0 => n.max(1),
            rows => rows,
        };
        let (base, multiplier) = if kind == FLOATS { (0, 1) } else { (cursor.zigzag()?, cursor.varint()?) };
        let meta_len = cursor.count(1)?;
        let meta = cursor.take(meta_len)?;
        let mut end = 0_u32;
        let ends = (0..n.div_ceil(page_rows))
            .map(|_| {
                let len = u32::try_from(cursor.varint()?).map_err(|_| Short)?;
                end = end.checked_add(len).ok_or(Short)?;
                Ok(end)
            })
            .collect::<std::result::Result<_, Short>>()?;
        let body = cursor.take(end as usize)?;
        Ok(Packed { kind, base, multiplier, n, page_rows, meta, ends, body })
    }

    /// The bytes of a page.
    pub(super) fn page(&self, page: usize) -> &'a [u8] {
        let start = page.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.body[start as usize..self.ends[page] as usize]
    }

    /// Number of pages.
    pub(crate) fn pages_len(&self) -> usize {
        self.ends.len()
    }

    /// Numbers in a page; the last one may have fewer.
    pub(crate) fn page_rows(&self) -> usize {
        self.page_rows
    }

    pub(crate) fn is_floats(&self) -> bool {
        self.kind == FLOATS
    }

    /// What one unit of pco's stands for.
    pub(crate) fn scale(&self) -> (i64, u64) {
        (self.base, self.multiplier)
    }
}
