//! Numbers through pco, in pages that decode by themselves.
//!
//! ```text
//! u8      0: the numbers are 32 bits wide, 1: 64 bits, 2: the bits of 64-bit floats
//! zigzag  base      (kinds 0 and 1)
//! varint  multiplier (kinds 0 and 1)
//! varint  length of the metadata, then the metadata: pco's file header and chunk metadata
//! varint  length of each page, one for every 1024 numbers or part of them
//! …       the pages
//! ```
//!
//! A number is base + multiplier × what pco holds, in wrapping 64-bit arithmetic.

use std::ops::Range;

use pco::data_types::Number;
use pco::wrapped::{ChunkDecompressor, FileCompressor, FileDecompressor};
use pco::{ChunkConfig, DeltaSpec, ModeSpec, PagingSpec};

use crate::bytes::{Cursor, Short, put_varint, put_zigzag};
use crate::error::{Error, Result};

/// Numbers in a page; the last page of a column has fewer.
pub(crate) const PAGE_ROWS: usize = 1024;

const NARROW: u8 = 0;
const WIDE: u8 = 1;
const FLOATS: u8 = 2;

/// How much time to spend on compression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effort {
    /// For what will be merged, and compressed again, soon.
    Quick,
    /// For what stays.
    Full,
}

fn config(n: usize, effort: Effort, mode: ModeSpec) -> ChunkConfig {
    let mut pages = vec![PAGE_ROWS; n / PAGE_ROWS];
    if !n.is_multiple_of(PAGE_ROWS) {
        pages.push(n % PAGE_ROWS);
    }
    let (level, delta) = match effort {
        Effort::Quick => (4, DeltaSpec::TryConsecutive(1)),
        Effort::Full => (8, DeltaSpec::Auto),
    };
    ChunkConfig::default()
        .with_compression_level(level)
        .with_delta_spec(delta)
        .with_mode_spec(mode)
        .with_paging_spec(PagingSpec::Exact(pages))
}

fn put_pco<T: Number>(out: &mut Vec<u8>, numbers: &[T], effort: Effort, mode: ModeSpec) -> Result<()> {
    let failed = |error: pco::errors::PcoError| Error::Compress { what: error.to_string() };
    let file = FileCompressor::default();
    let mut meta = Vec::new();
    file.write_header(&mut meta).map_err(failed)?;
    let mut chunk = file.chunk_compressor(numbers, &config(numbers.len(), effort, mode)).map_err(failed)?;
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

    pub(crate) fn put(&self, out: &mut Vec<u8>, effort: Effort) -> Result<()> {
        let narrow = u32::try_from(self.units_max).is_ok();
        out.push(if narrow { NARROW } else { WIDE });
        put_zigzag(out, self.base);
        put_varint(out, self.multiplier);
        if narrow {
            let units: Vec<u32> = self.units.iter().map(|unit| *unit as u32).collect();
            put_pco(out, &units, effort, ModeSpec::Classic)
        } else {
            put_pco(out, &self.units, effort, ModeSpec::Classic)
        }
    }
}

/// Writes floats whose bits matter.
pub(crate) fn put_floats(out: &mut Vec<u8>, numbers: &[f64], effort: Effort) -> Result<()> {
    out.push(FLOATS);
    put_pco(out, numbers, effort, ModeSpec::Auto)
}

/// A packed column that has not been decoded.
#[derive(Clone, Debug)]
pub(crate) struct Packed<'a> {
    kind: u8,
    base: i64,
    multiplier: u64,
    n: usize,
    meta: &'a [u8],
    /// End of each page in the body.
    ends: Vec<u32>,
    body: &'a [u8],
}

impl<'a> Packed<'a> {
    pub(crate) fn get(cursor: &mut Cursor<'a>, n: usize) -> std::result::Result<Packed<'a>, Short> {
        let kind = cursor.u8()?;
        if kind > FLOATS {
            return Err(Short);
        }
        let (base, multiplier) = if kind == FLOATS { (0, 1) } else { (cursor.zigzag()?, cursor.varint()?) };
        let meta_len = cursor.count(1)?;
        let meta = cursor.take(meta_len)?;
        let mut end = 0_u32;
        let ends = (0..n.div_ceil(PAGE_ROWS))
            .map(|_| {
                let len = u32::try_from(cursor.varint()?).map_err(|_| Short)?;
                end = end.checked_add(len).ok_or(Short)?;
                Ok(end)
            })
            .collect::<std::result::Result<_, Short>>()?;
        let body = cursor.take(end as usize)?;
        Ok(Packed { kind, base, multiplier, n, meta, ends, body })
    }

    fn page(&self, page: usize) -> &'a [u8] {
        let start = page.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.body[start as usize..self.ends[page] as usize]
    }

    pub(crate) fn is_floats(&self) -> bool {
        self.kind == FLOATS
    }

    /// What one unit of pco's stands for.
    pub(crate) fn scale(&self) -> (i64, u64) {
        (self.base, self.multiplier)
    }

    /// Ready to decode pages.
    pub(crate) fn unpacker(&self) -> std::result::Result<Unpacker<'a>, Short> {
        let (file, rest) = FileDecompressor::new(self.meta).map_err(|_| Short)?;
        let chunk = match self.kind {
            NARROW => Chunk::Narrow(file.chunk_decompressor(rest).map_err(|_| Short)?.0, Vec::new()),
            WIDE => Chunk::Wide(file.chunk_decompressor(rest).map_err(|_| Short)?.0, Vec::new()),
            _ => Chunk::Floats(file.chunk_decompressor(rest).map_err(|_| Short)?.0),
        };
        Ok(Unpacker { packed: self.clone(), chunk })
    }
}

enum Chunk {
    Narrow(ChunkDecompressor<u32>, Vec<u32>),
    Wide(ChunkDecompressor<u64>, Vec<u64>),
    Floats(ChunkDecompressor<f64>),
}

/// Decodes pages of one packed column.
pub(crate) struct Unpacker<'a> {
    packed: Packed<'a>,
    chunk: Chunk,
}

fn read_page<T: Number>(
    chunk: &mut ChunkDecompressor<T>,
    bytes: &[u8],
    out: &mut [T],
) -> std::result::Result<(), Short> {
    let n = out.len();
    let mut page = chunk.page_decompressor(bytes, n).map_err(|_| Short)?;
    let progress = page.read(out).map_err(|_| Short)?;
    if progress.n_processed == n { Ok(()) } else { Err(Short) }
}

impl Unpacker<'_> {
    /// The rows of a page.
    pub(crate) fn rows(&self, page: usize) -> Range<usize> {
        page * PAGE_ROWS..((page + 1) * PAGE_ROWS).min(self.packed.n)
    }

    /// Appends the integers of a page. An error for a column of floats.
    pub(crate) fn ints(&mut self, page: usize, out: &mut Vec<i64>) -> std::result::Result<(), Short> {
        let n = self.rows(page).len();
        let bytes = self.packed.page(page);
        let (base, multiplier) = (self.packed.base, self.packed.multiplier);
        match &mut self.chunk {
            Chunk::Narrow(chunk, units) => {
                units.resize(n, 0);
                read_page(chunk, bytes, units)?;
                let number = |unit: &u32| base.wrapping_add(u64::from(*unit).wrapping_mul(multiplier) as i64);
                out.extend(units.iter().map(number));
            }
            Chunk::Wide(chunk, units) => {
                units.resize(n, 0);
                read_page(chunk, bytes, units)?;
                out.extend(units.iter().map(|unit| base.wrapping_add(unit.wrapping_mul(multiplier) as i64)));
            }
            Chunk::Floats(_) => return Err(Short),
        }
        Ok(())
    }

    /// Appends the floats of a page. An error for a column of integers.
    pub(crate) fn floats(&mut self, page: usize, out: &mut Vec<f64>) -> std::result::Result<(), Short> {
        let at = out.len();
        let n = self.rows(page).len();
        out.resize(at + n, 0.0);
        let bytes = self.packed.page(page);
        match &mut self.chunk {
            Chunk::Floats(chunk) => read_page(chunk, bytes, &mut out[at..]),
            _ => Err(Short),
        }
    }
}
