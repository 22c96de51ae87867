//! Decimal numbers as plugins print them, scaled to base units without losing a digit (`docs/plugin-output.md#numbers` and
//! `docs/plugin-output.md#commas`).
//!
//! A decimal stays text until it is scaled. A power of ten then changes the exponent before the conversion to binary, so
//! `0.451` milliseconds become the float nearest to 0.000451, and a 64-bit counter stays exact.

use std::fmt;

/// A finite number: a float, or an integer that no 64-bit float equals.
///
/// Equal numbers have equal representations, because an integer that a float represents exactly is always a `Float`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// Any finite float; never negative zero.
    Float(f64),
    /// An integer beyond 2^53 without an exact float, such as a 64-bit counter.
    Integer(i64),
}

impl Number {
    /// The number as a float, rounded to the nearest where it is an [`Number::Integer`].
    pub fn to_f64(self) -> f64 {
        match self {
            Number::Float(value) => value,
            Number::Integer(value) => value as f64,
        }
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Number {
        let float = value as f64;
        // In 128 bits, because the float 2^63 saturates when it becomes an i64 again.
        if float as i128 == i128::from(value) { Number::Float(float) } else { Number::Integer(value) }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::Float(value) => value.fmt(f),
            Number::Integer(value) => value.fmt(f),
        }
    }
}

/// The factor from a printed number to its base unit: `10^power × times / over`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scale {
    /// Power of ten, applied to the decimal text.
    pub(crate) power: i32,
    /// Factor that is not a power of ten: 60, 3600, 86400 or a power of 1024. At least 1.
    pub(crate) times: u128,
    /// Divisor: 60 or 3600 for watt-minutes and watt-seconds, else 1.
    pub(crate) over: u32,
}

impl Scale {
    /// The factor 1.
    pub(crate) const ONE: Scale = Scale { power: 0, times: 1, over: 1 };
}

/// Which character may be the decimal point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Point {
    /// `.` only.
    Strict,
    /// `.`, or a single `,` instead.
    Lenient,
}

/// A number as written. Its value is `±whole.fraction × 10^exponent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decimal<'a> {
    negative: bool,
    /// ASCII digits before the point; may be empty.
    whole: &'a str,
    /// ASCII digits after the point; may be empty.
    fraction: &'a str,
    exponent: i32,
    has_exponent: bool,
    /// `true` if the decimal point is a comma.
    pub(crate) comma: bool,
    /// `true` for `0`, with or without a sign: what follows may be the `x` of a hexadecimal number.
    pub(crate) lone_zero: bool,
}

/// Exponents saturate here: far beyond any float, far within an `i32` even after scaling.
const EXPONENT_MAX: i32 = 1_000_000;
/// Digits that may take part in exact integer arithmetic; an `i64` has 19.
const EXACT_DIGITS_MAX: usize = 36;

impl<'a> Decimal<'a> {
    /// Reads the longest number at the start of `text` and returns it with the rest.
    pub(crate) fn scan(text: &'a str, point: Point) -> Option<(Decimal<'a>, &'a str)> {
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let (whole, mut rest) = split_digits(unsigned);
        let mut fraction = "";
        let mut comma = false;
        let mut has_point = false;
        if let Some(after) = rest.strip_prefix('.') {
            (fraction, rest) = split_digits(after);
            has_point = true;
        } else if let (Point::Lenient, Some(after)) = (point, rest.strip_prefix(',')) {
            (fraction, rest) = split_digits(after);
            (comma, has_point) = (true, true);
        }
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let mut exponent = 0;
        let mut has_exponent = false;
        if let Some((value, after)) = scan_exponent(rest) {
            (exponent, rest, has_exponent) = (value, after, true);
        }
        let lone_zero = whole == "0" && !has_point && !has_exponent;
        let negative = text.starts_with('-');
        Some((Decimal { negative, whole, fraction, exponent, has_exponent, comma, lone_zero }, rest))
    }

    /// Whether the comma may also group thousands: `2,000` is two or two thousand. A leading zero (`0,012`), an exponent and
    /// another number of digits on either side rule that out.
    pub(crate) fn is_ambiguous(self) -> bool {
        self.comma
            && !self.has_exponent
            && self.fraction.len() == 3
            && (1..=3).contains(&self.whole.len())
            && !self.whole.starts_with('0')
    }

    /// The number in its base unit; `None` if it is not finite there.
    pub(crate) fn to_number(self, scale: Scale) -> Option<Number> {
        match self.to_integer(scale) {
            Some(integer) => Some(Number::from(integer)),
            None => self.to_f64(scale).map(Number::Float),
        }
    }

    /// The nearest float in the base unit; `None` if it is not finite.
    pub(crate) fn to_f64(self, scale: Scale) -> Option<f64> {
        let exponent = self.exponent + scale.power;
        let text = format!("{}.{}e{exponent}", self.whole, self.fraction);
        let magnitude = text.parse::<f64>().ok()? * scale.times as f64 / f64::from(scale.over);
        let value = if self.negative { -magnitude } else { magnitude };
        // Adding zero turns negative zero into zero.
        value.is_finite().then_some(value + 0.0)
    }

    /// The number in its base unit if that is an integer within 64 bits.
    fn to_integer(self, scale: Scale) -> Option<i64> {
        let fraction = self.fraction.trim_end_matches('0');
        let whole = self.whole.trim_start_matches('0');
        if scale.over != 1 || whole.len() + fraction.len() > EXACT_DIGITS_MAX {
            return None;
        }
        let mut mantissa: i128 = 0;
        for digit in whole.bytes().chain(fraction.bytes()) {
            mantissa = mantissa * 10 + i128::from(digit - b'0');
        }
        let mut exponent = self.exponent + scale.power - i32::try_from(fraction.len()).ok()?;
        if mantissa == 0 {
            return Some(0);
        }
        while exponent < 0 {
            if mantissa % 10 != 0 {
                return None;
            }
            mantissa /= 10;
            exponent += 1;
        }
        let power = 10_i128.checked_pow(u32::try_from(exponent).ok()?)?;
        let magnitude = mantissa.checked_mul(power)?.checked_mul(i128::try_from(scale.times).ok()?)?;
        i64::try_from(if self.negative { -magnitude } else { magnitude }).ok()
    }
}

fn split_digits(text: &str) -> (&str, &str) {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

/// Reads `e`, an optional sign and digits. Without digits there is no exponent: the `E` of `1EB` begins a unit.
fn scan_exponent(text: &str) -> Option<(i32, &str)> {
    let after = text.strip_prefix(['e', 'E'])?;
    let unsigned = after.strip_prefix(['+', '-']).unwrap_or(after);
    let (digits, rest) = split_digits(unsigned);
    if digits.is_empty() {
        return None;
    }
    let mut value = 0;
    for digit in digits.bytes() {
        value = (value * 10 + i32::from(digit - b'0')).min(EXPONENT_MAX);
    }
    Some((if after.starts_with('-') { -value } else { value }, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str, scale: Scale) -> Option<Number> {
        let (decimal, rest) = Decimal::scan(text, Point::Lenient)?;
        assert_eq!(rest, "", "{text}");
        decimal.to_number(scale)
    }

    #[test]
    fn integers_stay_exact_through_integer_factors() {
        let kilo = Scale { power: 3, ..Scale::ONE };
        assert_eq!(number("9007199254740993", Scale::ONE), Some(Number::Integer(9007199254740993)));
        assert_eq!(number("-9007199254740993.000000", Scale::ONE), Some(Number::Integer(-9007199254740993)));
        assert_eq!(number("9007199254740.993", kilo), Some(Number::Integer(9007199254740993)));
        assert_eq!(number("9007199254740993.001", kilo), Some(Number::Integer(9007199254740993001)));
        let kibi = Scale { times: 1024, ..Scale::ONE };
        assert_eq!(number("9007199254740991", kibi), Some(Number::Float(9007199254740991.0 * 1024.0)));
        let minute = Scale { times: 60, ..Scale::ONE };
        assert_eq!(number("150119987579016551", minute), Some(Number::Integer(9007199254740993060)));
        assert_eq!(number("9223372036854775808", Scale::ONE), Some(Number::Float(9223372036854775808.0)));
    }

    #[test]
    fn powers_of_ten_move_the_exponent_and_round_once() {
        assert_eq!(number("0.451", Scale { power: -3, ..Scale::ONE }), Some(Number::Float(0.000451)));
        assert_eq!(number("800", Scale { power: -9, ..Scale::ONE }), Some(Number::Float(8e-7)));
        assert_eq!(number("19730.51", Scale { power: 6, ..Scale::ONE }), Some(Number::Float(19730510000.0)));
    }

    #[test]
    fn extremes_are_finite_or_rejected() {
        assert_eq!(number("1e400", Scale::ONE), None);
        assert_eq!(number("0e99999999999999999999", Scale::ONE), Some(Number::Float(0.0)));
        assert_eq!(number("1e-99999999999999999999", Scale::ONE), Some(Number::Float(0.0)));
        assert_eq!(number("1e300", Scale { power: 24, ..Scale::ONE }), None);
        assert_eq!(number("-0", Scale::ONE), Some(Number::Float(0.0)));
        assert!(number("-0.0", Scale::ONE).unwrap().to_f64().is_sign_positive());
        assert_eq!(number(&"9".repeat(400), Scale::ONE), None);
        assert_eq!(number(&format!("{}7", "0".repeat(400)), Scale::ONE), Some(Number::Float(7.0)));
    }

    #[test]
    fn the_scan_takes_the_longest_number() {
        for (text, rest) in
            [("1EB", "EB"), ("1e5s", "s"), ("1e+", "e+"), ("5.", ""), (".5x", "x"), ("1.2.3", ".3")]
        {
            assert_eq!(Decimal::scan(text, Point::Strict).unwrap().1, rest, "{text}");
        }
        for text in ["", ".", "+", "-.", "--5", "e5", "inf", "nan", "٣"] {
            assert_eq!(Decimal::scan(text, Point::Lenient), None, "{text}");
        }
        assert_eq!(Decimal::scan("1,5", Point::Strict).unwrap().1, ",5");
        assert!(Decimal::scan("1,5", Point::Lenient).unwrap().0.comma);
    }

    #[test]
    fn three_digits_behind_a_comma_are_thousandths_or_a_group() {
        for (text, ambiguous) in [
            ("2,000", true),
            ("-12,345", true),
            ("+999,999", true),
            ("0,012", false),
            ("00,123", false),
            ("2,00", false),
            ("2,0000", false),
            ("1234,567", false),
            (",500", false),
            ("2,000e3", false),
            ("2.000", false),
            ("2000", false),
        ] {
            assert_eq!(Decimal::scan(text, Point::Lenient).unwrap().0.is_ambiguous(), ambiguous, "{text}");
        }
    }
}
