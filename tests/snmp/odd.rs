//! Values that break rules, and how net-snmp prints what it makes of them.

use custos::snmp::Absence;
use custos_compat::snmp::Value;

use crate::ber::{Random, tlv};

/// A value: mostly one that keeps the rules, else of an odd size or type.
pub fn value(random: &mut Random) -> Vec<u8> {
    let types = [0x02, 0x04, 0x05, 0x06, 0x40, 0x41, 0x42, 0x43, 0x44, 0x46, 0x47, 0x80, 0x81];
    let rare = [0x03, 0x45, 0x78, 0x79, 0x76, 0x7a, 0x7b, 0x24, 0x00, 0x1f];
    let tag =
        if random.one_in(8) { rare[random.below(rare.len())] } else { types[random.below(types.len())] };
    let len = if random.one_in(3) { random.below(11) } else { 1 + random.below(4) };
    let mut contents = random.bytes(len);
    match tag {
        0x40 if !random.one_in(6) => contents = random.bytes(4),
        0x06 => {
            // Sub-identifiers of one byte, mostly.
            contents.iter_mut().for_each(|byte| *byte &= if random.one_in(5) { 0xff } else { 0x7f });
        }
        0x44 if !random.one_in(3) => {
            let kind = [0x76, 0x78, 0x79, 0x7a, 0x7b, 0x55][random.below(6)];
            let len = match (kind, random.one_in(4)) {
                (0x78, false) => 4,
                (0x79, false) => 8,
                _ => random.below(10),
            };
            contents = [&[0x9f][..], &tlv(kind, &random.bytes(len))].concat();
            if random.one_in(6) {
                contents.push(0);
            }
        }
        0x80 | 0x81 | 0x05 if !random.one_in(4) => contents.clear(),
        _ if !contents.is_empty() && random.one_in(3) => contents[0] = 0,
        _ => {}
    }
    let mut value = tlv(tag, &contents);
    if random.one_in(12) {
        // A length that takes more bytes than it needs.
        let zeros = random.below(8);
        value =
            [&[tag, 0x81 + zeros as u8][..], &vec![0; zeros], &[contents.len() as u8], &contents].concat();
    }
    value
}

/// A value as `snmpget -OnetUx` prints it, in each of the ways that it may be meant.
fn printed(value: &Value) -> Vec<String> {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02X} ")).collect::<String>();
    match value {
        Value::Integer(number) => vec![format!("INTEGER: {number}")],
        Value::OctetString(bytes) if bytes.is_empty() => vec!["\"\"".to_owned()],
        Value::OctetString(bytes) => vec![format!("Hex-STRING: {}", hex(bytes))],
        Value::Null => vec!["NULL".to_owned()],
        Value::ObjectId(oid) => vec![format!("OID: .{oid}")],
        Value::IpAddress(address) => vec![format!("IpAddress: {address}")],
        Value::Counter32(number) => vec![format!("Counter32: {number}")],
        // The last is how UInteger32 is printed.
        Value::Gauge32(number) => vec![format!("Gauge32: {number}"), number.to_string()],
        Value::TimeTicks(ticks) => vec![ticks.to_string()],
        Value::Opaque(bytes) => vec![format!("OPAQUE: {}", hex(bytes))],
        Value::Float(number) => vec![format!("Opaque: Float: {number:.6}")],
        Value::Double(number) => vec![format!("Opaque: Float: {number:.6}")],
        Value::Int64(number) => vec![format!("Opaque: Int64: {number}")],
        Value::UInt64(number) => vec![format!("Opaque: UInt64: {number}")],
        Value::Counter64(number) => {
            vec![format!("Counter64: {number}"), format!("Opaque: Counter64: {number}")]
        }
        Value::Bits(bytes) => vec![format!("BITS: {}", hex(bytes))],
        Value::Nsap(_) => vec!["Variable has bad type".to_owned()],
        other => vec![format!("{other:?}")],
    }
}

/// Whether a line of net-snmp is about this value, or about its absence.
pub fn is_printed(value: &Result<Value, Absence>, line: &str) -> bool {
    match value {
        Ok(Value::Float(number)) if number.is_nan() => line.contains("nan"),
        Ok(Value::Double(number)) if number.is_nan() => line.contains("nan"),
        Ok(Value::Bits(_)) => printed(value.as_ref().unwrap()).iter().all(|text| line.starts_with(text)),
        // net-snmp has room for so many digits.
        Ok(Value::Double(_)) => printed(value.as_ref().unwrap())
            .iter()
            .any(|text| text[..text.len().min(100)] == line[..line.len().min(100)]),
        Ok(value) => printed(value).iter().any(|text| text.trim_end() == line.trim_end()),
        Err(Absence::NoSuchObject) => line.starts_with("No Such Object"),
        Err(Absence::NoSuchInstance) => line.starts_with("No Such Instance"),
        Err(_) => false,
    }
}
