//! One value of a device as a metric or as text.

use custos_compat::snmp::{Oid, Value};
use custos_store as store;

use crate::mib::{Names, Syntax};

/// What a value is to a run.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    /// A number with its unit, and the word for it if it is one of an enumeration.
    Number(store::Value, &'static str, Option<String>),
    /// A text.
    Text(String),
}

impl Cell {
    /// Reads a value. Counters stay exact, time becomes seconds, a text that is a number becomes one.
    pub(super) fn of(oid: &Oid, value: &Value, names: &Names) -> Cell {
        let Some((number, of_type)) = number(value) else { return Cell::Text(names.show(oid, value)) };
        let word = match value {
            Value::Integer(integer) => {
                let object = names.object(oid).map(|(object, _)| object);
                let word = object.and_then(|object| object.word(*integer));
                word.map(|word| format!("{word}({integer})"))
            }
            _ => None,
        };
        Cell::Number(number, if of_type.is_empty() { unit(oid, names) } else { of_type }, word)
    }
}

/// The number of a value, if it has one, with the unit that its type has: `c` for counters, `s` for times. A text that is
/// a number has one.
pub(super) fn number(value: &Value) -> Option<(store::Value, &'static str)> {
    let float = |number: f64| number.is_finite().then(|| store::Value::from(number));
    // Beyond 2^63 there is no exact form; the nearest float is off by one in 2^53.
    let natural = |number: u64| {
        i64::try_from(number).map_or_else(|_| store::Value::from(number as f64), store::Value::from)
    };
    Some(match value {
        Value::Integer(number) | Value::Int64(number) => (store::Value::from(*number), ""),
        Value::Gauge32(number) => (store::Value::from(i64::from(*number)), ""),
        Value::UInt64(number) => (natural(*number), ""),
        Value::Counter32(count) => (store::Value::from(i64::from(*count)), "c"),
        Value::Counter64(count) => (natural(*count), "c"),
        Value::TimeTicks(ticks) => (float(f64::from(*ticks) / 100.0)?, "s"),
        Value::Float(number) => (float(f64::from(*number))?, ""),
        Value::Double(number) => (float(*number)?, ""),
        Value::OctetString(bytes) => (float(decimal(bytes)?)?, ""),
        _ => return None,
    })
}

/// Why a value is of no use, if its object is known to be a number and this is none: `is OCTET STRING, expected TimeTicks`.
///
/// Every number is as good as another, as it is to net-snmp: a gauge where a counter should be, an INTEGER for an
/// Unsigned32. A text with digits counts as a number of which only the value matters, not as a counter or a time, whose
/// type says how it is to be read.
pub(super) fn mistyped(oid: &Oid, value: &Value, names: &Names) -> Option<String> {
    let expected = match names.object(oid)?.0.syntax {
        Syntax::Ticks => "TimeTicks",
        Syntax::Counter => "a counter",
        Syntax::Number => "a number",
        _ => return None,
    };
    let fits = match value {
        Value::Integer(_)
        | Value::Counter32(_)
        | Value::Gauge32(_)
        | Value::TimeTicks(_)
        | Value::Float(_)
        | Value::Double(_)
        | Value::Int64(_)
        | Value::UInt64(_)
        | Value::Counter64(_) => true,
        Value::OctetString(bytes) => expected == "a number" && decimal(bytes).is_some(),
        _ => false,
    };
    (!fits).then(|| format!("is {}, expected {expected}", value.type_name()))
}

/// A number that was written as text, such as the load averages of net-snmp.
fn decimal(bytes: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(bytes).ok()?.trim_matches(|c: char| c.is_ascii_whitespace() || c == '\0');
    let plain = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | 'e' | 'E');
    let begins = text.trim_start_matches(['-', '+', '.']).starts_with(|c: char| c.is_ascii_digit());
    if begins && text.chars().all(plain) { text.parse().ok() } else { None }
}

/// The unit, where the object's own is one that the agent knows.
fn unit(oid: &Oid, names: &Names) -> &'static str {
    let units = names.object(oid).map_or("", |(object, _)| &object.units);
    match units.to_ascii_lowercase().as_str() {
        "seconds" | "second" => "s",
        "percent" | "%" => "%",
        "bytes" | "octets" => "B",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(name: &str, value: Value) -> Cell {
        let names = Names::builtin();
        Cell::of(&names.resolve(name).unwrap(), &value, names)
    }

    fn number(value: impl Into<store::Value>, unit: &'static str) -> Cell {
        Cell::Number(value.into(), unit, None)
    }

    #[test]
    fn values_become_what_they_are() {
        let text = |text: &str| Value::OctetString(text.into());
        for (name, value, expected) in [
            ("ifHCInOctets.1", Value::Counter64((1 << 53) + 1), number((1_i64 << 53) + 1, "c")),
            ("ifHCInOctets.1", Value::Counter64(u64::MAX), number(u64::MAX as f64, "c")),
            ("ifInOctets.1", Value::Counter32(7), number(7_i64, "c")),
            ("sysUpTime.0", Value::TimeTicks(12_345), number(123.45, "s")),
            ("laLoad.1", text("0.42"), number(0.42, "")),
            ("laLoad.1", text(" -3 \0"), number(-3.0, "")),
            ("laLoad.1", text(".5"), number(0.5, "")),
            ("laLoad.1", text("1e999"), Cell::Text("1e999".into())),
            ("1.3.6.1.4.1.2021.10.1.6.1", Value::Float(0.5), number(0.5, "")),
            ("1.3.6.1.4.1.1", Value::Double(f64::NAN), Cell::Text("NaN".into())),
            ("1.3.6.1.4.1.1", Value::Int64(i64::MIN), number(i64::MIN, "")),
            ("1.3.6.1.4.1.1", Value::UInt64(256), number(256_i64, "")),
            ("1.3.6.1.4.1.1", Value::UInt64(u64::MAX), number(u64::MAX as f64, "")),
            ("sysName.0", text("12 monkeys"), Cell::Text("12 monkeys".into())),
            ("sysName.0", text("infinity"), Cell::Text("infinity".into())),
            ("sysName.0", text(""), Cell::Text(String::new())),
            ("ifOperStatus.1", Value::Integer(99), number(99_i64, "")),
        ] {
            assert_eq!(cell(name, value.clone()), expected, "{name} {value:?}");
        }
        let down = Cell::Number(store::Value::from(2_i64), "", Some("down(2)".into()));
        assert_eq!(cell("ifOperStatus.1", Value::Integer(2)), down);
    }

    #[test]
    fn what_should_be_a_number_and_is_none_is_named() {
        let names = Names::builtin();
        let text = |text: &str| Value::OctetString(text.into());
        let opaque = || Value::Opaque(vec![0x9f, 1, 0x78]);
        for (name, value, expected) in [
            ("sysUpTime.0", text("garbage"), Some("is OCTET STRING, expected TimeTicks")),
            ("sysUpTime.0", text("12345"), Some("is OCTET STRING, expected TimeTicks")),
            ("sysUpTime.0", opaque(), Some("is Opaque, expected TimeTicks")),
            ("sysUpTime.0", Value::Null, Some("is NULL, expected TimeTicks")),
            ("sysUpTime.0", Value::Integer(5), None),
            ("ifInOctets.1", text("7"), Some("is OCTET STRING, expected a counter")),
            ("ifInOctets.1", Value::Gauge32(7), None),
            ("ifHCInOctets.1", Value::Counter32(7), None),
            ("ifOperStatus.1", text("up"), Some("is OCTET STRING, expected a number")),
            ("ifOperStatus.1", text(" 1 "), None),
            (
                "ifOperStatus.1",
                Value::IpAddress([127, 0, 0, 1].into()),
                Some("is IpAddress, expected a number"),
            ),
            ("ifSpeed.1", Value::Integer(7), None),
            ("laLoad.1", text("0.42"), None),
            ("sysName.0", Value::Integer(7), None),
            ("laLoadFloat.1", Value::Float(0.5), None),
            ("1.3.6.1.4.1.1", opaque(), None),
        ] {
            let oid = names.resolve(name).unwrap();
            assert_eq!(mistyped(&oid, &value, names).as_deref(), expected, "{name} {value:?}");
        }
    }
}
