//! A column of integers: constant, a few stretches, or packed.
//!
//! ```text
//! u8  0: constant    zigzag  the number
//! u8  1: stretches   varint  how many; then zigzag difference to the one before, varint length, each
//! u8  2: packed      see packed.rs
//! ```

use std::ops::Range;

use super::packed::{Effort, Packed, Paging, Plan};
use super::unpack::Unpacker;
use crate::bytes::{Cursor, Short, put_varint, put_zigzag};
use crate::error::Result;

const CONSTANT: u8 = 0;
const STRETCHES: u8 = 1;
const PACKED: u8 = 2;

/// Up to this many stretches, and one more for every [`ROWS_PER_STRETCH`] rows, are written as such.
const STRETCHES_MAX: usize = 16;
const ROWS_PER_STRETCH: usize = 64;

/// Writes a column that will be decoded whole. An empty one is a constant that nobody reads.
pub(crate) fn put_ints(out: &mut Vec<u8>, numbers: &[i64], effort: Effort) -> Result<()> {
    put_ints_in(out, numbers, Paging::Whole, effort)
}

/// Writes a column in pages.
pub(crate) fn put_ints_in(out: &mut Vec<u8>, numbers: &[i64], paging: Paging, effort: Effort) -> Result<()> {
    let changes = numbers.windows(2).filter(|pair| pair[0] != pair[1]).count();
    if changes == 0 {
        out.push(CONSTANT);
        put_zigzag(out, numbers.first().copied().unwrap_or(0));
    } else if changes < STRETCHES_MAX + numbers.len() / ROWS_PER_STRETCH {
        out.push(STRETCHES);
        put_varint(out, changes as u64 + 1);
        let mut before = 0_i64;
        for stretch in numbers.chunk_by(|a, b| a == b) {
            put_zigzag(out, stretch[0].wrapping_sub(before));
            put_varint(out, stretch.len() as u64);
            before = stretch[0];
        }
    } else {
        out.push(PACKED);
        Plan::of(numbers).put(out, paging, effort)?;
    }
    Ok(())
}

/// A column that has been opened but not decoded.
#[derive(Clone, Debug)]
pub(crate) enum Ints<'a> {
    /// Every row has this number.
    Constant(i64),
    /// (number, row after its last), in order.
    Stretches(Vec<(i64, usize)>),
    /// Pages.
    Packed(Packed<'a>),
}

impl<'a> Ints<'a> {
    pub(crate) fn get(cursor: &mut Cursor<'a>, n: usize) -> std::result::Result<Ints<'a>, Short> {
        match cursor.u8()? {
            CONSTANT => Ok(Ints::Constant(cursor.zigzag()?)),
            STRETCHES => {
                let (mut number, mut end) = (0_i64, 0_usize);
                let stretches = (0..cursor.count(2)?)
                    .map(|_| {
                        number = number.wrapping_add(cursor.zigzag()?);
                        end = end.checked_add(cursor.size()?).ok_or(Short)?;
                        Ok((number, end))
                    })
                    .collect::<std::result::Result<_, Short>>()?;
                if end == n { Ok(Ints::Stretches(stretches)) } else { Err(Short) }
            }
            PACKED => Ok(Ints::Packed(Packed::get(cursor, n)?)),
            _ => Err(Short),
        }
    }

    /// Appends the numbers of a range of rows.
    pub(crate) fn decode(&self, rows: Range<usize>, out: &mut Vec<i64>) -> std::result::Result<(), Short> {
        match self {
            Ints::Constant(number) => out.resize(out.len() + rows.len(), *number),
            Ints::Stretches(stretches) => {
                let mut at = rows.start;
                let first = stretches.partition_point(|(_, end)| *end <= at);
                for (number, end) in &stretches[first..] {
                    let end = (*end).min(rows.end);
                    if at >= end {
                        break;
                    }
                    out.resize(out.len() + (end - at), *number);
                    at = end;
                }
            }
            Ints::Packed(packed) => {
                packed.unpacker()?.extend(rows, out, |number| number)?;
            }
        }
        Ok(())
    }

    /// The column, ready to be asked for single rows.
    pub(crate) fn lookup(&self) -> std::result::Result<IntLookup<'a>, Short> {
        Ok(match self {
            Ints::Constant(number) => IntLookup::Stretches(vec![(*number, usize::MAX)]),
            Ints::Stretches(stretches) => IntLookup::Stretches(stretches.clone()),
            Ints::Packed(packed) => IntLookup::Packed(Box::new(packed.unpacker()?)),
        })
    }

    /// All numbers of a column of `n` rows.
    pub(crate) fn all(&self, n: usize) -> std::result::Result<Vec<i64>, Short> {
        let mut out = Vec::with_capacity(n);
        self.decode(0..n, &mut out)?;
        Ok(out)
    }
}

/// A column of integers that is asked for single rows.
pub(crate) enum IntLookup<'a> {
    /// (number, row after its last), in order.
    Stretches(Vec<(i64, usize)>),
    /// Pages, of which the last one asked for is kept.
    Packed(Box<Unpacker<'a>>),
}

impl IntLookup<'_> {
    /// The number of a row.
    pub(crate) fn at(&mut self, row: usize) -> std::result::Result<i64, Short> {
        match self {
            IntLookup::Stretches(stretches) => {
                let at = stretches.partition_point(|(_, end)| *end <= row);
                stretches.get(at).map(|(number, _)| *number).ok_or(Short)
            }
            IntLookup::Packed(unpacker) => unpacker.int(row),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(numbers: &[i64], range: Range<usize>) {
        let ways =
            [(Effort::Quick, Paging::Whole), (Effort::Full, Paging::Medium), (Effort::Full, Paging::Fine)];
        for (effort, paging) in ways {
            let mut bytes = Vec::new();
            put_ints_in(&mut bytes, numbers, paging, effort).unwrap();
            let mut cursor = Cursor::new(&bytes);
            let column = Ints::get(&mut cursor, numbers.len()).unwrap();
            assert!(cursor.is_at_end());
            assert_eq!(column.all(numbers.len()).unwrap(), numbers);
            let mut part = Vec::new();
            column.decode(range.clone(), &mut part).unwrap();
            assert_eq!(part, &numbers[range.clone()]);
            for end in 0..bytes.len().min(64) {
                assert!(Ints::get(&mut Cursor::new(&bytes[..end]), numbers.len()).is_err());
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn any_numbers_come_back(
            numbers in prop_oneof![
                prop::collection::vec(any::<i64>(), 1..3000),
                prop::collection::vec(-3_i64..3, 1..3000),
                prop::collection::vec((0_i64..1000).prop_map(|n| 7 + n * 4096), 1..3000),
                prop::collection::vec(prop_oneof![Just(i64::MIN), Just(i64::MAX), Just(0)], 1..100),
            ],
            from in 0.0..1.0, part in 0.0..1.0,
        ) {
            let start = (numbers.len() as f64 * from) as usize;
            let end = start + ((numbers.len() - start) as f64 * part) as usize;
            check(&numbers, start..end);
        }
    }

    #[test]
    fn a_constant_costs_nothing_and_a_change_little() {
        let mut bytes = Vec::new();
        put_ints(&mut bytes, &[5; 10_000], Effort::Full).unwrap();
        assert_eq!(bytes.len(), 2);
        let mut changed = vec![5; 10_000];
        changed[7777..].fill(6);
        bytes.clear();
        put_ints(&mut bytes, &changed, Effort::Full).unwrap();
        assert!(bytes.len() <= 8);
        check(&changed, 7000..8000);
    }
}
