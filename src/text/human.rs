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
    if unit == "s" && value.is_finite() && value.abs() >= 60.0 {
        return duration_ms((value * 1000.0).clamp(-9e15, 9e15) as i64);
    }
    if !value.is_finite() {
        return not_finite(value).to_owned();
    }
    let Scaling { divisor, suffix, digits } = Scaling::of(value, unit, prefixes);
    format!("{}{suffix}", significant(value / divisor, digits))
}

/// As queries write them, without a unit.
fn not_finite(value: f64) -> &'static str {
    match value {
        f64::INFINITY => "+Inf",
        f64::NEG_INFINITY => "-Inf",
        _ => "NaN",
    }
}

/// What follows a number in a base unit: ` B`, ` s`, `%`, `°C`; nothing for a counter or no unit.
pub fn unit_suffix(unit: &str) -> String {
    Scaling::of(1.0, unit, Prefixes::Si).suffix.trim_end().to_owned()
}

/// How values of about one size are shown.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scaling {
    /// What a value is divided by.
    pub(crate) divisor: f64,
    /// Prefix and unit.
    pub(crate) suffix: String,
    /// Significant digits that suit it.
    digits: i32,
}

impl Scaling {
    /// The scaling for a value and others of its size.
    pub(crate) fn of(value: f64, unit: &str, prefixes: Prefixes) -> Scaling {
        let magnitude = value.abs();
        let with = |(divisor, prefix): (f64, &str), unit: &str| {
            let suffix = format!(" {prefix}{unit}");
            Scaling { divisor, suffix, digits: 3 }
        };
        match unit {
            "s" if magnitude < 1.0 => with(small(magnitude), "s"),
            "s" => with((1.0, ""), "s"),
            "B" | "b" if prefixes == Prefixes::Iec => with(large(magnitude, 1024.0, &LARGE_IEC), unit),
            "B" | "b" | "g" | "l" | "B/s" | "b/s" => with(large(magnitude, 1000.0, &LARGE), unit),
            "A" | "V" | "W" | "As" | "Wh" | "O" => {
                let unit = if unit == "O" { "Ω" } else { unit };
                with(if magnitude < 1.0 { small(magnitude) } else { large(magnitude, 1000.0, &LARGE) }, unit)
            }
            "%" => Scaling { divisor: 1.0, suffix: "%".to_owned(), digits: 3 },
            _ => {
                // Integers of four digits are shown whole.
                let plain = magnitude < 9999.5;
                let (divisor, prefix) = if plain { (1.0, "") } else { large(magnitude, 1000.0, &LARGE) };
                let tail = match unit {
                    "" | "c" => String::new(),
                    "C" | "F" => format!("°{unit}"),
                    "/s" => "/s".to_owned(),
                    _ => format!(" {unit}"),
                };
                let digits = if plain && magnitude >= 1000.0 { 4 } else { 3 };
                Scaling { divisor, suffix: format!("{prefix}{tail}"), digits }
            }
        }
    }
}

/// The divisor and prefix for a magnitude below 1. What would be shown as 1000 of a prefix is 1 of the next.
fn small(magnitude: f64) -> (f64, &'static str) {
    let mut divisor = 1.0;
    let mut index = 0;
    while magnitude > 0.0 && magnitude / divisor < 0.9995 && index + 1 < SMALL.len() {
        divisor /= 1000.0;
        index += 1;
    }
    (divisor, SMALL[index])
}

fn large(magnitude: f64, base: f64, prefixes: &[&'static str; 9]) -> (f64, &'static str) {
    let mut divisor = 1.0;
    let mut index = 0;
    while magnitude / divisor >= base * 0.9995 && index + 1 < prefixes.len() {
        divisor *= base;
        index += 1;
    }
    // What is a million times the last prefix is told by a power of ten alone.
    if magnitude / divisor >= base * base { (1.0, prefixes[0]) } else { (divisor, prefixes[index]) }
}

/// So many significant digits, or all digits before the point, without trailing zeros.
fn significant(value: f64, count: i32) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let magnitude = value.abs().log10().floor() as i32;
    if !(-6..=15).contains(&magnitude) {
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

/// How many there are of something: `1 file`, `2 files`, `0 processes`. The noun is in the singular and its plural is regular.
pub fn counted(count: impl Into<u64>, noun: &str) -> String {
    let count = count.into();
    // Of `change of state` the first word is the one that is counted.
    let (noun, of) = noun.split_at(noun.find(" of ").unwrap_or(noun.len()));
    let ending = match noun {
        _ if count == 1 => "",
        _ if noun.ends_with(['s', 'x']) || noun.ends_with("ch") => "es",
        _ => "s",
    };
    format!("{count} {noun}{ending}{of}")
}

/// The same with the verb of what happened to them: `1 run was`, `2 runs were`.
pub fn counted_were(count: impl Into<u64>, noun: &str) -> String {
    let count = count.into();
    let verb = if count == 1 { "was" } else { "were" };
    format!("{} {verb}", counted(count, noun))
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
            (f64::NAN, "B", "NaN"),
            (f64::INFINITY, "s", "+Inf"),
            (f64::NEG_INFINITY, "%", "-Inf"),
        ] {
            assert_eq!(quantity(value, unit, Prefixes::Si), shown);
        }
        assert_eq!(quantity(1024.0 * 1024.0 * 1.5, "B", Prefixes::Iec), "1.5 MiB");
        assert_eq!(quantity(1023.9, "B", Prefixes::Iec), "1 KiB");
        assert_eq!(quantity(9e29, "", Prefixes::Si), "900000Y");
        assert_eq!(quantity(-1e308, "", Prefixes::Si), "-1.00e308");
        assert_eq!(quantity(1e308, "B", Prefixes::Iec), "1.00e308 B");
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
    fn one_is_singular() {
        let shown = |noun| [0_u64, 1, 2].map(|count| counted(count, noun)).join(", ");
        assert_eq!(shown("run"), "0 runs, 1 run, 2 runs");
        assert_eq!(shown("process"), "0 processes, 1 process, 2 processes");
        assert_eq!(shown("change of state"), "0 changes of state, 1 change of state, 2 changes of state");
        assert_eq!(
            [0_u64, 1, 2].map(|count| counted_were(count, "trap")).join(", "),
            "0 traps were, 1 trap was, 2 traps were"
        );
    }

    #[test]
    fn ages_look_both_ways() {
        assert_eq!(age(100_000, 88_000), "12s ago");
        assert_eq!(age(100_000, 105_400), "in 5s");
        assert_eq!(age(100_000, 100_300), "now");
        assert_eq!(age(i64::MAX, i64::MIN), age(i64::MAX, 0));
    }
}
