//! Decoded numbers in as few bytes as they need, for what stays in memory for a while.

use std::mem::size_of;

use super::values::{POWERS, Special, Values, decimals};
use crate::value::Value;

/// Integers: how far each is above the least.
#[derive(Clone, Debug)]
pub(crate) enum Narrow {
    /// All are this one.
    Constant(i64),
    /// The least, and the rest in 8 bits.
    Bits8(i64, Box<[u8]>),
    /// The same in 16 bits.
    Bits16(i64, Box<[u16]>),
    /// The same in 32 bits.
    Bits32(i64, Box<[u32]>),
    /// As they are.
    Bits64(Box<[i64]>),
}

impl Narrow {
    pub(crate) fn of(numbers: &[i64]) -> Narrow {
        let least = numbers.iter().copied().min().unwrap_or(0);
        let greatest = numbers.iter().copied().max().unwrap_or(0);
        let above = |number: &i64| number.wrapping_sub(least) as u64;
        match above(&greatest) {
            0 => Narrow::Constant(least),
            1..=0xff => Narrow::Bits8(least, numbers.iter().map(|number| above(number) as u8).collect()),
            0x100..=0xffff => {
                Narrow::Bits16(least, numbers.iter().map(|number| above(number) as u16).collect())
            }
            0x1_0000..=0xffff_ffff => {
                Narrow::Bits32(least, numbers.iter().map(|number| above(number) as u32).collect())
            }
            _ => Narrow::Bits64(numbers.into()),
        }
    }

    /// The number with this index, which there must be.
    pub(crate) fn at(&self, index: usize) -> i64 {
        match self {
            Narrow::Constant(number) => *number,
            Narrow::Bits8(least, above) => least.wrapping_add(i64::from(above[index])),
            Narrow::Bits16(least, above) => least.wrapping_add(i64::from(above[index])),
            Narrow::Bits32(least, above) => least.wrapping_add(i64::from(above[index])),
            Narrow::Bits64(numbers) => numbers[index],
        }
    }

    /// Bytes that it takes beside itself.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Narrow::Constant(_) => 0,
            Narrow::Bits8(_, above) => above.len(),
            Narrow::Bits16(_, above) => above.len() * 2,
            Narrow::Bits32(_, above) => above.len() * 4,
            Narrow::Bits64(numbers) => numbers.len() * 8,
        }
    }
}

/// Values: decimals as integers where every one is a decimal.
#[derive(Clone, Debug)]
pub(crate) enum NarrowValues {
    /// So many decimals, and the integers.
    Decimals(usize, Narrow),
    /// As they are.
    Plain(Values),
}

impl NarrowValues {
    pub(crate) fn of(values: Values) -> NarrowValues {
        // The sign of a negative zero is not to depend on which rows are taken together.
        let signed_zero = |float: &f64| *float == 0.0 && float.is_sign_negative();
        if !values.specials.is_empty() || values.floats.iter().any(signed_zero) {
            return NarrowValues::Plain(values);
        }
        match decimals(&values.floats) {
            Some((digits, integers)) => NarrowValues::Decimals(digits, Narrow::of(&integers)),
            None => NarrowValues::Plain(values),
        }
    }

    /// The value with this index, which there must be.
    pub(crate) fn at(&self, index: usize) -> Option<Value> {
        match self {
            NarrowValues::Decimals(digits, integers) => {
                Some(Value::Float(integers.at(index) as f64 / POWERS[*digits]))
            }
            NarrowValues::Plain(values) => values.at(index),
        }
    }

    /// Bytes that it takes beside itself.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            NarrowValues::Decimals(_, integers) => integers.bytes(),
            NarrowValues::Plain(Values { floats, specials }) => {
                floats.capacity() * size_of::<f64>() + specials.capacity() * size_of::<(u32, Special)>()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_integers_come_back(numbers in prop_oneof![
            prop::collection::vec(any::<i64>(), 0..50),
            prop::collection::vec(-3_i64..3, 0..50),
            prop::collection::vec(-300_i64..300, 0..50),
            prop::collection::vec(prop_oneof![Just(i64::MIN), Just(i64::MIN + 70_000)], 0..50),
        ]) {
            let narrow = Narrow::of(&numbers);
            numbers.iter().enumerate().for_each(|(at, number)| assert_eq!(narrow.at(at), *number));
        }

        #[test]
        fn any_values_come_back_bit_by_bit(values in prop_oneof![
            prop::collection::vec(any::<f64>().prop_map(Some), 0..50),
            prop::collection::vec((-500_i64..500).prop_map(|k| Some(k as f64 / 100.0)), 0..50),
            prop::collection::vec(prop_oneof![Just(Some(-0.0)), Just(Some(0.0)), Just(Some(1.5))], 0..50),
            prop::collection::vec(prop_oneof![Just(None), Just(Some(0.1))], 0..50),
        ]) {
            let mut column = Values::default();
            values.iter().for_each(|value| column.push(value.map(Value::Float)));
            let narrow = NarrowValues::of(column);
            for (at, value) in values.iter().enumerate() {
                match narrow.at(at) {
                    Some(Value::Float(float)) => assert_eq!(Some(float.to_bits()), value.map(f64::to_bits)),
                    other => assert!(other.is_none() && value.is_none()),
                }
            }
        }
    }

    #[test]
    fn few_bits_take_few_bytes() {
        assert_eq!(Narrow::of(&[1 << 60; 100]).bytes(), 0);
        assert_eq!(Narrow::of(&[i64::MIN, i64::MIN + 255]).bytes(), 2);
        assert_eq!(Narrow::of(&[-1, 255]).bytes(), 4);
        let mut column = Values::default();
        (0..100).for_each(|k| column.push(Some(Value::Float(k as f64 / 100.0))));
        assert_eq!(NarrowValues::of(column).bytes(), 100);
    }
}
