//! Variables as `snmpget -m ''` prints them, one or more lines each.

use std::fmt::Write as _;

use custos_compat::snmp::{Oid, Value};

use crate::snmp::question::Absence;

/// Bytes that stand in one line of hexadecimal digits.
const HEX_LINE_BYTES: usize = 16;

/// The lines of one variable; or none where `snmpget` would fail as a whole.
pub(super) fn lines(oid: &Oid, value: &Result<Value, Absence>) -> Option<String> {
    let text = match value {
        Ok(value) => text(value)?,
        Err(Absence::NoSuchObject) => "No Such Object available on this agent at this OID".to_owned(),
        Err(Absence::NoSuchInstance) => "No Such Instance currently exists at this OID".to_owned(),
        Err(Absence::EndOfMibView) => {
            "No more variables left in this MIB View (It is past the end of the MIB tree)".to_owned()
        }
        Err(_) => return None,
    };
    Some(format!("{} = {text}", name(oid)))
}

/// A name without MIBs.
pub(super) fn name(oid: &Oid) -> String {
    let roots = ["ccitt", "iso", "joint-iso-ccitt"];
    match oid.ids().split_first() {
        Some((first, rest)) => {
            let root =
                roots.get(*first as usize).map_or_else(|| first.to_string(), |root| (*root).to_owned());
            rest.iter().fold(root, |name, id| format!("{name}.{id}"))
        }
        None => String::new(),
    }
}

fn text(value: &Value) -> Option<String> {
    Some(match value {
        Value::Integer(number) => format!("INTEGER: {number}"),
        Value::Gauge32(number) => format!("Gauge32: {number}"),
        Value::Counter32(number) => format!("Counter32: {number}"),
        Value::Counter64(number) => format!("Counter64: {number}"),
        Value::TimeTicks(ticks) => timeticks(*ticks),
        Value::OctetString(bytes) => octets(bytes),
        Value::ObjectId(oid) => format!("OID: {}", name(oid)),
        Value::IpAddress(address) => format!("IpAddress: {address}"),
        Value::Null => "NULL".to_owned(),
        Value::Float(number) => format!("Opaque: Float: {}", decimal(f64::from(*number))),
        Value::Double(number) => format!("Opaque: Float: {}", decimal(*number)),
        Value::Int64(number) => format!("Opaque: Int64: {number}"),
        Value::UInt64(number) => format!("Opaque: UInt64: {number}"),
        Value::Opaque(bytes) => format!("OPAQUE: {}", hex(bytes)),
        Value::Bits(bytes) => bits(bytes),
        Value::Nsap(_) => "Variable has bad type".to_owned(),
        _ => return None,
    })
}

/// A number with six decimals.
fn decimal(number: f64) -> String {
    match number.is_nan() {
        true if number.is_sign_negative() => "-nan".to_owned(),
        true => "nan".to_owned(),
        false => format!("{number:.6}"),
    }
}

fn timeticks(ticks: u32) -> String {
    let (seconds, hundredths) = (ticks / 100, ticks % 100);
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    let days = match days {
        0 => String::new(),
        1 => "1 day, ".to_owned(),
        days => format!("{days} days, "),
    };
    format!("Timeticks: ({ticks}) {days}{hours}:{minutes:02}:{:02}.{hundredths:02}", seconds % 60)
}

/// Text in quotes, or hexadecimal digits where a byte is neither printable nor a blank.
fn octets(bytes: &[u8]) -> String {
    let blank = |byte: u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c);
    if bytes.is_empty() {
        return "\"\"".to_owned();
    }
    if !bytes.iter().all(|byte| byte.is_ascii_graphic() || blank(*byte)) {
        return format!("Hex-STRING: {}", hex(bytes));
    }
    let text = String::from_utf8_lossy(bytes).replace('\\', "\\\\").replace('"', "\\\"");
    format!("STRING: \"{text}\"")
}

fn hex(bytes: &[u8]) -> String {
    let line = |bytes: &[u8]| {
        bytes.iter().fold(String::new(), |mut digits, byte| {
            // Writing to a string cannot fail.
            let _ = write!(digits, "{byte:02X} ");
            digits
        })
    };
    bytes.chunks(HEX_LINE_BYTES).map(line).collect::<Vec<_>>().join("\n")
}

/// The bytes, and which bits are set, the highest of the first byte being number 0.
fn bits(bytes: &[u8]) -> String {
    let is_set = |bit: &usize| bytes[bit / 8] & (0x80 >> (bit % 8)) != 0;
    let set = (0..bytes.len() * 8).filter(is_set);
    set.fold(format!("BITS: {}", hex(bytes)), |text, bit| format!("{text}{bit} "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_printed_as_snmpget_does() {
        for (value, expected) in [
            (Value::TimeTicks(97), "Timeticks: (97) 0:00:00.97"),
            (Value::TimeTicks(8_640_097), "Timeticks: (8640097) 1 day, 0:00:00.97"),
            (Value::OctetString(b"q\"x\\y".to_vec()), "STRING: \"q\\\"x\\\\y\""),
            (Value::OctetString(b"abc\0".to_vec()), "Hex-STRING: 61 62 63 00 "),
            (Value::OctetString(Vec::new()), "\"\""),
            (Value::ObjectId(Oid::from_ids([2, 5, 4])), "OID: joint-iso-ccitt.5.4"),
            (Value::Bits(vec![5, 0x80]), "BITS: 05 80 5 7 8 "),
            (Value::Float(3.25), "Opaque: Float: 3.250000"),
            (Value::Int64(256), "Opaque: Int64: 256"),
        ] {
            assert_eq!(text(&value).as_deref(), Some(expected));
        }
        let long = text(&Value::OctetString((0..17).collect())).unwrap();
        assert_eq!(long, "Hex-STRING: 00 01 02 03 04 05 06 07 08 09 0A 0B 0C 0D 0E 0F \n10 ");
    }
}
