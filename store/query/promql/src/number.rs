//! Numbers as text.

/// A number as Prometheus writes it in JSON: with as few digits as lead back to it, an exponent only below 1e-6 and from
/// 1e21 on; `NaN`, `+Inf`, `-Inf`.
pub fn format_number(value: f64) -> String {
    let mut out = String::new();
    write_number(&mut out, value);
    out
}

/// Appends a number as [`format_number`] writes it.
pub fn write_number(out: &mut String, value: f64) {
    match decimal(value.abs()) {
        Some((digits, decimals)) => {
            if value < 0.0 {
                out.push('-');
            }
            write_decimal(out, digits, decimals);
        }
        None => out.push_str(&with_exponent_outside(value, 1e-6, 1e21)),
    }
}

/// A decimal below this has at most 15 digits, and no other one with so few is the same float.
const SHORT_DECIMAL_END: f64 = 1e15;

/// The digits and the number of decimals of what plugins print: a decimal of few digits. None for other numbers.
fn decimal(size: f64) -> Option<(u64, usize)> {
    const POWERS: [f64; 10] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
    if !(1e-6..SHORT_DECIMAL_END).contains(&size) {
        return None;
    }
    POWERS
        .iter()
        .enumerate()
        .map_while(|(decimals, power)| {
            let wide = size * power;
            (wide < SHORT_DECIMAL_END).then(|| {
                let digits = (wide + 0.5) as u64;
                (digits as f64 / power == size).then_some((digits, decimals))
            })
        })
        .flatten()
        .next()
}

/// Appends a number that has so many decimals.
pub fn write_decimal(out: &mut String, mut digits: u64, decimals: usize) {
    let mut text = [b'0'; 32];
    let mut at = text.len();
    let mut put = |byte: u8| {
        at -= 1;
        text[at] = byte;
    };
    for _ in 0..decimals.min(10) {
        put(b'0' + (digits % 10) as u8);
        digits /= 10;
    }
    if decimals > 0 {
        put(b'.');
    }
    loop {
        put(b'0' + (digits % 10) as u8);
        digits /= 10;
        if digits == 0 {
            break;
        }
    }
    out.push_str(std::str::from_utf8(&text[at..]).unwrap_or_default());
}

/// A number as Go's `%g` writes it.
pub(crate) fn short_number(value: f64) -> String {
    with_exponent_outside(value, 1e-4, 1e21)
}

/// A number without an exponent.
pub(crate) fn plain_number(value: f64) -> String {
    with_exponent_outside(value, 0.0, f64::INFINITY)
}

/// A number with two significant digits, as Go's `%.2g` writes it.
pub(crate) fn two_digits(value: f64) -> String {
    let rounded: f64 = format!("{value:.1e}").parse().unwrap_or(value);
    with_exponent_outside(rounded, 1e-4, 100.0)
}

fn with_exponent_outside(value: f64, least: f64, most: f64) -> String {
    let size = value.abs();
    match value {
        _ if value.is_nan() => "NaN".to_owned(),
        _ if value.is_infinite() => if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned(),
        _ if value != 0.0 && !(least..most).contains(&size) => {
            let text = format!("{value:e}");
            let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
            let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
            format!("{digits}e{sign}{exponent:0>2}")
        }
        _ => format!("{value}"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn short_decimals_are_written_as_any_other_number(
            value in prop_oneof![
                any::<f64>(),
                (-2_000_000_000_000_000_i64..2_000_000_000_000_000).prop_map(|digits| digits as f64),
                (-100_000_i64..100_000, 0..12).prop_map(|(digits, decimals)| digits as f64 / 10_f64.powi(decimals)),
                (any::<i64>(), 0..12).prop_map(|(digits, decimals)| digits as f64 / 10_f64.powi(decimals)),
            ],
        ) {
            prop_assert_eq!(format_number(value), with_exponent_outside(value, 1e-6, 1e21));
        }
    }

    #[test]
    fn numbers_are_written_as_prometheus_writes_them() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.5, "1.5"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1e-6, "0.000001"),
            (9.9e-7, "9.9e-07"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (-1.25e300, "-1.25e+300"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            assert_eq!(format_number(value), text);
        }
        assert_eq!(short_number(0.00001), "1e-05");
        assert_eq!(plain_number(1e-7), "0.0000001");
        assert_eq!(two_digits(123.0), "1.2e+02");
        assert_eq!(two_digits(0.0371), "0.037");
    }
}
