//! The values of SNMP (RFC 2578 and RFC 3416), and the floats that net-snmp wraps in an Opaque.

use std::net::Ipv4Addr;

use super::error::Error;
use super::oid::Oid;
use super::reader::{INTEGER, NULL, OBJECT_IDENTIFIER, OCTET_STRING, Reader, signed, unsigned};
use super::writer::Writer;

const IP_ADDRESS: u8 = 0x40;
const COUNTER32: u8 = 0x41;
const GAUGE32: u8 = 0x42;
const TIME_TICKS: u8 = 0x43;
const OPAQUE: u8 = 0x44;
const COUNTER64: u8 = 0x46;
/// Counters and gauges of SMIv2's first draft, which some agents still send: a number without sign.
const UINTEGER32: u8 = 0x47;
const NO_SUCH_OBJECT: u8 = 0x80;
const NO_SUCH_INSTANCE: u8 = 0x81;
const END_OF_MIB_VIEW: u8 = 0x82;

/// First byte of what net-snmp puts into an Opaque.
const OPAQUE_TAG: u8 = 0x9f;
/// Second byte, for a float of 32 bits.
const OPAQUE_FLOAT: u8 = 0x78;
/// Second byte, for a float of 64 bits.
const OPAQUE_DOUBLE: u8 = 0x79;

/// What a variable holds, or why it holds nothing.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A signed number or an enumeration.
    Integer(i32),
    /// Bytes, with or without text in them.
    OctetString(Vec<u8>),
    /// Nothing, as in a request.
    Null,
    /// The name of something.
    ObjectId(Oid),
    /// An IPv4 address.
    IpAddress(Ipv4Addr),
    /// A counter that wraps at 2^32.
    Counter32(u32),
    /// A number that goes up and down, or an Unsigned32.
    Gauge32(u32),
    /// Hundredths of a second.
    TimeTicks(u32),
    /// Bytes that SNMP does not look into, and that are no float of net-snmp's.
    Opaque(Vec<u8>),
    /// A float of 32 bits in an Opaque.
    Float(f32),
    /// A float of 64 bits in an Opaque.
    Double(f64),
    /// A counter that wraps at 2^64.
    Counter64(u64),
    /// The agent has no such variable.
    NoSuchObject,
    /// The agent has the variable, but not this instance of it.
    NoSuchInstance,
    /// A walk is at its end.
    EndOfMibView,
}

impl Value {
    /// Whether this says that there is no value.
    pub fn is_absent(&self) -> bool {
        matches!(self, Value::NoSuchObject | Value::NoSuchInstance | Value::EndOfMibView)
    }

    /// Whether this is a counter, so that its differences matter.
    pub fn is_counter(&self) -> bool {
        matches!(self, Value::Counter32(_) | Value::Counter64(_))
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Value, Error> {
        let (tag, contents) = reader.any()?;
        let narrow = || unsigned(contents, 4).map(|number| number as u32);
        let absent = |value: Value| if contents.is_empty() { Ok(value) } else { Err(Error::Length) };
        match tag {
            INTEGER => {
                let number = i32::try_from(signed(contents)?).map_err(|_| Error::Number)?;
                Ok(Value::Integer(number))
            }
            OCTET_STRING => Ok(Value::OctetString(contents.to_vec())),
            NULL => absent(Value::Null),
            OBJECT_IDENTIFIER => Oid::from_ber(contents).map(Value::ObjectId),
            IP_ADDRESS => {
                let octets: [u8; 4] = contents.try_into().map_err(|_| Error::Length)?;
                Ok(Value::IpAddress(octets.into()))
            }
            COUNTER32 => narrow().map(Value::Counter32),
            GAUGE32 | UINTEGER32 => narrow().map(Value::Gauge32),
            TIME_TICKS => narrow().map(Value::TimeTicks),
            OPAQUE => Ok(opaque(contents)),
            COUNTER64 => unsigned(contents, 8).map(Value::Counter64),
            NO_SUCH_OBJECT => absent(Value::NoSuchObject),
            NO_SUCH_INSTANCE => absent(Value::NoSuchInstance),
            END_OF_MIB_VIEW => absent(Value::EndOfMibView),
            other => Err(Error::ValueType(other)),
        }
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        match self {
            Value::Integer(number) => writer.integer(i64::from(*number)),
            Value::OctetString(bytes) => writer.octets(bytes),
            Value::Null => writer.null(),
            Value::ObjectId(oid) => writer.oid(oid),
            Value::IpAddress(address) => writer.bytes(IP_ADDRESS, &address.octets()),
            Value::Counter32(number) => writer.unsigned(COUNTER32, u64::from(*number)),
            Value::Gauge32(number) => writer.unsigned(GAUGE32, u64::from(*number)),
            Value::TimeTicks(number) => writer.unsigned(TIME_TICKS, u64::from(*number)),
            Value::Opaque(bytes) => writer.bytes(OPAQUE, bytes),
            Value::Float(number) => write_float(writer, OPAQUE_FLOAT, &number.to_be_bytes()),
            Value::Double(number) => write_float(writer, OPAQUE_DOUBLE, &number.to_be_bytes()),
            Value::Counter64(number) => writer.unsigned(COUNTER64, *number),
            Value::NoSuchObject => writer.empty(NO_SUCH_OBJECT),
            Value::NoSuchInstance => writer.empty(NO_SUCH_INSTANCE),
            Value::EndOfMibView => writer.empty(END_OF_MIB_VIEW),
        }
    }
}

fn write_float(writer: &mut Writer, kind: u8, digits: &[u8]) {
    writer.element(OPAQUE, |writer| {
        writer.raw(digits);
        writer.raw(&[OPAQUE_TAG, kind, digits.len() as u8]);
    });
}

fn opaque(contents: &[u8]) -> Value {
    match contents {
        [OPAQUE_TAG, OPAQUE_FLOAT, 4, a, b, c, d] => Value::Float(f32::from_be_bytes([*a, *b, *c, *d])),
        [OPAQUE_TAG, OPAQUE_DOUBLE, 8, digits @ ..] => match digits.try_into() {
            Ok(digits) => Value::Double(f64::from_be_bytes(digits)),
            Err(_) => Value::Opaque(contents.to_vec()),
        },
        _ => Value::Opaque(contents.to_vec()),
    }
}

/// A variable and what it holds.
#[derive(Clone, Debug, PartialEq)]
pub struct VarBind {
    /// The variable's name.
    pub oid: Oid,
    /// What it holds.
    pub value: Value,
}

impl VarBind {
    /// A variable without a value, as a request names it.
    pub fn asked(oid: Oid) -> VarBind {
        VarBind { oid, value: Value::Null }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<VarBind, Error> {
        let mut pair = reader.sequence()?;
        let oid = Oid::from_ber(pair.element(OBJECT_IDENTIFIER)?)?;
        let value = Value::read(&mut pair)?;
        pair.end()?;
        Ok(VarBind { oid, value })
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.sequence(|writer| {
            self.value.write(writer);
            writer.oid(&self.oid);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_in_an_opaque_are_what_net_snmp_sends() {
        let bytes = [0x44, 7, 0x9f, 0x78, 4, 0x42, 0xf6, 0x00, 0x00];
        assert_eq!(Value::read(&mut Reader::new(&bytes)), Ok(Value::Float(123.0)));
        let bytes = [0x44, 11, 0x9f, 0x79, 8, 0x40, 0x5e, 0xc0, 0, 0, 0, 0, 0];
        assert_eq!(Value::read(&mut Reader::new(&bytes)), Ok(Value::Double(123.0)));
        let other = [0x44, 3, 0x9f, 0x78, 4];
        assert_eq!(Value::read(&mut Reader::new(&other)), Ok(Value::Opaque(vec![0x9f, 0x78, 4])));
    }

    #[test]
    fn values_of_a_wrong_size_or_type_are_refused() {
        for (bytes, error) in [
            (&[0x02, 5, 0, 0x80, 0, 0, 0][..], Error::Number),
            (&[0x41, 6, 0, 1, 0, 0, 0, 0], Error::Number),
            (&[0x40, 3, 1, 2, 3], Error::Length),
            (&[0x05, 1, 0], Error::Length),
            (&[0x80, 1, 0], Error::Length),
            (&[0x45, 1, 0], Error::ValueType(0x45)),
            (&[0x24, 2, 4, 0], Error::ValueType(0x24)),
        ] {
            assert_eq!(Value::read(&mut Reader::new(bytes)), Err(error), "{bytes:x?}");
        }
    }
}
