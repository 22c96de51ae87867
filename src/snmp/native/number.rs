//! Numbers as C reads and prints them.

/// Significant digits that are printed.
const DIGITS: i32 = 10;

/// The number that a text begins with, blanks before it, and how many bytes that takes; 0 and no bytes if there is none.
pub(super) fn read(text: &str) -> (f64, usize) {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c);
    let begin = text.bytes().take_while(blank).count();
    let rest = &text[begin..];
    let sign = usize::from(rest.starts_with(['-', '+']));
    let factor = if rest.starts_with('-') { -1.0 } else { 1.0 };
    let digits = &rest[sign..];
    let (value, len) = word(digits).or_else(|| hexadecimal(digits)).unwrap_or_else(|| decimal(digits));
    if len == 0 { (0.0, 0) } else { (factor * value, begin + sign + len) }
}

/// `inf`, `infinity` and `nan`, in any case.
fn word(text: &str) -> Option<(f64, usize)> {
    let words = [("infinity", f64::INFINITY), ("inf", f64::INFINITY), ("nan", f64::NAN)];
    let begins = |word: &str| text.get(..word.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(word));
    let (word, value) = words.into_iter().find(|(word, _)| begins(word))?;
    Some((value, word.len()))
}

/// `0x` and at least one digit, without what could follow a point.
fn hexadecimal(text: &str) -> Option<(f64, usize)> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?;
    let len = digits.bytes().take_while(u8::is_ascii_hexdigit).count();
    let value = digits[..len].chars().filter_map(|digit| digit.to_digit(16));
    (len > 0).then(|| (value.fold(0.0, |value, digit| value * 16.0 + f64::from(digit)), 2 + len))
}

fn decimal(text: &str) -> (f64, usize) {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let whole = digits(text);
    let fraction = text[whole..].strip_prefix('.').map_or(0, digits);
    if whole + fraction == 0 {
        return (0.0, 0);
    }
    let mut len = whole + usize::from(text[whole..].starts_with('.')) + fraction;
    if let Some(power) = text[len..].strip_prefix(['e', 'E']) {
        let sign = usize::from(power.starts_with(['-', '+']));
        let count = digits(&power[sign..]);
        len += if count > 0 { 1 + sign + count } else { 0 };
    }
    (text[..len].parse().unwrap_or(0.0), len)
}

/// A number without decimals, `%.0f`.
pub(super) fn whole(number: f64) -> String {
    odd(number).unwrap_or_else(|| format!("{number:.0}"))
}

/// A number with ten significant digits and no zeros at its end, `%.10g`.
pub(super) fn significant(number: f64) -> String {
    if let Some(odd) = odd(number) {
        return odd;
    }
    if number == 0.0 {
        return if number.is_sign_negative() { "-0" } else { "0" }.to_owned();
    }
    let digits = usize::try_from(DIGITS - 1).unwrap_or(0);
    let scientific = format!("{number:.digits$e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..DIGITS).contains(&exponent) {
        let decimals = usize::try_from(DIGITS - 1 - exponent).unwrap_or(0);
        return without_zeros(&format!("{number:.decimals$}")).to_owned();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", without_zeros(mantissa), exponent.abs())
}

fn without_zeros(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

fn odd(number: f64) -> Option<String> {
    let sign = if number.is_sign_negative() { "-" } else { "" };
    match () {
        () if number.is_nan() => Some(format!("{sign}nan")),
        () if number.is_infinite() => Some(format!("{sign}inf")),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_read_as_far_as_they_go() {
        for (text, value, len) in [
            ("12 x", 12.0, 2),
            ("-1.5e", -1.5, 4),
            ("-1.5e3x", -1500.0, 6),
            ("  7", 7.0, 3),
            (".5", 0.5, 2),
            ("5.", 5.0, 2),
            ("0x1Fg", 31.0, 4),
            ("0xg", 0.0, 1),
            ("+Infinity", f64::INFINITY, 9),
            (".", 0.0, 0),
            ("-", 0.0, 0),
            ("\"1\"", 0.0, 0),
            ("", 0.0, 0),
        ] {
            assert_eq!(read(text), (value, len), "{text}");
        }
        assert!(read("nano").0.is_nan() && read("nano").1 == 3);
    }

    #[test]
    fn numbers_are_printed_as_c_does() {
        for (number, expected) in [
            (10.79, "10.79"),
            (3.0, "3"),
            (0.0, "0"),
            (1_234_567_890.0, "1234567890"),
            (12_345_678_901.0, "1.23456789e+10"),
            (9_999_999_999.9, "1e+10"),
            (-0.25, "-0.25"),
            (0.000_012_5, "1.25e-05"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(significant(number), expected);
        }
        assert_eq!((whole(2.5).as_str(), whole(-0.4).as_str()), ("2", "-0"));
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_again(number: f64, rest in "([^0-9a-fA-FxX.+-].{0,4})?") {
            let printed = significant(number);
            let text = format!(" {printed}{rest}");
            let (again, len) = read(&text);
            prop_assert_eq!(len, 1 + printed.len());
            prop_assert!(
                again == number || (again - number).abs() <= number.abs() * 1e-9 || again.is_nan() && number.is_nan()
                    || again.is_infinite() && number.abs() > f64::MAX * (1.0 - 1e-9),
                "{} became {}", number, again
            );
        }

        #[test]
        fn any_text_begins_with_a_number_or_not(text in "[-+0-9.eExXinftya \\PC]{0,12}") {
            let (number, len) = read(&text);
            prop_assert!(text.is_char_boundary(len));
            prop_assert!(len > 0 || number == 0.0);
            prop_assert!(!number.is_nan() || text.to_lowercase().contains("nan"));
            // Text behind a number changes nothing about it.
            prop_assert_eq!(read(&text[..len]).1, len);
        }
    }
}
