//! Units of perfdata, and the base unit that each is converted to (`docs/plugin-output.md#units`).
//!
//! | base | accepted |
//! |---|---|
//! | `s` | `ns us µs ms s m h d` |
//! | `B`, `b` | with a prefix of `k m g t p e z y` in either case, and an `i` for powers of 1024 |
//! | `%`, `c` | as written; `c` is a counter |
//! | `A O V W` | with a prefix of `n u m k K M G T P E Z Y` |
//! | `As` | `As Am Ah` with those prefixes |
//! | `Wh` | `Wh Wm Ws` with those prefixes |
//! | `g` | `ng ug mg g kg t` |
//! | `l` | `ml l hl` |
//! | `C F K lm dBm packets` | as written |
//!
//! Invariants: a single letter matches exactly (`M` is not minutes). Longer names match in either case, except where case
//! distinguishes bytes from bits or milli from mega. Any other unit is unknown: the caller keeps it as printed, with the
//! factor 1.

use super::number::Scale;

/// The meaning of `KB`, `MB`, `GB` and so on.
///
/// Plugins print them for powers of 1000 and of 1024 alike, so this is a choice for each check.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ByteUnits {
    /// Powers of 1000.
    #[default]
    Si,
    /// Powers of 1024, as the classic C plugins mean them. `Kb`, `Mb`, `Gb` … then are such bytes too, because
    /// the old Windows agents print them so; a plain `b` stays a bit, and so does `Mib`.
    Iec,
}

/// A known unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit {
    base: &'static str,
    scale: Scale,
}

impl Unit {
    /// Looks up a unit by the rules above.
    pub fn find(name: &str, byte_units: ByteUnits) -> Option<Unit> {
        exact(name)
            .or_else(|| ignoring_case(name))
            .or_else(|| data(name, byte_units))
            .or_else(|| electrical(name))
    }

    /// Whether the text behind a number can be a unit, known or not: it begins with a letter or another sign that units
    /// begin with, and contains only signs that occur in units: no digits behind a percent sign. An empty text can: there is no unit then.
    pub(crate) fn is_possible(name: &str) -> bool {
        let mut characters = name.chars();
        let is_share = name.starts_with(['%', '\u{2030}']) && name.contains(|c: char| c.is_ascii_digit());
        !is_share
            && characters.next().is_none_or(|first| {
                first.is_alphabetic() || "%\u{2030}\u{b0}/#$\u{20ac}\u{a3}\u{a5}".contains(first)
            })
            && characters.all(|c| c.is_alphanumeric() || "%\u{2030}\u{b0}/#.^*\u{b7}-_+() []".contains(c))
    }

    /// The symbol of the base unit, such as `s` or `B`.
    pub fn base(self) -> &'static str {
        self.base
    }

    pub(crate) fn scale(self) -> Scale {
        self.scale
    }
}

fn unit(base: &'static str, power: i32, times: u128) -> Option<Unit> {
    Some(Unit { base, scale: Scale { power, times, over: 1 } })
}

fn exact(name: &str) -> Option<Unit> {
    match name {
        "s" => unit("s", 0, 1),
        "m" => unit("s", 0, 60),
        "h" => unit("s", 0, 3600),
        "d" => unit("s", 0, 86_400),
        // The micro sign U+00B5 and the Greek letter U+03BC.
        "\u{b5}s" | "\u{3bc}s" => unit("s", -6, 1),
        "%" => unit("%", 0, 1),
        "c" => unit("c", 0, 1),
        "g" => unit("g", 0, 1),
        "t" => unit("g", 6, 1),
        "l" => unit("l", 0, 1),
        "C" => unit("C", 0, 1),
        "F" => unit("F", 0, 1),
        "K" => unit("K", 0, 1),
        _ => None,
    }
}

fn ignoring_case(name: &str) -> Option<Unit> {
    const NAMES: [(&str, &str, i32); 12] = [
        ("ns", "s", -9),
        ("us", "s", -6),
        ("ms", "s", -3),
        ("ng", "g", -9),
        ("ug", "g", -6),
        ("mg", "g", -3),
        ("kg", "g", 3),
        ("ml", "l", -3),
        ("hl", "l", 2),
        ("lm", "lm", 0),
        ("dBm", "dBm", 0),
        ("packets", "packets", 0),
    ];
    let &(_, base, power) = NAMES.iter().find(|(known, _, _)| known.eq_ignore_ascii_case(name))?;
    unit(base, power, 1)
}

/// Bytes and bits.
fn data(name: &str, byte_units: ByteUnits) -> Option<Unit> {
    let (base, prefix) = match name.as_bytes() {
        [prefix @ .., b'B'] => ("B", prefix),
        [prefix @ .., b'b'] => ("b", prefix),
        _ => return None,
    };
    match *prefix {
        [] => unit(base, 0, 1),
        [letter] => match byte_units {
            ByteUnits::Si => unit(base, 3 * thousands(letter)?, 1),
            ByteUnits::Iec => unit("B", 0, 1 << (10 * thousands(letter)?)),
        },
        [letter, b'i' | b'I'] => unit(base, 0, 1 << (10 * thousands(letter)?)),
        _ => None,
    }
}

/// How many thousands a prefix of bytes or bits stands for, in either case: 1 for `k` to 8 for `y`.
fn thousands(letter: u8) -> Option<i32> {
    let index = b"kmgtpezy".iter().position(|&known| known == letter.to_ascii_lowercase())?;
    i32::try_from(index + 1).ok()
}

/// Amperes, ohms, volts, watts, ampere-seconds and watt-hours.
fn electrical(name: &str) -> Option<Unit> {
    let (prefix, symbol) =
        name.split_at_checked(1).filter(|(_, symbol)| !symbol.is_empty()).unwrap_or(("", name));
    let bare = |name| {
        Some(match name {
            "A" => ("A", 1, 1),
            "O" => ("O", 1, 1),
            "V" => ("V", 1, 1),
            "W" => ("W", 1, 1),
            "As" => ("As", 1, 1),
            "Am" => ("As", 60, 1),
            "Ah" => ("As", 3600, 1),
            "Wh" => ("Wh", 1, 1),
            "Wm" => ("Wh", 1, 60),
            "Ws" => ("Wh", 1, 3600),
            _ => return None,
        })
    };
    let ((base, times, over), power) = match bare(name) {
        Some(found) => (found, 0),
        None => (bare(symbol)?, electrical_power(prefix)?),
    };
    Some(Unit { base, scale: Scale { power, times, over } })
}

fn electrical_power(prefix: &str) -> Option<i32> {
    Some(match prefix {
        "n" => -9,
        "u" => -6,
        "m" => -3,
        "k" | "K" => 3,
        "M" => 6,
        "G" => 9,
        "T" => 12,
        "P" => 15,
        "E" => 18,
        "Z" => 21,
        "Y" => 24,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::number::{Decimal, Point};
    use super::*;

    fn in_base(number: &str, name: &str, byte_units: ByteUnits) -> Option<(f64, &'static str)> {
        let unit = Unit::find(name, byte_units)?;
        let (decimal, _) = Decimal::scan(number, Point::Strict)?;
        Some((decimal.to_f64(unit.scale())?, unit.base()))
    }

    #[test]
    fn each_unit_has_its_base_and_factor() {
        let table = [
            ("ns", 1e-9, "s"),
            ("NS", 1e-9, "s"),
            ("us", 1e-6, "s"),
            ("\u{b5}s", 1e-6, "s"),
            ("\u{3bc}s", 1e-6, "s"),
            ("Ms", 1e-3, "s"),
            ("s", 1.0, "s"),
            ("m", 60.0, "s"),
            ("h", 3600.0, "s"),
            ("d", 86400.0, "s"),
            ("B", 1.0, "B"),
            ("kB", 1e3, "B"),
            ("KB", 1e3, "B"),
            ("mB", 1e6, "B"),
            ("YB", 1e24, "B"),
            ("KiB", 1024.0, "B"),
            ("gIB", 1073741824.0, "B"),
            ("YiB", 1024_f64.powi(8), "B"),
            ("b", 1.0, "b"),
            ("Mb", 1e6, "b"),
            ("gib", 1073741824.0, "b"),
            ("mA", 1e-3, "A"),
            ("MA", 1e6, "A"),
            ("KW", 1e3, "W"),
            ("kAm", 60e3, "As"),
            ("Ah", 3600.0, "As"),
            ("As", 1.0, "As"),
            ("kWh", 1e3, "Wh"),
            ("Ws", 1.0 / 3600.0, "Wh"),
            ("Wm", 1.0 / 60.0, "Wh"),
            ("MG", 1e-3, "g"),
            ("kg", 1e3, "g"),
            ("t", 1e6, "g"),
            ("HL", 100.0, "l"),
            ("K", 1.0, "K"),
            ("DBM", 1.0, "dBm"),
            ("Packets", 1.0, "packets"),
            ("LM", 1.0, "lm"),
        ];
        for (name, factor, base) in table {
            let (value, found) = in_base("1", name, ByteUnits::Si).unwrap();
            assert!((value - factor).abs() <= factor * 1e-12, "{name}: {value}");
            assert_eq!(found, base, "{name}");
        }
    }

    #[test]
    fn other_names_are_unknown() {
        for name in [
            "", "S", "H", "D", "M", "G", "T", "L", "k", "a", "v", "w", "Bytes", "B/s", "iB", "KiiB", "pA",
            "gW", "kkB", "xB", "µ", "µA", "kAs2", "°C", "é",
        ] {
            assert_eq!(Unit::find(name, ByteUnits::Si), None, "{name}");
        }
    }

    #[test]
    fn what_no_unit_begins_with_is_told_from_unknown_units() {
        for name in ["", "%", "°C", "€", "/s", "req/s", "m3", "m²", "m^3", "kA·s", "MBs", "packets/sec", "µ"]
        {
            assert!(Unit::is_possible(name), "{name}");
        }
        for name in [
            ":34",
            "；2；3",
            "２",
            "٣",
            "3",
            "-5",
            "s:1",
            "B;",
            "s，",
            "a=b",
            "\"s\"",
            "'",
            "<b>",
            "\u{202e}s",
            "s\u{1b}[",
        ] {
            assert!(!Unit::is_possible(name), "{name}");
        }
    }

    #[test]
    fn iec_turns_prefixed_bytes_into_powers_of_1024() {
        assert_eq!(in_base("2", "MB", ByteUnits::Iec), Some((2.0 * 1048576.0, "B")));
        assert_eq!(in_base("2", "Mb", ByteUnits::Iec), Some((2.0 * 1048576.0, "B")));
        assert_eq!(in_base("2", "MiB", ByteUnits::Iec), Some((2.0 * 1048576.0, "B")));
        assert_eq!(in_base("2", "Mib", ByteUnits::Iec), Some((2.0 * 1048576.0, "b")));
        assert_eq!(in_base("2", "b", ByteUnits::Iec), Some((2.0, "b")));
        assert_eq!(in_base("2", "ms", ByteUnits::Iec), Some((0.002, "s")));
    }
}
