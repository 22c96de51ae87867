//! The values of one series: decimals as integers where every value is one, floats otherwise.
//!
//! What plugins print are decimals of few digits. Such a value is k / 10^d for an integer k, and dividing gives back
//! the very float that parsing gave; so a column keeps d once and k in few bits.
//!
//! ```text
//! u8  flags: 1 = some rows hold no float
//!     if so: integers, one a row: 0 float, 1 no value, 2 integer beyond 2^53; then these integers themselves
//! u8  kind of the floats:
//!     0 decimals:  u8 d, integers k;  if they are packed, statistics of each page
//!     1 floats:    packed floats, then of each page: least, greatest and sum as f64
//!     2 one float: its 8 bytes
//!     3 integers:  integers, beyond 2^53 some of them; no integer is marked above
//! ```
//!
//! Statistics of a page of decimals, in pco's units u where k = base + multiplier × u: a byte 0 if there are none, or 1;
//! then zigzag least against the page before, varint greatest - least, varint sum - count × least.

use std::ops::Range;

use super::ints::{Ints, put_ints, put_ints_in};
use super::packed::{Effort, Packed, Paging, Plan, VALUE_PAGE_ROWS, put_floats};
use super::stat::Stat;
use crate::bytes::{Cursor, Short, put_varint, put_zigzag};
use crate::error::Result;
use crate::value::Value;

const SPECIALS: u8 = 1;

const DECIMALS: u8 = 0;
const FLOATS: u8 = 1;
const ONE: u8 = 2;
const INTEGERS: u8 = 3;

const TAG_FLOAT: i64 = 0;
const TAG_NONE: i64 = 1;
const TAG_INTEGER: i64 = 2;

/// Powers of ten that are exact and common; a value with more decimals is kept as a float.
pub(super) const POWERS: [f64; 13] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12];

/// Integers up to here are exact in a float.
const EXACT_MAX: f64 = 9007199254740992.0;

/// One past the largest `i64`.
const I64_END: f64 = 9223372036854775808.0;

/// What a row holds instead of a float.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Special {
    /// The plugin said `U`.
    None,
    /// An integer that no float equals.
    Integer(i64),
}

/// Values of consecutive rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Values {
    /// One a row; 0 where the row is special.
    pub(crate) floats: Vec<f64>,
    /// The special rows, ascending.
    pub(crate) specials: Vec<(u32, Special)>,
}

impl Values {
    pub(crate) fn push(&mut self, value: Option<Value>) {
        let special = match value {
            Some(Value::Float(float)) => {
                return self.floats.push(if float.is_nan() { f64::NAN } else { float });
            }
            Some(Value::Integer(integer)) => Special::Integer(integer),
            None => Special::None,
        };
        self.specials.push((self.floats.len() as u32, special));
        self.floats.push(0.0);
    }

    pub(crate) fn at(&self, row: usize) -> Option<Value> {
        match self.specials.binary_search_by_key(&(row as u32), |(row, _)| *row) {
            Ok(index) => match self.specials[index].1 {
                Special::None => None,
                Special::Integer(integer) => Some(Value::Integer(integer)),
            },
            Err(_) => self.floats.get(row).map(|float| Value::Float(*float)),
        }
    }

    /// Appends a stretch of the rows of another column.
    pub(crate) fn append(&mut self, other: &Values, rows: Range<usize>) {
        let offset = self.floats.len();
        self.floats.extend_from_slice(&other.floats[rows.clone()]);
        let first = other.specials.partition_point(|(row, _)| (*row as usize) < rows.start);
        let specials = other.specials[first..].iter().take_while(|(row, _)| (*row as usize) < rows.end);
        self.specials
            .extend(specials.map(|(row, special)| ((*row as usize - rows.start + offset) as u32, *special)));
    }

    pub(crate) fn len(&self) -> usize {
        self.floats.len()
    }
}

/// The number of decimals and the integers, if every float is a decimal.
pub(super) fn decimals(floats: &[f64]) -> Option<(usize, Vec<i64>)> {
    let mut ints = Vec::with_capacity(floats.len());
    let mut digits = 0;
    'digits: loop {
        let power = *POWERS.get(digits)?;
        ints.clear();
        for float in floats {
            let int = (float * power).round_ties_even();
            // The comparison fails for NaN and infinities too; the bits differ for a negative zero only.
            if !(int.abs() <= EXACT_MAX && int / power == *float) {
                digits += 1;
                continue 'digits;
            }
            ints.push(int as i64);
        }
        return Some((digits, ints));
    }
}

/// All values as integers, if they are, and at least one needs more than a float.
fn integers(values: &Values) -> Option<Vec<i64>> {
    let mut ints = Vec::with_capacity(values.len());
    let mut specials = values.specials.iter().peekable();
    for (row, float) in values.floats.iter().enumerate() {
        match specials.next_if(|(at, _)| *at as usize == row) {
            Some((_, Special::Integer(integer))) => ints.push(*integer),
            Some((_, Special::None)) => return None,
            None if float.fract() == 0.0 && (-I64_END..I64_END).contains(float) => ints.push(*float as i64),
            None => return None,
        }
    }
    if values.specials.is_empty() { None } else { Some(ints) }
}

/// Writes the values of all rows.
pub(crate) fn put_values(out: &mut Vec<u8>, values: &Values, effort: Effort) -> Result<()> {
    if values.specials.is_empty() {
        out.push(0);
        return put_plain(out, &values.floats, effort);
    }
    if let Some(ints) = integers(values) {
        out.extend([0, INTEGERS]);
        return put_ints_in(out, &ints, Paging::Medium, effort);
    }
    out.push(SPECIALS);
    let mut tags = vec![TAG_FLOAT; values.len()];
    let mut ints = Vec::new();
    for (row, special) in &values.specials {
        tags[*row as usize] = match special {
            Special::None => TAG_NONE,
            Special::Integer(integer) => {
                ints.push(*integer);
                TAG_INTEGER
            }
        };
    }
    put_ints(out, &tags, effort)?;
    put_ints(out, &ints, effort)?;
    let plain = |(float, tag): (&f64, &i64)| (*tag == TAG_FLOAT).then_some(*float);
    let floats: Vec<f64> = values.floats.iter().zip(&tags).filter_map(plain).collect();
    put_plain(out, &floats, effort)
}

fn put_plain(out: &mut Vec<u8>, floats: &[f64], effort: Effort) -> Result<()> {
    if let Some((digits, ints)) = decimals(floats) {
        out.extend([DECIMALS, digits as u8]);
        let before = out.len();
        put_ints_in(out, &ints, Paging::Medium, effort)?;
        if let Ok(Ints::Packed(_)) = Ints::get(&mut Cursor::new(&out[before..]), ints.len()) {
            put_decimal_stats(out, &Plan::of(&ints));
        }
    } else if floats.windows(2).all(|pair| pair[0].to_bits() == pair[1].to_bits()) {
        out.push(ONE);
        out.extend_from_slice(&floats[0].to_le_bytes());
    } else {
        out.push(FLOATS);
        put_floats(out, floats, effort)?;
        for page in floats.chunks(VALUE_PAGE_ROWS) {
            let stat = Stat::of(page);
            [stat.min, stat.max, stat.sum]
                .iter()
                .for_each(|float| out.extend_from_slice(&float.to_le_bytes()));
        }
    }
    Ok(())
}

fn put_decimal_stats(out: &mut Vec<u8>, plan: &Plan) {
    // Sums of a page then stay below 2^63.
    if plan.units_max() >= 1 << 53 {
        return out.push(0);
    }
    out.push(1);
    let mut before = 0_u64;
    for page in plan.units().chunks(VALUE_PAGE_ROWS) {
        let min = page.iter().copied().min().unwrap_or(0);
        let max = page.iter().copied().max().unwrap_or(0);
        let sum: u64 = page.iter().map(|unit| unit - min).sum();
        put_zigzag(out, min.wrapping_sub(before) as i64);
        put_varint(out, max - min);
        put_varint(out, sum);
        before = min;
    }
}

#[derive(Clone, Debug)]
pub(super) enum Floats<'a> {
    Decimals(usize, Ints<'a>),
    Packed(Packed<'a>),
    One(f64),
    Integers(Ints<'a>),
}

/// A column of values that has been opened but not decoded.
#[derive(Clone, Debug)]
pub(crate) struct ValuesIn<'a> {
    pub(super) n: usize,
    pub(super) tags: Option<Vec<i64>>,
    integers: Vec<i64>,
    floats_len: usize,
    pub(super) floats: Floats<'a>,
    /// Statistics of the pages, where there are some.
    pub(super) stats: Cursor<'a>,
}

impl<'a> ValuesIn<'a> {
    pub(crate) fn get(cursor: &mut Cursor<'a>, n: usize) -> std::result::Result<ValuesIn<'a>, Short> {
        let (mut tags, mut integers, mut floats_len) = (None, Vec::new(), n);
        match cursor.u8()? {
            0 => {}
            SPECIALS => {
                let decoded = Ints::get(cursor, n)?.all(n)?;
                if decoded.iter().any(|tag| !(TAG_FLOAT..=TAG_INTEGER).contains(tag)) {
                    return Err(Short);
                }
                floats_len = decoded.iter().filter(|tag| **tag == TAG_FLOAT).count();
                let count = decoded.iter().filter(|tag| **tag == TAG_INTEGER).count();
                integers = Ints::get(cursor, count)?.all(count)?;
                tags = Some(decoded);
            }
            _ => return Err(Short),
        }
        let floats = match cursor.u8()? {
            DECIMALS => {
                let digits = usize::from(cursor.u8()?);
                if digits >= POWERS.len() {
                    return Err(Short);
                }
                Floats::Decimals(digits, Ints::get(cursor, floats_len)?)
            }
            FLOATS => {
                let packed = Packed::get(cursor, floats_len)?;
                if !packed.is_floats() {
                    return Err(Short);
                }
                Floats::Packed(packed)
            }
            ONE => Floats::One(cursor.f64()?),
            INTEGERS => Floats::Integers(Ints::get(cursor, floats_len)?),
            _ => return Err(Short),
        };
        Ok(ValuesIn { n, tags, integers, floats_len, floats, stats: *cursor })
    }

    /// All values.
    pub(crate) fn all(&self) -> std::result::Result<Values, Short> {
        let mut plain = Values::default();
        match &self.floats {
            Floats::Decimals(digits, ints) => {
                decode_decimals(ints, *digits, 0..self.floats_len, &mut plain.floats)?;
            }
            Floats::Packed(packed) => {
                packed.unpacker()?.extend_floats(0..self.floats_len, &mut plain.floats)?;
            }
            Floats::One(float) => plain.floats = vec![*float; self.floats_len],
            Floats::Integers(ints) => {
                ints.all(self.floats_len)?.into_iter().for_each(|int| plain.push(Some(Value::from(int))));
            }
        }
        let Some(tags) = &self.tags else { return Ok(plain) };
        let mut values = Values::default();
        let (mut floats, mut integers) = (0, self.integers.iter());
        for tag in tags {
            match *tag {
                TAG_NONE => values.push(None),
                TAG_INTEGER => values.push(Some(Value::Integer(*integers.next().ok_or(Short)?))),
                _ => {
                    values.push(plain.at(floats));
                    floats += 1;
                }
            }
        }
        Ok(values)
    }

    /// Appends the values of a range of rows, if every row of the column has a float; `false` if not. Decodes no other pages.
    pub(crate) fn append_floats(
        &self,
        rows: Range<usize>,
        floats: &mut Vec<f64>,
    ) -> std::result::Result<bool, Short> {
        match (&self.tags, &self.floats) {
            (None, Floats::Decimals(digits, ints)) => decode_decimals(ints, *digits, rows, floats)?,
            (None, Floats::One(float)) => floats.resize(floats.len() + rows.len(), *float),
            (None, Floats::Packed(packed)) => packed.unpacker()?.extend_floats(rows, floats)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The same for single rows, which ascend. Decodes each page once, up to the last of these rows.
    pub(crate) fn append_picked(
        &self,
        rows: &[usize],
        floats: &mut Vec<f64>,
    ) -> std::result::Result<bool, Short> {
        match (&self.tags, &self.floats) {
            (None, Floats::Decimals(digits, Ints::Packed(packed))) => {
                let power = POWERS[*digits];
                packed.unpacker()?.pick(rows, |int| floats.push(int as f64 / power))?;
            }
            (None, Floats::Packed(packed)) => {
                let mut unpacker = packed.unpacker()?;
                for row in rows {
                    let page = unpacker.page_of(*row);
                    let at = row - unpacker.rows(page).start;
                    floats.push(*unpacker.floats(page)?.get(at).ok_or(Short)?);
                }
            }
            (None, Floats::Decimals(..) | Floats::One(_)) => {
                for row in rows {
                    self.append_floats(*row..row + 1, floats)?;
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Reads the values of a range of rows in the place of others; decodes no other pages where that can be done.
    pub(crate) fn decode_into(
        &self,
        rows: Range<usize>,
        values: &mut Values,
    ) -> std::result::Result<(), Short> {
        values.floats.clear();
        values.specials.clear();
        if !self.append_floats(rows.clone(), &mut values.floats)? {
            values.append(&self.all()?, rows);
        }
        Ok(())
    }
}

/// Appends the decimals of some rows.
fn decode_decimals(
    ints: &Ints<'_>,
    digits: usize,
    rows: Range<usize>,
    floats: &mut Vec<f64>,
) -> std::result::Result<(), Short> {
    let power = POWERS[digits];
    match ints {
        Ints::Packed(packed) => packed.unpacker()?.extend(rows, floats, |int| int as f64 / power),
        Ints::Constant(int) => {
            floats.resize(floats.len() + rows.len(), *int as f64 / power);
            Ok(())
        }
        Ints::Stretches(_) => {
            let mut numbers = Vec::with_capacity(rows.len());
            ints.decode(rows, &mut numbers)?;
            floats.extend(numbers.into_iter().map(|int| int as f64 / power));
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(values: &[Option<Value>]) -> usize {
        let mut column = Values::default();
        values.iter().for_each(|value| column.push(*value));
        let mut bytes = Vec::new();
        put_values(&mut bytes, &column, Effort::Full).unwrap();
        let opened = ValuesIn::get(&mut Cursor::new(&bytes), values.len()).unwrap();
        let read = opened.all().unwrap();
        for (row, value) in values.iter().enumerate() {
            match (value, read.at(row)) {
                (Some(Value::Float(a)), Some(Value::Float(b))) => {
                    assert_eq!((a + 0.0).to_bits(), (b + 0.0).to_bits())
                }
                (a, b) => assert_eq!(*a, b),
            }
        }
        bytes.len()
    }

    /// Mostly decimals, and what is not finite among them.
    fn not_finite() -> impl Strategy<Value = Option<Value>> {
        let words = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::from_bits(0x7ff0_0000_0000_0002)];
        prop_oneof![
            8 => (0_i64..500).prop_map(|k| Some(Value::from(k as f64 / 10.0))),
            1 => prop::sample::select(words.to_vec()).prop_map(|float| Some(Value::from(float))),
            1 => Just(None),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_values_come_back(values in prop_oneof![
            prop::collection::vec(prop::option::weighted(0.9, any::<i64>().prop_map(Value::from)), 1..2500),
            prop::collection::vec((-1_000_000_i64..1_000_000).prop_map(|k| Some(Value::from(k as f64 / 1000.0))), 1..2500),
            prop::collection::vec(proptest::num::f64::ANY.prop_map(|f| Some(Value::from(f))), 1..1500),
            prop::collection::vec(not_finite(), 1..2500),
            prop::collection::vec((0_i64..5000).prop_map(|k| Some(Value::from((1 << 60) + k))), 1..2500),
            prop::collection::vec(prop_oneof![Just(None), Just(Some(Value::from(0.5))), any::<i64>().prop_map(|k| Some(Value::from(k)))], 1..50),
        ]) {
            check(&values);
        }
    }

    #[test]
    fn decimals_cost_their_digits_only() {
        let values: Vec<Option<Value>> =
            (0..16_384_i64).map(|at| Some(Value::from((at * 7919 % 256) as f64 / 100.0))).collect();
        assert!(check(&values) < 16_384 * 11 / 10);
        assert!(check(&vec![Some(Value::from(0.1 + 0.2)); 5000]) < 12);
        assert!(check(&vec![None; 5000]) < 12);
        check(&[Some(Value::Float(f64::INFINITY)), Some(Value::Float(1.0)), Some(Value::Float(-0.0))]);
    }
}
