//! Durations as people write them: `500ms`, `10s`, `1h30m`, `7d`. Always with a unit.

use std::fmt::Write;
use std::time::Duration;

use crate::document::diagnostic::Findings;
use crate::document::fields::refuse;
use crate::document::scalar::Kind;
use crate::document::yaml::{Content, Node};

/// Units from the longest, in milliseconds. Parts of a duration follow this order.
const UNITS: [(&str, u64); 6] =
    [("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Why a text is not a duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    NotADuration,
    NoUnit,
    Fraction,
    Order,
    TooLong,
}

/// Reads a duration from `least` to `most`.
pub(crate) fn read(
    node: &Node,
    least: Duration,
    most: Duration,
    findings: &mut Findings,
) -> Option<Duration> {
    let fault = match &node.content {
        Content::Scalar(scalar) if scalar.kind != Kind::Null => match parse(&scalar.text) {
            Ok(duration) if (least..=most).contains(&duration) => return Some(duration),
            Ok(_) => {
                refuse(node, &format!("a duration from {} to {}", show(least), show(most)), findings);
                return None;
            }
            Err(fault) => fault,
        },
        _ => Fault::NotADuration,
    };
    let expected = match fault {
        Fault::NotADuration => "a duration such as `500ms`, `10s` or `1h30m`",
        Fault::NoUnit => "a duration with its unit: `ms`, `s`, `m`, `h`, `d` or `w`",
        Fault::Fraction => "a duration in whole units: `1h30m` rather than `1.5h`",
        Fault::Order => "each unit at most once and the longer ones first, such as `1h30m`",
        Fault::TooLong => "a duration that 64 bits can count",
    };
    refuse(node, expected, findings);
    None
}

fn parse(text: &str) -> Result<Duration, Fault> {
    let mut total_ms: u64 = 0;
    let mut next_unit = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at(digits);
        if digits == 0 {
            return Err(Fault::NotADuration);
        }
        if after.starts_with(['.', ',']) {
            return Err(Fault::Fraction);
        }
        let letters = after.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (name, after) = after.split_at(letters);
        if name.is_empty() {
            return Err(if after.is_empty() { Fault::NoUnit } else { Fault::NotADuration });
        }
        let index = UNITS.iter().position(|(unit, _)| *unit == name).ok_or(Fault::NotADuration)?;
        if index < next_unit {
            return Err(Fault::Order);
        }
        next_unit = index + 1;
        let count: u64 = number.parse().map_err(|_| Fault::TooLong)?;
        let part = count.checked_mul(UNITS[index].1).ok_or(Fault::TooLong)?;
        total_ms = total_ms.checked_add(part).ok_or(Fault::TooLong)?;
        rest = after;
    }
    if next_unit == 0 { Err(Fault::NotADuration) } else { Ok(Duration::from_millis(total_ms)) }
}

/// The shortest way to write a duration; what is below a millisecond is cut.
pub(crate) fn show(duration: Duration) -> String {
    let mut rest = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let mut text = String::new();
    for (unit, length_ms) in UNITS {
        let count = rest / length_ms;
        rest %= length_ms;
        if count > 0 {
            // Writing to a String does not fail.
            let _ = write!(text, "{count}{unit}");
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_have_units_in_order() {
        for (text, ms) in [
            ("500ms", 500),
            ("10s", 10_000),
            ("1m", 60_000),
            ("1h30m", 5_400_000),
            ("1d12h", 129_600_000),
            ("2w", 1_209_600_000),
            ("1m0s", 60_000),
            ("0s", 0),
            ("90s", 90_000),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(ms)), "{text}");
        }
    }

    #[test]
    fn each_fault_is_told_apart() {
        for (text, fault) in [
            ("10", Fault::NoUnit),
            ("1h30", Fault::NoUnit),
            ("1.5h", Fault::Fraction),
            ("1,5h", Fault::Fraction),
            ("30m1h", Fault::Order),
            ("1m1m", Fault::Order),
            ("10 s", Fault::NotADuration),
            ("-5s", Fault::NotADuration),
            ("", Fault::NotADuration),
            ("s", Fault::NotADuration),
            ("10sec", Fault::NotADuration),
            ("5M", Fault::NotADuration),
            ("99999999999999999999s", Fault::TooLong),
            ("9999999999999999w", Fault::TooLong),
        ] {
            assert_eq!(parse(text), Err(fault), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_the_same(ms in any::<u64>()) {
            let duration = Duration::from_millis(ms);
            prop_assert_eq!(parse(&show(duration)), Ok(duration));
        }

        #[test]
        fn no_text_panics(text in "\\PC*") {
            let _ = parse(&text);
        }
    }
}
