//! The values of one metric in a bundle: a byte, then for each run a varint and perhaps more.
//!
//! ```text
//! u8      0 to 9: decimals of so many digits; 16: integers
//! varint  0  no value
//!         1  a float, whose 8 bytes follow
//!         2  an integer, whose zigzag follows
//!         n  of a number k: zigzag of k minus the k before it (0 at first) is n - 3. The value is k / 10^digits as a
//!            float, or the integer k
//! ```

use crate::bytes::{Cursor, Short, put_varint, put_zigzag, signed, zigzag};
use crate::value::{Value, canonical};

const NONE: u64 = 0;
const FLOAT: u64 = 1;
const INTEGER: u64 = 2;
const FIRST: u64 = 3;
const INTEGERS: u8 = 16;

/// Powers of ten by digits, all of them exact.
const POWERS: [f64; 10] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
/// Beyond this, floats lack some integers.
const WHOLE_MAX: f64 = (1_u64 << 53) as f64;

/// The number k whose k / 10^digits is this float, if there is one.
fn decimal(float: f64, power: f64) -> Option<i64> {
    let number = (float * power).round_ties_even();
    // No NaN is less than anything, and no infinity.
    (number.abs() <= WHOLE_MAX && (number / power).to_bits() == float.to_bits()).then_some(number as i64)
}

/// The digits by which most is a decimal: the most that any value needs.
fn kind(values: &[Option<Value>]) -> u8 {
    if values.iter().any(|value| matches!(value, Some(Value::Integer(_)))) {
        return INTEGERS;
    }
    let mut digits = 0;
    for value in values {
        let Some(Value::Float(float)) = value else { continue };
        digits = (digits..POWERS.len()).find(|at| decimal(*float, POWERS[*at]).is_some()).unwrap_or(digits);
    }
    digits as u8
}

/// Appends the values of a metric, one a run.
pub(super) fn put_values(out: &mut Vec<u8>, values: &[Option<Value>]) {
    let kind = kind(values);
    out.push(kind);
    let mut before = 0_i64;
    for value in values {
        // A NaN is one NaN, and a negative zero a zero, as in the store.
        let value = value.map(|value| match value {
            Value::Float(float) => Value::Float(canonical(float)),
            integer => integer,
        });
        let number = match value {
            Some(Value::Integer(integer)) => Some(integer),
            Some(Value::Float(float)) => {
                POWERS.get(usize::from(kind)).and_then(|power| decimal(float, *power))
            }
            None => None,
        };
        let code = number.and_then(|number| zigzag(number.wrapping_sub(before)).checked_add(FIRST));
        match (value, number, code) {
            (_, Some(number), Some(code)) => {
                put_varint(out, code);
                before = number;
            }
            (Some(Value::Float(float)), ..) => {
                put_varint(out, FLOAT);
                out.extend_from_slice(&float.to_le_bytes());
            }
            (Some(Value::Integer(integer)), ..) => {
                put_varint(out, INTEGER);
                put_zigzag(out, integer);
            }
            (None, ..) => put_varint(out, NONE),
        }
    }
}

/// The values of a metric of so many runs.
pub(super) fn get_values(cursor: &mut Cursor<'_>, runs: usize) -> Result<Vec<Option<Value>>, Short> {
    let kind = cursor.u8()?;
    let power = POWERS.get(usize::from(kind)).copied();
    if power.is_none() && kind != INTEGERS {
        return Err(Short);
    }
    let mut before = 0_i64;
    let mut values = Vec::new();
    for _ in 0..runs {
        values.push(match cursor.varint()? {
            NONE => None,
            FLOAT => Some(Value::Float(cursor.f64()?)),
            INTEGER => Some(Value::Integer(cursor.zigzag()?)),
            code => {
                before = before.wrapping_add(signed(code - FIRST));
                Some(match power {
                    Some(power) => Value::Float(before as f64 / power),
                    None => Value::Integer(before),
                })
            }
        });
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn there_and_back(values: &[Option<Value>]) -> (Vec<u8>, Vec<Option<Value>>) {
        let mut out = Vec::new();
        put_values(&mut out, values);
        let mut cursor = Cursor::new(&out);
        let read = get_values(&mut cursor, values.len()).unwrap();
        assert!(cursor.is_at_end());
        (out, read)
    }

    #[test]
    fn decimals_take_a_byte_or_two() {
        let values: Vec<Option<Value>> = [0.42, 0.4, 0.38, 0.0, -0.01].map(|v| Some(Value::Float(v))).into();
        let (out, read) = there_and_back(&values);
        assert_eq!(out, [2, 87, 6, 6, 78, 4]);
        assert_eq!(read, values);
    }

    #[test]
    fn odd_values_come_back() {
        let odd = [1e300, f64::INFINITY, 0.1 + 0.2, 5e-324, 1e15].map(|v| Some(Value::Float(v)));
        let whole = [i64::MAX, i64::MIN, (1 << 53) + 1, 0].map(|v| Some(Value::Integer(v)));
        let all = [&odd[..], &[None], &whole, &odd].concat();
        for values in [&odd[..], &whole, &all] {
            assert_eq!(there_and_back(values).1, values);
        }
        let read = there_and_back(&[Some(Value::Float(-0.0)), Some(Value::Float(-f64::NAN))]).1;
        let bits: Vec<u64> = read.iter().flatten().map(|value| value.to_f64().to_bits()).collect();
        assert_eq!(bits, [0, f64::NAN.to_bits()]);
    }

    fn value() -> impl Strategy<Value = Option<Value>> {
        prop_oneof![
            Just(None),
            (-1000_i64..1000).prop_map(|hundredths| Some(Value::Float(hundredths as f64 / 100.0))),
            any::<f64>().prop_map(|float| Some(Value::Float(canonical(float)))),
            any::<i64>().prop_map(|integer| Some(Value::Integer(integer))),
        ]
    }

    proptest! {
        #[test]
        fn values_come_back_bit_by_bit(values in prop::collection::vec(value(), 0..40)) {
            let (_, read) = there_and_back(&values);
            let bits = |value: &Option<Value>| value.map(|value| match value {
                Value::Float(float) => (1, float.to_bits()),
                Value::Integer(integer) => (2, integer as u64),
            });
            prop_assert_eq!(
                read.iter().map(bits).collect::<Vec<_>>(),
                values.iter().map(bits).collect::<Vec<_>>()
            );
        }
    }
}
