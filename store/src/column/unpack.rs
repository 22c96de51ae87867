//! Decoding packed numbers: page by page, each from its start only as far as it is needed.

use std::ops::Range;

use pco::data_types::Number;
use pco::wrapped::{ChunkDecompressor, FileDecompressor};

use super::packed::{BATCH_ROWS, NARROW, Packed, WIDE};
use crate::bytes::Short;

impl<'a> Packed<'a> {
    /// Ready to decode pages.
    pub(crate) fn unpacker(&self) -> std::result::Result<Unpacker<'a>, Short> {
        let (file, rest) = FileDecompressor::new(self.meta).map_err(|_| Short)?;
        let units = match self.kind {
            NARROW => Units::Narrow(Decoder::new(file.chunk_decompressor(rest).map_err(|_| Short)?.0)),
            WIDE => Units::Wide(Decoder::new(file.chunk_decompressor(rest).map_err(|_| Short)?.0)),
            _ => Units::Floats(Decoder::new(file.chunk_decompressor(rest).map_err(|_| Short)?.0)),
        };
        Ok(Unpacker { packed: self.clone(), units })
    }
}

/// The first numbers of the page that was decoded last.
struct Decoder<T: Number> {
    chunk: ChunkDecompressor<T>,
    page: usize,
    numbers: Vec<T>,
}

impl<T: Number + Default> Decoder<T> {
    fn new(chunk: ChunkDecompressor<T>) -> Decoder<T> {
        Decoder { chunk, page: usize::MAX, numbers: Vec::new() }
    }

    /// At least the first `need` numbers of a page that has `n`.
    fn load(
        &mut self,
        packed: &Packed<'_>,
        page: usize,
        n: usize,
        need: usize,
    ) -> std::result::Result<&[T], Short> {
        if self.page != page || self.numbers.len() < need {
            let len = need.next_multiple_of(BATCH_ROWS).min(n);
            self.page = usize::MAX;
            self.numbers.resize(len, T::default());
            let mut decompressor = self.chunk.page_decompressor(packed.page(page), n).map_err(|_| Short)?;
            let progress = decompressor.read(&mut self.numbers).map_err(|_| Short)?;
            if progress.n_processed != len {
                return Err(Short);
            }
            self.page = page;
        }
        Ok(&self.numbers)
    }
}

enum Units {
    Narrow(Decoder<u32>),
    Wide(Decoder<u64>),
    Floats(Decoder<f64>),
}

/// Decodes pages of one packed column, and keeps what it decoded last.
pub(crate) struct Unpacker<'a> {
    packed: Packed<'a>,
    units: Units,
}

/// What pco's numbers for some rows have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UnitStat {
    pub(crate) min: u64,
    pub(crate) max: u64,
    pub(crate) sum: u64,
}

impl UnitStat {
    fn of<T: Copy + Ord + Into<u64>>(units: &[T]) -> UnitStat {
        let Some(&first) = units.first() else { return UnitStat { min: 0, max: 0, sum: 0 } };
        // One after the other, as each by itself is done several at a time.
        let min = units.iter().copied().fold(first, T::min);
        let max = units.iter().copied().fold(first, T::max);
        let sum = units.iter().fold(0_u64, |sum, unit| sum.wrapping_add((*unit).into()));
        UnitStat { min: min.into(), max: max.into(), sum }
    }
}

impl Unpacker<'_> {
    /// The page that has a row.
    pub(crate) fn page_of(&self, row: usize) -> usize {
        row / self.packed.page_rows
    }

    /// The pages that have some of these rows.
    pub(crate) fn pages(&self, rows: &Range<usize>) -> Range<usize> {
        self.page_of(rows.start)..rows.end.div_ceil(self.packed.page_rows)
    }

    /// The rows of a page.
    pub(crate) fn rows(&self, page: usize) -> Range<usize> {
        let page_rows = self.packed.page_rows;
        let start = (page * page_rows).min(self.packed.n);
        start..start.saturating_add(page_rows).min(self.packed.n)
    }

    /// Appends what becomes of the integers of some rows; decodes no other pages. An error for a column of floats.
    pub(crate) fn extend<T>(
        &mut self,
        rows: Range<usize>,
        out: &mut Vec<T>,
        of: impl Fn(i64) -> T,
    ) -> std::result::Result<(), Short> {
        let (base, multiplier) = self.packed.scale();
        let number = |unit: u64| of(base.wrapping_add(unit.wrapping_mul(multiplier) as i64));
        out.reserve(rows.len());
        for page in self.pages(&rows) {
            let of_page = self.rows(page);
            let n = of_page.len();
            let part =
                rows.start.max(of_page.start) - of_page.start..rows.end.min(of_page.end) - of_page.start;
            match &mut self.units {
                Units::Narrow(units) => {
                    let units = units.load(&self.packed, page, n, part.end)?.get(part).ok_or(Short)?;
                    out.extend(units.iter().map(|unit| number(u64::from(*unit))));
                }
                Units::Wide(units) => {
                    let units = units.load(&self.packed, page, n, part.end)?.get(part).ok_or(Short)?;
                    out.extend(units.iter().map(|unit| number(*unit)));
                }
                Units::Floats(_) => return Err(Short),
            }
        }
        Ok(())
    }

    /// Calls `each` with the integers of single rows, which ascend. Decodes each page once, up to the last of these rows.
    pub(crate) fn pick(
        &mut self,
        rows: &[usize],
        mut each: impl FnMut(i64),
    ) -> std::result::Result<(), Short> {
        let page_rows = self.packed.page_rows;
        for of_page in rows.chunk_by(|one, other| one / page_rows == other / page_rows) {
            let last = of_page.last().map(|row| self.int(*row)).transpose()?;
            for row in &of_page[..of_page.len() - 1] {
                each(self.int(*row)?);
            }
            last.into_iter().for_each(&mut each);
        }
        Ok(())
    }

    /// The integer of a row; decodes its page only as far as needed.
    pub(crate) fn int(&mut self, row: usize) -> std::result::Result<i64, Short> {
        let page = self.page_of(row);
        let rows = self.rows(page);
        let at = row - rows.start;
        let unit = match &mut self.units {
            Units::Narrow(units) => {
                u64::from(*units.load(&self.packed, page, rows.len(), at + 1)?.get(at).ok_or(Short)?)
            }
            Units::Wide(units) => {
                *units.load(&self.packed, page, rows.len(), at + 1)?.get(at).ok_or(Short)?
            }
            Units::Floats(_) => return Err(Short),
        };
        let (base, multiplier) = self.packed.scale();
        Ok(base.wrapping_add(unit.wrapping_mul(multiplier) as i64))
    }

    /// What some rows of a page, counted from its first, have in common. An error for a column of floats.
    pub(crate) fn stat(&mut self, page: usize, rows: Range<usize>) -> std::result::Result<UnitStat, Short> {
        let n = self.rows(page).len();
        match &mut self.units {
            Units::Narrow(units) => {
                units.load(&self.packed, page, n, n)?.get(rows).map(UnitStat::of).ok_or(Short)
            }
            Units::Wide(units) => {
                units.load(&self.packed, page, n, n)?.get(rows).map(UnitStat::of).ok_or(Short)
            }
            Units::Floats(_) => Err(Short),
        }
    }

    /// Appends the floats of some rows; decodes no other pages. An error for a column of integers.
    pub(crate) fn extend_floats(
        &mut self,
        rows: Range<usize>,
        out: &mut Vec<f64>,
    ) -> std::result::Result<(), Short> {
        out.reserve(rows.len());
        for page in self.pages(&rows) {
            let of_page = self.rows(page);
            let part =
                rows.start.max(of_page.start) - of_page.start..rows.end.min(of_page.end) - of_page.start;
            out.extend_from_slice(self.floats(page)?.get(part).ok_or(Short)?);
        }
        Ok(())
    }

    /// The floats of a page. An error for a column of integers.
    pub(crate) fn floats(&mut self, page: usize) -> std::result::Result<&[f64], Short> {
        let n = self.rows(page).len();
        match &mut self.units {
            Units::Floats(floats) => floats.load(&self.packed, page, n, n),
            _ => Err(Short),
        }
    }
}
