//! What the values of some rows have in common, found without decoding more of a column than must be.
//!
//! A whole page tells by its statistics. Where a stretch of rows ends within a page, that page is decoded, once for
//! both stretches that meet there.

use std::ops::Range;

use super::ints::Ints;
use super::packed::Packed;
use super::stat::Stat;
use super::unpack::Unpacker;
use super::values::{Floats, POWERS, Values, ValuesIn};
use crate::bytes::{Cursor, Short};
use crate::value::Value;

/// What some rows of a column have in common. Rows without a value do not count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Summary {
    pub(crate) count: u64,
    pub(crate) stat: Stat,
    /// The first and the last row that has a value, with it.
    pub(crate) ends: Option<[(usize, Value); 2]>,
}

impl Summary {
    /// Of no values.
    pub(crate) const EMPTY: Summary = Summary { count: 0, stat: Stat::EMPTY, ends: None };
}

/// A column of which stretches of rows can be summed up.
pub(crate) struct Summing<'a> {
    n: usize,
    kind: Kind<'a>,
}

enum Kind<'a> {
    /// With statistics of each page.
    Pages(Box<Pages<'a>>),
    /// (value, row after its last), in order.
    Stretches(Vec<(f64, usize)>),
    Decoded(Values),
}

struct Pages<'a> {
    scale: Scale,
    unpacker: Unpacker<'a>,
    stats: Vec<Stat>,
}

/// How pco's numbers become values.
#[derive(Clone, Copy)]
enum Scale {
    Floats,
    Decimals { base: i64, multiplier: u64, power: f64 },
}

impl Scale {
    /// The sum of `count` values whose numbers sum up to `sum`.
    fn sum(base: i64, multiplier: u64, power: f64, count: usize, sum: u64) -> f64 {
        (base as f64 * count as f64 + sum as f64 * multiplier as f64) / power
    }
}

fn decimal(base: i64, multiplier: u64, power: f64, unit: u64) -> f64 {
    base.wrapping_add(unit.wrapping_mul(multiplier) as i64) as f64 / power
}

impl<'a> ValuesIn<'a> {
    /// The column, ready to be summed up.
    pub(crate) fn summing(&self) -> Result<Summing<'a>, Short> {
        let n = self.n;
        let kind = match &self.floats {
            _ if self.tags.is_some() => Kind::Decoded(self.all()?),
            Floats::Decimals(digits, Ints::Constant(int)) => {
                Kind::Stretches(vec![(*int as f64 / POWERS[*digits], n)])
            }
            Floats::Decimals(digits, Ints::Stretches(stretches)) => {
                let value = |(int, end): &(i64, usize)| (*int as f64 / POWERS[*digits], *end);
                Kind::Stretches(stretches.iter().map(value).collect())
            }
            Floats::Decimals(digits, Ints::Packed(packed)) => {
                match decimal_stats(packed, POWERS[*digits], n, self.stats)? {
                    Some((scale, stats)) => {
                        Kind::Pages(Box::new(Pages { scale, unpacker: packed.unpacker()?, stats }))
                    }
                    None => Kind::Decoded(self.all()?),
                }
            }
            Floats::Packed(packed) => {
                let mut cursor = self.stats;
                let stats = (0..packed.pages_len())
                    .map(|_| Ok(Stat { min: cursor.f64()?, max: cursor.f64()?, sum: cursor.f64()? }))
                    .collect::<Result<_, Short>>()?;
                Kind::Pages(Box::new(Pages { scale: Scale::Floats, unpacker: packed.unpacker()?, stats }))
            }
            Floats::One(float) => Kind::Stretches(vec![(*float, n)]),
            Floats::Integers(_) => Kind::Decoded(self.all()?),
        };
        Ok(Summing { n, kind })
    }
}

/// The statistics of the pages of a column of decimals, if it has them.
fn decimal_stats(
    packed: &Packed<'_>,
    power: f64,
    n: usize,
    mut cursor: Cursor<'_>,
) -> Result<Option<(Scale, Vec<Stat>)>, Short> {
    if cursor.u8()? != 1 {
        return Ok(None);
    }
    let (base, multiplier) = packed.scale();
    let mut before = 0_u64;
    let page_rows = packed.page_rows();
    let stats = (0..packed.pages_len())
        .map(|page| {
            let count = (n - page * page_rows).min(page_rows);
            let min = before.wrapping_add(cursor.zigzag()? as u64);
            let max = min.checked_add(cursor.varint()?).ok_or(Short)?;
            let rest = cursor.varint()?;
            before = min;
            let least = base.wrapping_add(min.wrapping_mul(multiplier) as i64);
            Ok(Stat {
                min: decimal(base, multiplier, power, min),
                max: decimal(base, multiplier, power, max),
                sum: Scale::sum(least, multiplier, power, count, rest),
            })
        })
        .collect::<Result<_, Short>>()?;
    Ok(Some((Scale::Decimals { base, multiplier, power }, stats)))
}

impl Summing<'_> {
    /// Of values in memory.
    pub(crate) fn of(values: Values) -> Summing<'static> {
        Summing { n: values.len(), kind: Kind::Decoded(values) }
    }

    /// Sums up the rows of a stretch. `known` are the first and the last value of all rows.
    pub(crate) fn sum_up(&mut self, rows: Range<usize>, known: [Option<Value>; 2]) -> Result<Summary, Short> {
        let rows = rows.start..rows.end.min(self.n);
        let mut summary = Summary::EMPTY;
        if rows.is_empty() {
            return Ok(summary);
        }
        match &mut self.kind {
            Kind::Pages(pages) => {
                let known = [known[0].filter(|_| rows.start == 0), known[1].filter(|_| rows.end == self.n)];
                pages.sum_up(rows, known, &mut summary)?;
            }
            Kind::Stretches(stretches) => sum_up_stretches(stretches, rows, &mut summary)?,
            Kind::Decoded(values) => values.sum_up(rows, &mut summary),
        }
        Ok(summary)
    }
}

impl Pages<'_> {
    /// Adds the rows of a stretch, whose first and last value may be known. In this order every page is decoded once,
    /// also for the stretches before and after.
    fn sum_up(
        &mut self,
        rows: Range<usize>,
        known: [Option<Value>; 2],
        summary: &mut Summary,
    ) -> Result<(), Short> {
        let Pages { scale, unpacker, stats } = self;
        let end = |unpacker: &mut Unpacker<'_>, row: usize, known: Option<Value>| match known {
            Some(value) => Ok((row, value)),
            None => scale.value(unpacker, row).map(|float| (row, Value::Float(float))),
        };
        let mut first = None;
        for page in unpacker.pages(&rows) {
            let of_page = unpacker.rows(page);
            let part = of_page.start.max(rows.start)..of_page.end.min(rows.end);
            summary.stat.add(if part == of_page {
                stats[page]
            } else {
                let part = part.start - of_page.start..part.end - of_page.start;
                scale.stat(unpacker, page, part)?
            });
            if first.is_none() {
                first = Some(end(unpacker, rows.start, known[0])?);
            }
        }
        let last = end(unpacker, rows.end - 1, known[1])?;
        summary.count = rows.len() as u64;
        summary.ends = first.map(|first| [first, last]);
        Ok(())
    }
}

/// Adds the rows of a stretch of a column that is given as (value, row after its last).
fn sum_up_stretches(
    stretches: &[(f64, usize)],
    rows: Range<usize>,
    summary: &mut Summary,
) -> Result<(), Short> {
    let skipped = stretches.partition_point(|(_, end)| *end <= rows.start);
    let (mut at, mut ends) = (rows.start, None);
    for (value, end) in &stretches[skipped..] {
        if at >= rows.end {
            break;
        }
        let end = (*end).min(rows.end);
        summary.stat.add(Stat { sum: *value * (end - at) as f64, ..Stat::of(&[*value]) });
        ends = Some((ends.map_or(*value, |(first, _)| first), *value));
        at = end;
    }
    let (first, last) = ends.ok_or(Short)?;
    summary.count = rows.len() as u64;
    summary.ends = Some([(rows.start, Value::Float(first)), (rows.end - 1, Value::Float(last))]);
    Ok(())
}

impl Scale {
    /// Of some rows of a page, counted from its first.
    fn stat(self, unpacker: &mut Unpacker<'_>, page: usize, rows: Range<usize>) -> Result<Stat, Short> {
        match self {
            Scale::Floats => unpacker.floats(page)?.get(rows).map(Stat::of).ok_or(Short),
            Scale::Decimals { base, multiplier, power } => {
                let count = rows.len();
                let stat = unpacker.stat(page, rows)?;
                Ok(Stat {
                    min: decimal(base, multiplier, power, stat.min),
                    max: decimal(base, multiplier, power, stat.max),
                    sum: Scale::sum(base, multiplier, power, count, stat.sum),
                })
            }
        }
    }

    fn value(self, unpacker: &mut Unpacker<'_>, row: usize) -> Result<f64, Short> {
        match self {
            Scale::Floats => {
                let page = unpacker.page_of(row);
                let at = row - unpacker.rows(page).start;
                unpacker.floats(page)?.get(at).copied().ok_or(Short)
            }
            Scale::Decimals { power, .. } => Ok(unpacker.int(row)? as f64 / power),
        }
    }
}

impl Values {
    /// Adds the values of a stretch of rows.
    fn sum_up(&self, rows: Range<usize>, summary: &mut Summary) {
        let mut at = rows.start;
        let first = self.specials.partition_point(|(row, _)| (*row as usize) < rows.start);
        let specials = self.specials[first..].iter().map(|(row, _)| *row as usize);
        // Plain floats between the special rows, which are few.
        for special in specials.take_while(|row| *row < rows.end).chain([rows.end]) {
            if at < special {
                summary.count += (special - at) as u64;
                summary.stat.add(Stat::of(&self.floats[at..special]));
            }
            if special < rows.end
                && let Some(Value::Integer(integer)) = self.at(special)
            {
                summary.count += 1;
                summary.stat.add(Stat::of(&[integer as f64]));
            }
            at = special + 1;
        }
        let value = |row: usize| self.at(row).map(|value| (row, value));
        if let (Some(first), Some(last)) = (rows.clone().find_map(value), rows.clone().rev().find_map(value))
        {
            summary.ends = Some([first, last]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::packed::Effort;
    use super::super::values::put_values;
    use super::*;
    use proptest::prelude::*;

    /// Every stretch between neighbouring cuts, against the values one by one.
    fn check(values: &[Option<Value>], cuts: &[usize]) {
        let mut column = Values::default();
        values.iter().for_each(|value| column.push(*value));
        let mut bytes = Vec::new();
        put_values(&mut bytes, &column, Effort::Full).unwrap();
        let opened = ValuesIn::get(&mut Cursor::new(&bytes), values.len()).unwrap();
        let mut summing = opened.summing().unwrap();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (values.len() + 1)).collect();
        cuts.extend([0, values.len()]);
        cuts.sort_unstable();
        for pair in cuts.windows(2) {
            let summary = summing.sum_up(pair[0]..pair[1], [None; 2]).unwrap();
            let present = (pair[0]..pair[1]).filter_map(|row| Some((row, opened.all().unwrap().at(row)?)));
            let present: Vec<(usize, Value)> = present.collect();
            let floats: Vec<f64> = present.iter().map(|(_, value)| value.to_f64()).collect();
            let expected = Stat::of(&floats);
            assert_eq!(summary.count, present.len() as u64);
            assert_eq!((summary.stat.min, summary.stat.max), (expected.min, expected.max));
            let size: f64 = floats.iter().filter(|float| float.is_finite()).map(|float| float.abs()).sum();
            let (sum, expected_sum) = (summary.stat.sum, expected.sum);
            let as_expected = (sum - expected_sum).abs() <= 1e-9 * size;
            assert!(
                !size.is_finite()
                    || as_expected
                    || sum == expected_sum
                    || sum.is_nan() && expected_sum.is_nan(),
                "{sum}, {expected_sum}"
            );
            // As text, in which a NaN equals itself.
            let ends = present.first().map(|first| [*first, *present.last().unwrap()]);
            assert_eq!(format!("{:?}", summary.ends), format!("{ends:?}"));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn stretches_are_summed_up_as_if_row_by_row(
            values in prop_oneof![
                prop::collection::vec(prop::option::weighted(0.9, (0_i64..999).prop_map(Value::from)), 1..2500),
                prop::collection::vec((-1_000_000_i64..1_000_000).prop_map(|k| Some(Value::from(k as f64 / 1000.0))), 1..2500),
                prop::collection::vec((-1e300..1e300).prop_map(|f| Some(Value::from(f))), 1..1500),
                prop::collection::vec((0_i64..5000).prop_map(|k| Some(Value::from((1 << 60) + k))), 1..300),
                prop::collection::vec((0_i64..2).prop_map(|k| Some(Value::from(k))), 1..20)
                    .prop_map(|values| values.into_iter().flat_map(|value| vec![value; 150]).collect()),
                prop::collection::vec(prop_oneof![Just(None), Just(Some(Value::from(0.5))), any::<i64>().prop_map(|k| Some(Value::from(k)))], 1..50),
                prop::collection::vec(prop_oneof![
                    400 => (0_i64..999).prop_map(|k| Some(Value::from(k as f64 / 10.0))),
                    1 => prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY]).prop_map(|f| Some(Value::from(f))),
                ], 1..2500),
                prop::collection::vec(prop::sample::select(vec![f64::NAN, f64::INFINITY]).prop_map(|f| Some(Value::from(f))), 1..20)
                    .prop_map(|values| values.into_iter().flat_map(|value| vec![value; 150]).collect()),
            ],
            cuts in prop::collection::vec(any::<usize>(), 0..4),
        ) {
            check(&values, &cuts);
        }
    }
}
