//! Numbers, quantities and durations as people read them. Pure text; nothing here is parsed again.

/// Prefixes of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Prefixes {
    /// `kB`, `MB`: powers of 1000.
    #[default]
    Si,
    /// `KiB`, `MiB`: powers of 1024, for bytes and bits only.
    Iec,
}

const LARGE: [&str; 9] = ["", "k", "M", "G", "T", "P", "E", "Z", "Y"];
const LARGE_IEC: [&str; 9] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"];
const SMALL: [&str; 4] = ["", "m", "µ", "n"];

/// A value in a base unit, to three significant digits: `8.12 GB`, `31.3 ms`, `2h 5m`, `73.7%`, `12.4k`.
///
/// The unit is one of perfdata; `c` (a counter) is not shown, and one that is not known follows as it is.
pub fn quantity(value: f64, unit: &str, prefixes: Prefixes) -> String {
    let iec = prefixes == Prefixes::Iec && matches!(unit, "B" | "b");
    match unit {
        "s" if value.abs() >= 60.0 => duration_ms((value * 1000.0).clamp(-9e15, 9e15) as i64),
        "s" => small_and_large(value, "s", true, false),
        "B" | "b" | "g" | "l" | "B/s" | "b/s" => small_and_large(value, unit, false, iec),
        "A" | "V" | "W" | "As" | "Wh" => small_and_large(value, unit, true, false),
        "O" => small_and_large(value, "Ω", true, false),
        "%" => format!("{}%", significant(value)),
        "C" | "F" => format!("{}°{unit}", significant(value)),
        "" | "c" => plain(value),
        "/s" => format!("{}/s", plain(value)),
        _ => format!("{} {unit}", plain(value)),
    }
}

/// A number without a unit, to three significant digits: `0.31`, `1280`, `12.4k`.
pub fn plain(value: f64) -> String {
    if value.abs() < 9999.5 {
        return four_digits(value);
    }
    let (number, prefix) = large(value, 1000.0);
    format!("{number}{}", LARGE[prefix])
}

fn small_and_large(value: f64, unit: &str, small: bool, iec: bool) -> String {
    let (number, prefix) = if value == 0.0 {
        ("0".to_owned(), "")
    } else if small && value.abs() < 1.0 {
        small_prefix(value)
    } else if iec {
        let (number, index) = large(value, 1024.0);
        (number, LARGE_IEC[index])
    } else {
        let (number, index) = large(value, 1000.0);
        (number, LARGE[index])
    };
    format!("{number} {prefix}{unit}")
}

fn small_prefix(value: f64) -> (String, &'static str) {
    let mut scaled = value;
    let mut index = 0;
    // What would be shown as 1000 of a prefix is 1 of the next, so 0.99996 stays below.
    while scaled.abs() < 0.9995 && index + 1 < SMALL.len() {
        scaled *= 1000.0;
        index += 1;
    }
    (significant(scaled), SMALL[index])
}

fn large(value: f64, base: f64) -> (String, usize) {
    let mut scaled = value;
    let mut index = 0;
    while scaled.abs() >= base * 0.9995 && index + 1 < LARGE.len() {
        scaled /= base;
        index += 1;
    }
    (significant(scaled), index)
}

/// Three significant digits, or all digits before the point, without trailing zeros.
pub fn significant(value: f64) -> String {
    digits(value, 3)
}

/// Like [`significant`], but integers of four digits are shown whole and small numbers get a fourth digit.
fn four_digits(value: f64) -> String {
    digits(value, if value.abs() < 1.0 { 3 } else { 4 })
}

fn digits(value: f64, count: i32) -> String {
    if value == 0.0 || !value.is_finite() {
        return value.abs().to_string();
    }
    let magnitude = value.abs().log10().floor() as i32;
    if magnitude < -6 || magnitude > 15 {
        return format!("{value:.*e}", (count - 1) as usize);
    }
    let decimals = (count - 1 - magnitude).max(0) as usize;
    trim_zeros(format!("{value:.decimals$}"))
}

/// Removes zeros at the end of a fraction.
pub(crate) fn trim_zeros(text: String) -> String {
    if !text.contains('.') {
        return text;
    }
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A duration by its two largest units: `451ms`, `5.2s`, `2m 5s`, `3h 12m`, `5d 3h`, `2y 40d` (years of 365 days).
pub fn duration_ms(ms: i64) -> String {
    let sign = if ms < 0 { "-" } else { "" };
    let ms = ms.unsigned_abs();
    let seconds = ms / 1000;
    if ms < 1000 {
        return format!("{sign}{ms}ms");
    }
    if seconds < 10 {
        return format!("{sign}{}s", trim_zeros(format!("{}.{}", seconds, ms % 1000 / 100)));
    }
    const UNITS: [(&str, u64); 5] = [("y", 31_536_000), ("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)];
    let first = UNITS.iter().position(|&(_, length)| seconds >= length).unwrap_or(UNITS.len() - 1);
    let (name, length) = UNITS[first];
    let mut text = format!("{sign}{}{name}", seconds / length);
    if let Some(&(next_name, next_length)) = UNITS.get(first + 1) {
        let rest = seconds % length / next_length;
        if rest > 0 {
            text += &format!(" {rest}{next_name}");
        }
    }
    text
}

/// How long ago a moment was, such as `12s ago`, or how far ahead it is, such as `in 5s`.
pub fn age(now_ms: i64, then_ms: i64) -> String {
    let passed = now_ms.saturating_sub(then_ms);
    // Clocks of two processes may differ by a moment.
    if passed.abs() < 1000 {
        "now".to_owned()
    } else if passed > 0 {
        format!("{} ago", duration_ms(passed - passed % 1000))
    } else {
        let ahead = passed.saturating_neg();
        format!("in {}", duration_ms(ahead - ahead % 1000))
    }
}

/// A count of bytes: `512 B`, `8.12 MB`.
pub fn bytes(count: u64) -> String {
    quantity(count as f64, "B", Prefixes::Si)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_have_a_prefix_that_suits_their_unit() {
        for (value, unit, shown) in [
            (0.0, "B", "0 B"),
            (512.0, "B", "512 B"),
            (999.4, "B", "999 B"),
            (999.6, "B", "1 kB"),
            (8.123e9, "B", "8.12 GB"),
            (-8.123e9, "B", "-8.12 GB"),
            (1e8, "b", "100 Mb"),
            (0.000451, "s", "451 µs"),
            (0.0313, "s", "31.3 ms"),
            (0.99996, "s", "1 s"),
            (8e-10, "s", "0.8 ns"),
            (12.44, "s", "12.4 s"),
            (7500.0, "s", "2h 5m"),
            (0.5, "B", "0.5 B"),
            (73.74, "%", "73.7%"),
            (61.5, "C", "61.5°C"),
            (0.85, "A", "850 mA"),
            (4000.0, "O", "4 kΩ"),
            (0.31, "", "0.31"),
            (1280.0, "", "1280"),
            (12345.0, "", "12.3k"),
            (4289431127.0, "c", "4.29G"),
            (9.0, "queries", "9 queries"),
            (1.5e6, "packets", "1.5M packets"),
            (2e6, "/s", "2M/s"),
            (1e-9, "", "1.00e-9"),
        ] {
            assert_eq!(quantity(value, unit, Prefixes::Si), shown);
        }
        assert_eq!(quantity(1024.0 * 1024.0 * 1.5, "B", Prefixes::Iec), "1.5 MiB");
        assert_eq!(quantity(1023.9, "B", Prefixes::Iec), "1 KiB");
        assert_eq!(quantity(0.5, "s", Prefixes::Iec), "500 ms");
    }

    #[test]
    fn durations_have_two_units() {
        for (ms, shown) in [
            (0, "0ms"),
            (451, "451ms"),
            (5230, "5.2s"),
            (5000, "5s"),
            (59_999, "59s"),
            (125_000, "2m 5s"),
            (120_000, "2m"),
            (11_520_000, "3h 12m"),
            (442_800_000, "5d 3h"),
            (31_536_000_000 * 2 + 86_400_000 * 40, "2y 40d"),
            (-125_000, "-2m 5s"),
            (i64::MIN, "-292471208y 247d"),
        ] {
            assert_eq!(duration_ms(ms), shown);
        }
    }

    #[test]
    fn ages_look_both_ways() {
        assert_eq!(age(100_000, 88_000), "12s ago");
        assert_eq!(age(100_000, 105_400), "in 5s");
        assert_eq!(age(100_000, 100_300), "now");
        assert_eq!(age(i64::MAX, i64::MIN), age(i64::MAX, 0));
    }
}
