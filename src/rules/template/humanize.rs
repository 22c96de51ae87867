//! Numbers, lengths of time and dates for people, as Prometheus writes them in templates.

use gotmpl::TemplateError;
use jiff::Timestamp;

const LARGE: [&str; 8] = ["k", "M", "G", "T", "P", "E", "Z", "Y"];
const LARGE_1024: [&str; 8] = ["ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"];
const SMALL: [&str; 8] = ["m", "u", "n", "p", "f", "a", "z", "y"];

/// With a metric prefix: `1.235k`, `12.5m`.
pub(super) fn humanize(value: f64) -> String {
    match value {
        _ if value == 0.0 || !value.is_finite() => four_digits(value),
        _ if value.abs() >= 1.0 => scaled_down(value, 1000.0, &LARGE),
        _ => scaled_up(value, ""),
    }
}

/// With a binary prefix: `1.206ki`.
pub(super) fn humanize_1024(value: f64) -> String {
    if value.abs() <= 1.0 || !value.is_finite() {
        return four_digits(value);
    }
    scaled_down(value, 1024.0, &LARGE_1024)
}

/// A share as per cent.
pub(super) fn percentage(value: f64) -> String {
    format!("{}%", four_digits(value * 100.0))
}

/// A length of time in seconds: `1d 2h 3m 4s`, `12.5ms`.
pub(super) fn duration(value: f64) -> String {
    if !value.is_finite() {
        return four_digits(value);
    }
    if value == 0.0 {
        return format!("{}s", four_digits(value));
    }
    if value.abs() < 1.0 {
        return scaled_up(value, "s");
    }
    let sign = if value < 0.0 { "-" } else { "" };
    let value = value.abs();
    // Longer than 64 bits can count is as long as they can.
    let whole = value as i64;
    let (days, hours, minutes, seconds) = (whole / 86_400, whole / 3600 % 24, whole / 60 % 60, whole % 60);
    match () {
        () if days != 0 => format!("{sign}{days}d {hours}h {minutes}m {seconds}s"),
        () if hours != 0 => format!("{sign}{hours}h {minutes}m {seconds}s"),
        () if minutes != 0 => format!("{sign}{minutes}m {seconds}s"),
        () => format!("{sign}{}s", four_digits(value)),
    }
}

/// A time in seconds since the epoch, as Go prints it in UTC: `2023-11-14 22:13:20.5 +0000 UTC`.
pub(super) fn timestamp(value: f64) -> Result<String, TemplateError> {
    if !value.is_finite() {
        return Ok(four_digits(value));
    }
    time(value)
}

/// The same, of a number that must be one.
pub(super) fn time(value: f64) -> Result<String, TemplateError> {
    if !value.is_finite() {
        return Err(TemplateError::Exec("value is NaN or Inf".to_owned()));
    }
    let nanos = value * 1e9;
    let beyond = || {
        TemplateError::Exec(format!(
            "{value} cannot be represented as a nanoseconds timestamp since it overflows int64"
        ))
    };
    if !(i64::MIN as f64..=i64::MAX as f64).contains(&nanos) {
        return Err(beyond());
    }
    // Prometheus' times are of milliseconds.
    let ms = (nanos as i64).div_euclid(1_000_000);
    let at = Timestamp::from_millisecond(ms).map_err(|_| beyond())?;
    let fraction = format!("{:03}", ms.rem_euclid(1000));
    let fraction = fraction.trim_end_matches('0');
    let dot = if fraction.is_empty() { "" } else { "." };
    Ok(format!("{}{dot}{fraction} +0000 UTC", at.strftime("%Y-%m-%d %H:%M:%S")))
}

/// A length of time in seconds as Go prints one: `1h2m3.5s`, `12.5ms`.
pub(super) fn go_duration(value: f64) -> String {
    let nanos = (value * 1e9) as i64;
    let size = nanos.unsigned_abs();
    let sign = if nanos < 0 { "-" } else { "" };
    let part = |unit: u64, name: &str| {
        let text = format!("{}", size as f64 / unit as f64);
        format!("{sign}{text}{name}")
    };
    match size {
        0 => "0s".to_owned(),
        1..1_000 => part(1, "ns"),
        1_000..1_000_000 => part(1_000, "µs"),
        1_000_000..1_000_000_000 => part(1_000_000, "ms"),
        _ => {
            let (whole, rest) = (size / 1_000_000_000, size % 1_000_000_000);
            let fraction = format!("{rest:09}");
            let fraction = fraction.trim_end_matches('0');
            let dot = if fraction.is_empty() { "" } else { "." };
            let seconds = format!("{}{dot}{fraction}s", whole % 60);
            match (whole / 3600, whole / 60 % 60) {
                (0, 0) => format!("{sign}{seconds}"),
                (0, minutes) => format!("{sign}{minutes}m{seconds}"),
                (hours, minutes) => format!("{sign}{hours}h{minutes}m{seconds}"),
            }
        }
    }
}

fn scaled_down(mut value: f64, base: f64, prefixes: &[&'static str]) -> String {
    let mut prefix = "";
    for next in prefixes {
        if value.abs() < base {
            break;
        }
        prefix = next;
        value /= base;
    }
    format!("{}{prefix}", four_digits(value))
}

fn scaled_up(mut value: f64, unit: &str) -> String {
    let mut prefix = "";
    for next in SMALL {
        if value.abs() >= 1.0 {
            break;
        }
        prefix = next;
        value *= 1000.0;
    }
    format!("{}{prefix}{unit}", four_digits(value))
}

/// A number with four significant digits at most, as Go's `%.4g` writes it.
pub(super) fn four_digits(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let text = format!("{value:.3e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..4).contains(&exponent) {
        // The digits that were rounded to, written without an exponent.
        let rounded: f64 = text.parse().unwrap_or(value);
        return format!("{rounded}");
    }
    let digits = digits.trim_end_matches('0').trim_end_matches('.');
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_four_digits_and_a_prefix() {
        for (value, text) in [
            (0.0, "0"),
            (1.0, "1"),
            (1234.567, "1.235k"),
            (0.12, "120m"),
            (1e-7, "100n"),
            (999.96, "1000"),
            (-1_500_000.0, "-1.5M"),
            (1e30, "1e+06Y"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
        ] {
            assert_eq!(humanize(value), text);
        }
        for (value, text) in
            [(0.0, "0"), (1.0, "1"), (1_048_576.0, "1Mi"), (0.12, "0.12"), (1200.0, "1.172ki")]
        {
            assert_eq!(humanize_1024(value), text);
        }
        assert_eq!(percentage(0.12345), "12.35%");
        assert_eq!(percentage(-0.0001), "-0.01%");
    }

    #[test]
    fn lengths_of_time_have_units() {
        for (value, text) in [
            (0.0, "0s"),
            (0.1, "100ms"),
            (0.000_05, "50us"),
            (1.5, "1.5s"),
            (59.987, "59.99s"),
            (60.0, "1m 0s"),
            (-3661.0, "-1h 1m 1s"),
            (86_400.0, "1d 0h 0m 0s"),
            (899.99, "14m 59s"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(duration(value), text);
        }
        for (value, text) in [(0.0, "0s"), (1899.0, "31m39s"), (0.0125, "12.5ms"), (-3600.5, "-1h0m0.5s")] {
            assert_eq!(go_duration(value), text);
        }
    }

    #[test]
    fn times_are_those_of_go_in_utc() {
        assert_eq!(timestamp(1_435_065_584.128).unwrap(), "2015-06-23 13:19:44.128 +0000 UTC");
        assert_eq!(timestamp(0.0).unwrap(), "1970-01-01 00:00:00 +0000 UTC");
        assert_eq!(timestamp(f64::INFINITY).unwrap(), "+Inf");
        assert!(time(f64::NAN).is_err());
        assert!(time(1e300).is_err());
    }
}
