//! Numbers as text.

/// A number as Prometheus writes it in JSON: with as few digits as lead back to it, an exponent only below 1e-6 and from
/// 1e21 on; `NaN`, `+Inf`, `-Inf`.
pub fn format_number(value: f64) -> String {
    with_exponent_outside(value, 1e-6, 1e21)
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
    use super::*;

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
