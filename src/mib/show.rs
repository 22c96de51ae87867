//! Values as people read them: words for numbers, addresses, texts, dates.

use std::fmt::Write;

use custos_compat::snmp::{Oid, Value};

use super::object::Syntax;
use super::table::Names;
use crate::text::{human, is_unsafe};

impl Names {
    /// A value as text: `down(2)`, `00:1b:21:aa:00:01`, `3d 4h`. Has nothing in it that a terminal obeys.
    pub fn show(&self, oid: &Oid, value: &Value) -> String {
        let object = self.object(oid).map(|(object, _)| object);
        match value {
            Value::Integer(number) => match object.and_then(|object| object.word(*number)) {
                Some(word) => format!("{word}({number})"),
                None => number.to_string(),
            },
            Value::OctetString(bytes) => octets(bytes, object.map(|object| object.syntax)),
            Value::Null => "null".to_owned(),
            Value::ObjectId(oid) => self.name(oid),
            Value::IpAddress(address) => address.to_string(),
            Value::Counter32(number) | Value::Gauge32(number) => number.to_string(),
            Value::TimeTicks(ticks) => human::duration_ms(i64::from(*ticks) * 10),
            Value::Opaque(bytes) => hex(bytes, ' '),
            Value::Float(number) => number.to_string(),
            Value::Double(number) => number.to_string(),
            Value::Counter64(number) | Value::UInt64(number) => number.to_string(),
            Value::Int64(number) => number.to_string(),
            Value::Bits(bytes) | Value::Nsap(bytes) => hex(bytes, ' '),
            Value::Unreadable(fault) => format!("cannot be read: {fault}"),
            Value::NoSuchObject => "noSuchObject".to_owned(),
            Value::NoSuchInstance => "noSuchInstance".to_owned(),
            Value::EndOfMibView => "endOfMibView".to_owned(),
        }
    }
}

fn octets(bytes: &[u8], syntax: Option<Syntax>) -> String {
    match (syntax, bytes) {
        (Some(Syntax::Mac), _) => hex(bytes, ':'),
        (Some(Syntax::Date), _) => date(bytes).unwrap_or_else(|| hex(bytes, ' ')),
        (Some(Syntax::Bytes), _) => hex(bytes, ' '),
        _ => match std::str::from_utf8(without_padding(bytes)) {
            Ok(text) if !text.contains(|c: char| c.is_control() && !c.is_whitespace()) => one_line(text),
            Err(_) if syntax == Some(Syntax::Text) => {
                one_line(&String::from_utf8_lossy(without_padding(bytes)))
            }
            _ => hex(bytes, ' '),
        },
    }
}

/// A text without the zeros and blanks at its end, with which some devices fill their fields.
pub fn without_padding(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|byte| *byte != 0 && !byte.is_ascii_whitespace());
    &bytes[..end.map_or(0, |last| last + 1)]
}

/// The text with whatever a terminal obeys made visible.
fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.trim_end().chars() {
        if is_unsafe(character) {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    line
}

fn hex(bytes: &[u8], between: char) -> String {
    let mut text = String::with_capacity(bytes.len() * 3);
    for (place, byte) in bytes.iter().enumerate() {
        if place > 0 {
            text.push(between);
        }
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// `2026-11-22 12:00:00.5+01:00`
fn date(bytes: &[u8]) -> Option<String> {
    let [high, low, month, day, hour, minute, second, tenths, zone @ ..] = bytes else { return None };
    let year = u16::from_be_bytes([*high, *low]);
    let date = format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{tenths}");
    match zone {
        [] => Some(date),
        [sign @ (b'+' | b'-'), hours, minutes] => {
            Some(format!("{date}{}{hours:02}:{minutes:02}", char::from(*sign)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(name: &str, value: Value) -> String {
        let names = Names::builtin();
        names.show(&names.resolve(name).unwrap(), &value)
    }

    #[test]
    fn values_are_shown_by_what_they_are() {
        let bytes = |bytes: &[u8]| Value::OctetString(bytes.to_vec());
        for (name, value, expected) in [
            ("ifOperStatus.1", Value::Integer(2), "down(2)"),
            ("ifOperStatus.1", Value::Integer(99), "99"),
            ("ifPhysAddress.1", bytes(&[0, 0x1b, 0x21]), "00:1b:21"),
            ("ifDescr.1", bytes(b"eth0"), "eth0"),
            ("ifDescr.1", bytes(b"eth0\0"), "eth0"),
            ("ifDescr.1", bytes(b"eth0 \0\0\0\0"), "eth0"),
            ("ifDescr.1", bytes(b"caf\xe9\0\0"), "caf\u{fffd}"),
            ("1.3.6.1.4.1.9", bytes(b"eth0\0\0"), "eth0"),
            ("1.3.6.1.4.1.9", bytes(b"\0\0"), ""),
            ("1.3.6.1.4.1.9", Value::Int64(-256), "-256"),
            ("1.3.6.1.4.1.9", Value::UInt64(u64::MAX), "18446744073709551615"),
            ("ifDescr.1", bytes(b"a\nb\x1b[2J"), "61 0a 62 1b 5b 32 4a"),
            ("ifDescr.1", bytes(b"a\r\nb"), "a\\r\\nb"),
            ("ifDescr.1", bytes(b"caf\xe9"), "caf\u{fffd}"),
            ("1.3.6.1.4.1.9", bytes(b"caf\xe9"), "63 61 66 e9"),
            ("sysUpTime.0", Value::TimeTicks(360_000), "1h"),
            ("sysObjectID.0", Value::ObjectId("1.3.6.1.6.3.1.1.5.3".parse().unwrap()), "linkDown"),
            ("hrSystemDate.0", bytes(&[7, 234, 11, 22, 12, 0, 1, 5]), "2026-11-22 12:00:01.5"),
            (
                "hrSystemDate.0",
                bytes(&[7, 234, 11, 22, 12, 0, 1, 5, b'-', 1, 30]),
                "2026-11-22 12:00:01.5-01:30",
            ),
            ("hrSystemDate.0", bytes(&[7]), "07"),
            ("sysDescr.0", Value::NoSuchInstance, "noSuchInstance"),
        ] {
            assert_eq!(show(name, value.clone()), expected, "{name} {value:?}");
        }
    }
}
