//! Threshold ranges, `[@][start:][end]` (`docs/plugin-output.md#ranges`).
//!
//! A value alerts outside `start…end`, ends excluded, or with `@` inside it, ends included. Invariants: neither
//! bound is NaN, `start <= end`, only `start` may be `-inf` and only `end` may be `+inf`.

use std::error::Error;
use std::fmt;

use super::number::{Decimal, Point, Scale};
use super::unit::{ByteUnits, Unit};

/// A range of values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    start: f64,
    end: f64,
    inside: bool,
}

impl Range {
    /// Parses a range of plain numbers. Blanks around the range, after `@` and around `:` are ignored.
    pub fn parse(text: &str) -> Result<Range, RangeError> {
        Range::parse_bounds(text, |bound| {
            let (decimal, rest) = scan(bound)?;
            if !rest.is_empty() {
                return Err(RangeError::NotANumber);
            }
            decimal.to_f64(Scale::ONE).ok_or(RangeError::NotFinite)
        })
    }

    /// Parses a range; `number` parses each bound that is present.
    pub(crate) fn parse_bounds(
        text: &str,
        mut number: impl FnMut(&str) -> Result<f64, RangeError>,
    ) -> Result<Range, RangeError> {
        let text = text.trim_ascii();
        if text.is_empty() {
            return Err(RangeError::Empty);
        }
        let (inside, body) = match text.strip_prefix('@') {
            Some(body) => (true, body.trim_ascii()),
            None => (false, text),
        };
        let (start, end) = match body.split_once(':') {
            None if body.is_empty() => return Err(RangeError::NoBound),
            None if body.starts_with('~') => return Err(RangeError::Tilde),
            None => (0.0, number(body)?),
            Some((start, end)) => {
                let (start, end) = (start.trim_ascii(), end.trim_ascii());
                if end.contains(':') {
                    return Err(RangeError::Colons);
                }
                if (start.starts_with('~') && start != "~") || end.contains('~') {
                    return Err(RangeError::Tilde);
                }
                match (start, end) {
                    ("", "") => return Err(RangeError::NoBound),
                    ("~", "") => (f64::NEG_INFINITY, f64::INFINITY),
                    ("~", end) => (f64::NEG_INFINITY, number(end)?),
                    ("", end) => (0.0, number(end)?),
                    (start, "") => (number(start)?, f64::INFINITY),
                    (start, end) => (number(start)?, number(end)?),
                }
            }
        };
        if start > end {
            return Err(RangeError::Reversed);
        }
        Ok(Range { start, end, inside })
    }

    /// A range from its bounds, if they satisfy the invariants of this module.
    pub fn new(start: f64, end: f64, inside: bool) -> Option<Range> {
        let ordered = start <= end && start < f64::INFINITY && end > f64::NEG_INFINITY;
        ordered.then_some(Range { start, end, inside })
    }

    /// Lower end; `-inf` for `~`.
    pub fn start(self) -> f64 {
        self.start
    }

    /// Upper end; `+inf` for an open end.
    pub fn end(self) -> f64 {
        self.end
    }

    /// `true` for the `@` form, which alerts inside the range rather than outside.
    pub fn inside(self) -> bool {
        self.inside
    }

    /// Whether a value alerts, compared as floats without tolerance. NaN never alerts.
    pub fn alerts(self, value: f64) -> bool {
        if self.inside {
            self.start <= value && value <= self.end
        } else {
            value < self.start || value > self.end
        }
    }
}

impl fmt::Display for Range {
    /// The shortest form that parses to the same range.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.inside {
            f.write_str("@")?;
        }
        if self.start == f64::NEG_INFINITY {
            f.write_str("~:")?;
        } else if self.start != 0.0 || self.end == f64::INFINITY {
            write_number(f, self.start)?;
            f.write_str(":")?;
        }
        if self.end < f64::INFINITY { write_number(f, self.end) } else { Ok(()) }
    }
}

/// The number that a bound begins with, and what follows it. Names the mistakes of those who write numbers with commas
/// and ranges with dashes.
fn scan(bound: &str) -> Result<(Decimal<'_>, &str), RangeError> {
    if bound.contains(',') {
        return Err(RangeError::Comma);
    }
    let (decimal, rest) = Decimal::scan(bound, Point::Strict).ok_or(RangeError::NotANumber)?;
    match rest.trim_ascii_start().starts_with(['-', '–']) || rest.starts_with("..") {
        true => Err(RangeError::Dash),
        false => Ok((decimal, rest)),
    }
}

/// Writes a number, with an exponent only if it would be long otherwise.
fn write_number(f: &mut fmt::Formatter<'_>, value: f64) -> fmt::Result {
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-5..1e16).contains(&magnitude) {
        write!(f, "{value:e}")
    } else {
        write!(f, "{value}")
    }
}

/// A range whose bounds may carry units, as written in a configuration: `~:8GB`, `10%:`, `@1m:5m`, `500ms`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UnitRange {
    /// The range in the base unit.
    pub range: Range,
    /// The base unit, such as `B`; `None` if no bound has a unit.
    pub unit: Option<&'static str>,
}

impl UnitRange {
    /// Parses a range whose bounds may carry units of one kind.
    ///
    /// Where one bound has a unit the other must have one of the same kind, or be 0: `10:8GB` may mean ten bytes
    /// or ten gigabytes, so it is refused.
    pub fn parse(text: &str, byte_units: ByteUnits) -> Result<UnitRange, RangeError> {
        let mut unit: Option<&'static str> = None;
        let mut has_plain = false;
        let range = Range::parse_bounds(text, |bound| {
            let (decimal, rest) = scan(bound)?;
            let name = rest.trim_ascii_start();
            if name.is_empty() {
                let value = decimal.to_f64(Scale::ONE).ok_or(RangeError::NotFinite)?;
                has_plain |= value != 0.0;
                return Ok(value);
            }
            let found = Unit::find(name, byte_units).ok_or(RangeError::UnknownUnit)?;
            if unit.is_some_and(|first| first != found.base()) {
                return Err(RangeError::MixedUnits);
            }
            unit = Some(found.base());
            decimal.to_f64(found.scale()).ok_or(RangeError::NotFinite)
        })?;
        if unit.is_some() && has_plain {
            return Err(RangeError::MissingUnit);
        }
        Ok(UnitRange { range, unit })
    }
}

/// Why a text is not a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RangeError {
    /// Nothing was written.
    Empty,
    /// `@` or `:` alone.
    NoBound,
    /// More than one `:`.
    Colons,
    /// `~` elsewhere than as the whole start, before a `:`.
    Tilde,
    /// A bound is not a decimal number.
    NotANumber,
    /// A comma in a number.
    Comma,
    /// A dash where `:` belongs.
    Dash,
    /// A bound is too large for a 64-bit float.
    NotFinite,
    /// The start is above the end. A single negative number is the range from 0 down to it.
    Reversed,
    /// A bound has a unit that is not known.
    UnknownUnit,
    /// The bounds have units of different kinds.
    MixedUnits,
    /// One bound has a unit, the other has none and is not 0.
    MissingUnit,
}

impl fmt::Display for RangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RangeError::Empty => "the range is empty",
            RangeError::NoBound => "the range has no bound",
            RangeError::Colons => "the range has more than one ':'",
            RangeError::Tilde => "'~' can only be the whole start, as in '~:10'",
            RangeError::NotANumber => "a bound is not a decimal number",
            RangeError::Comma => "a number has no comma, as in 2000 or 0.5",
            RangeError::Dash => "start and end have ':' between them, as in 10:20",
            RangeError::NotFinite => "a bound is too large",
            RangeError::Reversed => "the start is above the end (a single number N means 0:N)",
            RangeError::UnknownUnit => "a bound has an unknown unit",
            RangeError::MixedUnits => "the bounds have units of different kinds",
            RangeError::MissingUnit => "only one bound has a unit",
        })
    }
}

impl Error for RangeError {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn display_is_the_shortest_form() {
        for (text, shown) in [
            ("10", "10"),
            (":10", "10"),
            ("0:10", "10"),
            ("0:", "0:"),
            ("10:", "10:"),
            ("~:10", "~:10"),
            ("~:", "~:"),
            ("@~:", "@~:"),
            ("@ 10 : 20", "@10:20"),
            ("-5:-0.25", "-5:-0.25"),
            ("1e20:", "1e20:"),
        ] {
            assert_eq!(Range::parse(text).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn units_scale_each_bound() {
        let si = |text| UnitRange::parse(text, ByteUnits::Si);
        let bounds = |text| {
            let UnitRange { range, unit } = si(text).unwrap();
            (range.start(), range.end(), range.inside(), unit)
        };
        assert_eq!(bounds("~:8GB"), (f64::NEG_INFINITY, 8e9, false, Some("B")));
        assert_eq!(bounds("10%:"), (10.0, f64::INFINITY, false, Some("%")));
        assert_eq!(bounds("@1m:5m"), (60.0, 300.0, true, Some("s")));
        assert_eq!(bounds("500ms"), (0.0, 0.5, false, Some("s")));
        assert_eq!(bounds("500ms:2 s"), (0.5, 2.0, false, Some("s")));
        assert_eq!(bounds("0:1KiB"), (0.0, 1024.0, false, Some("B")));
        assert_eq!(bounds("5:10"), (5.0, 10.0, false, None));
        assert_eq!(bounds("1EB"), (0.0, 1e18, false, Some("B")));
        assert_eq!(UnitRange::parse("1KB", ByteUnits::Iec).unwrap().range.end(), 1024.0);
        assert_eq!(si("5s:1GB"), Err(RangeError::MixedUnits));
        assert_eq!(si("10:8GB"), Err(RangeError::MissingUnit));
        assert_eq!(si("10parsecs"), Err(RangeError::UnknownUnit));
        assert_eq!(si("~:2,000"), Err(RangeError::Comma));
        assert_eq!(si("0,5"), Err(RangeError::Comma));
        assert_eq!(si("10 - 20"), Err(RangeError::Dash));
        assert_eq!(si("10-20"), Err(RangeError::Dash));
        assert_eq!(si("10s–20s"), Err(RangeError::UnknownUnit));
        assert_eq!(si("3M"), Err(RangeError::UnknownUnit));
        assert_eq!(si("5m:1s"), Err(RangeError::Reversed));
        assert_eq!(si("GB"), Err(RangeError::NotANumber));
        assert_eq!(si("1e308YB"), Err(RangeError::NotFinite));
    }

    #[test]
    fn new_refuses_what_parse_cannot_make() {
        assert!(Range::new(2.0, 1.0, false).is_none());
        assert!(Range::new(f64::NAN, 1.0, false).is_none());
        assert!(Range::new(f64::INFINITY, f64::INFINITY, false).is_none());
        assert!(Range::new(f64::NEG_INFINITY, f64::INFINITY, true).is_some());
    }

    proptest! {
        #[test]
        fn any_range_is_read_back_from_its_display(a in any::<f64>(), b in any::<f64>(), inside: bool) {
            if let Some(range) = Range::new(a.min(b) + 0.0, a.max(b) + 0.0, inside) {
                prop_assert_eq!(Range::parse(&range.to_string()), Ok(range));
            }
        }

        #[test]
        fn any_text_is_a_range_or_an_error(text in "[-+@~:0-9.eE a-z]{0,12}") {
            if let Ok(range) = Range::parse(&text) {
                prop_assert!(range.start() <= range.end());
            }
            let _ = UnitRange::parse(&text, ByteUnits::Iec);
        }

        #[test]
        fn the_at_sign_inverts(start in -9.0..9.0_f64, width in 0.0..9.0_f64, value in -20.0..20.0_f64) {
            let outside = Range::new(start, start + width, false).unwrap();
            let inside = Range::new(start, start + width, true).unwrap();
            prop_assert_ne!(outside.alerts(value), inside.alerts(value));
        }
    }
}
