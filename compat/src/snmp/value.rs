//! The values of SNMP (RFC 2578 and RFC 3416), and the numbers that net-snmp wraps in an Opaque.

use std::net::Ipv4Addr;

use super::error::{Error, Fault};
use super::limits::VARBINDS_MAX;
use super::oid::Oid;
use super::reader::{Element, Reader, int64, integer, length, unsigned32, unsigned64};
use super::tag::{
    BIT_STRING, COUNTER32, COUNTER64, GAUGE32, INTEGER, IP_ADDRESS, NSAP, NULL, OBJECT_IDENTIFIER,
    OCTET_STRING, OPAQUE, OPAQUE_COUNTER64, OPAQUE_DOUBLE, OPAQUE_FLOAT, OPAQUE_INT64, OPAQUE_UINT64,
    TIME_TICKS, UINTEGER32,
};
use super::writer::Writer;

const NO_SUCH_OBJECT: u8 = 0x80;
const NO_SUCH_INSTANCE: u8 = 0x81;
const END_OF_MIB_VIEW: u8 = 0x82;

/// First byte of what net-snmp puts into an Opaque. The second is one of the types `OPAQUE_…`.
const OPAQUE_TAG: u8 = 0x9f;
/// Most bytes of an Opaque with a whole number in it.
const OPAQUE_NUMBER_MAX_BYTES: usize = 12;

/// What a variable holds, or why it holds nothing.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A signed number or an enumeration. It has 32 bits, but some agents send as many without a sign.
    Integer(i64),
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
    /// Bytes that SNMP does not look into, and that are no number of net-snmp's.
    Opaque(Vec<u8>),
    /// A float of 32 bits in an Opaque.
    Float(f32),
    /// A float of 64 bits in an Opaque.
    Double(f64),
    /// A signed number of 64 bits in an Opaque.
    Int64(i64),
    /// A number of 64 bits without sign in an Opaque.
    UInt64(u64),
    /// A counter that wraps at 2^64.
    Counter64(u64),
    /// The bits of an ASN.1 BIT STRING, behind the byte that says how many of the last are not used. SNMP has no such
    /// values any more.
    Bits(Vec<u8>),
    /// An address of OSI, which SNMP has no more either.
    Nsap(Vec<u8>),
    /// The agent has no such variable.
    NoSuchObject,
    /// The agent has the variable, but not this instance of it.
    NoSuchInstance,
    /// A walk is at its end.
    EndOfMibView,
    /// There is a value, but its bytes make no sense.
    Unreadable(Fault),
}

impl Value {
    /// Whether this says that there is no value.
    pub fn is_absent(&self) -> bool {
        matches!(self, Value::NoSuchObject | Value::NoSuchInstance | Value::EndOfMibView)
    }

    /// The name of its type on the wire, such as `OCTET STRING`.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Integer(_) => "INTEGER",
            Value::OctetString(_) => "OCTET STRING",
            Value::Null => "NULL",
            Value::ObjectId(_) => "OBJECT IDENTIFIER",
            Value::IpAddress(_) => "IpAddress",
            Value::Counter32(_) => "Counter32",
            Value::Gauge32(_) => "Gauge32",
            Value::TimeTicks(_) => "TimeTicks",
            Value::Opaque(_) => "Opaque",
            Value::Float(_) => "Float in an Opaque",
            Value::Double(_) => "Double in an Opaque",
            Value::Int64(_) => "Int64 in an Opaque",
            Value::UInt64(_) => "UInt64 in an Opaque",
            Value::Counter64(_) => "Counter64",
            Value::Bits(_) => "BIT STRING",
            Value::Nsap(_) => "NsapAddress",
            Value::NoSuchObject => "noSuchObject",
            Value::NoSuchInstance => "noSuchInstance",
            Value::EndOfMibView => "endOfMibView",
            Value::Unreadable(_) => "of no known form",
        }
    }

    /// Whether this is a counter, so that its differences matter.
    pub fn is_counter(&self) -> bool {
        matches!(self, Value::Counter32(_) | Value::Counter64(_))
    }

    /// The value of an element, and how many bytes at its end do not belong to it.
    fn of(element: &Element<'_>) -> (Value, usize) {
        let contents = element.contents();
        let read = match element.tag {
            INTEGER => integer(contents).map(Value::Integer),
            OCTET_STRING => Some(Value::OctetString(contents.to_vec())),
            NULL => Some(Value::Null),
            OBJECT_IDENTIFIER => match Oid::from_ber(contents) {
                Ok(oid) => Some(Value::ObjectId(oid)),
                Err(fault) => return (Value::Unreadable(fault), 0),
            },
            IP_ADDRESS => <[u8; 4]>::try_from(contents).ok().map(|octets| Value::IpAddress(octets.into())),
            COUNTER32 => unsigned32(contents).map(Value::Counter32),
            GAUGE32 | UINTEGER32 => unsigned32(contents).map(Value::Gauge32),
            TIME_TICKS => unsigned32(contents).map(Value::TimeTicks),
            OPAQUE => return opaque(contents),
            COUNTER64 => unsigned64(contents).map(Value::Counter64),
            BIT_STRING if !contents.is_empty() => Some(Value::Bits(contents.to_vec())),
            NSAP => Some(Value::Nsap(contents.to_vec())),
            // net-snmp takes its floats without the Opaque around them, too.
            OPAQUE_FLOAT => float(contents),
            OPAQUE_DOUBLE => double(contents),
            NO_SUCH_OBJECT => Some(Value::NoSuchObject),
            NO_SUCH_INSTANCE => Some(Value::NoSuchInstance),
            END_OF_MIB_VIEW => Some(Value::EndOfMibView),
            BIT_STRING => None,
            other => return (Value::Unreadable(Fault::ValueType(other)), 0),
        };
        (read.unwrap_or(Value::Unreadable(element.size())), 0)
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        match self {
            Value::Integer(number) => writer.integer(*number),
            Value::OctetString(bytes) => writer.octets(bytes),
            // There is no other way to say of an unreadable value that it is there.
            Value::Null | Value::Unreadable(_) => writer.null(),
            Value::ObjectId(oid) => writer.oid(oid),
            Value::IpAddress(address) => writer.bytes(IP_ADDRESS, &address.octets()),
            Value::Counter32(number) => writer.unsigned(COUNTER32, u64::from(*number)),
            Value::Gauge32(number) => writer.unsigned(GAUGE32, u64::from(*number)),
            Value::TimeTicks(number) => writer.unsigned(TIME_TICKS, u64::from(*number)),
            Value::Opaque(bytes) => writer.bytes(OPAQUE, bytes),
            Value::Float(number) => {
                write_opaque(writer, |writer| writer.bytes(OPAQUE_FLOAT, &number.to_be_bytes()));
            }
            Value::Double(number) => {
                write_opaque(writer, |writer| writer.bytes(OPAQUE_DOUBLE, &number.to_be_bytes()));
            }
            Value::Int64(number) => {
                write_opaque(writer, |writer| writer.integer_as(OPAQUE_INT64, *number));
            }
            Value::UInt64(number) => {
                write_opaque(writer, |writer| writer.unsigned(OPAQUE_UINT64, *number));
            }
            Value::Counter64(number) => writer.unsigned(COUNTER64, *number),
            Value::Bits(bytes) => writer.bytes(BIT_STRING, bytes),
            Value::Nsap(bytes) => writer.bytes(NSAP, bytes),
            Value::NoSuchObject => writer.empty(NO_SUCH_OBJECT),
            Value::NoSuchInstance => writer.empty(NO_SUCH_INSTANCE),
            Value::EndOfMibView => writer.empty(END_OF_MIB_VIEW),
        }
    }
}

/// An Opaque around what `inner` writes under a type of net-snmp's.
fn write_opaque(writer: &mut Writer, inner: impl FnOnce(&mut Writer)) {
    writer.element(OPAQUE, |writer| {
        inner(writer);
        writer.raw(&[OPAQUE_TAG]);
    });
}

fn float(contents: &[u8]) -> Option<Value> {
    contents.try_into().ok().map(|digits| Value::Float(f32::from_be_bytes(digits)))
}

fn double(contents: &[u8]) -> Option<Value> {
    contents.try_into().ok().map(|digits| Value::Double(f64::from_be_bytes(digits)))
}

/// What an Opaque holds, and how many bytes follow the number in it, if it is one of net-snmp's.
fn opaque(contents: &[u8]) -> (Value, usize) {
    let [OPAQUE_TAG, kind, rest @ ..] = contents else { return (Value::Opaque(contents.to_vec()), 0) };
    let known = [OPAQUE_COUNTER64, OPAQUE_FLOAT, OPAQUE_DOUBLE, OPAQUE_INT64, OPAQUE_UINT64].contains(kind);
    if rest.is_empty() || !known {
        return (Value::Opaque(contents.to_vec()), 0);
    }
    let (len, head) = match length(rest) {
        Ok(found) => found,
        Err(fault) => return (Value::Unreadable(fault), 0),
    };
    let (digits, follows) = rest[head..].split_at(len);
    let whole = contents.len() <= OPAQUE_NUMBER_MAX_BYTES;
    let value = match *kind {
        OPAQUE_FLOAT if contents.len() == 7 => float(digits),
        OPAQUE_DOUBLE if contents.len() == 11 => double(digits),
        OPAQUE_INT64 if whole => int64(digits).map(Value::Int64),
        OPAQUE_UINT64 if whole => unsigned64(digits).map(Value::UInt64),
        OPAQUE_COUNTER64 if whole => unsigned64(digits).map(Value::Counter64),
        _ => None,
    };
    (value.unwrap_or(Value::Unreadable(Fault::Size { tag: *kind, len })), follows.len())
}

/// A variable and what it holds.
#[derive(Clone, Debug, PartialEq)]
pub struct VarBind {
    /// The variable's name; the root if it cannot be read.
    pub oid: Oid,
    /// What it holds.
    pub value: Value,
}

impl VarBind {
    /// A variable without a value, as a request names it.
    pub fn asked(oid: Oid) -> VarBind {
        VarBind { oid, value: Value::Null }
    }

    /// Reads the next variable of a list. What makes no sense within it is its own matter; the list can be read on.
    ///
    /// The next variable begins where this one's value ends, as net-snmp has it, whatever the length around both says. The
    /// byte where it should begin by that length is returned.
    fn read(list: &mut Reader<'_>) -> Result<(VarBind, usize), Error> {
        let mut pair = list.sequence()?;
        let end = pair.end();
        let unreadable = |oid, error| {
            let fault = if let Error::Malformed { fault, .. } = error { fault } else { Fault::End };
            VarBind { oid, value: Value::Unreadable(fault) }
        };
        let name = pair
            .element(OBJECT_IDENTIFIER)
            .and_then(|element| Oid::from_ber(element.contents()).map_err(|fault| fault.at(element.at)));
        let oid = match name {
            Ok(oid) => oid,
            Err(error) => return Ok((unreadable(Oid::default(), error), end)),
        };
        let element = match pair.any() {
            Ok(element) => element,
            Err(error) => return Ok((unreadable(oid, error), end)),
        };
        let (value, follows) = Value::of(&element);
        list.go_on_at(pair.at() - follows);
        Ok((VarBind { oid, value }, end))
    }

    /// Reads all variables of a list.
    pub(super) fn read_all(list: &mut Reader<'_>) -> Result<Vec<VarBind>, Error> {
        let mut varbinds = Vec::new();
        // Where the variable before ends by its own length.
        let mut before_end = 0;
        while !list.is_empty() {
            if varbinds.len() == VARBINDS_MAX {
                return Err(Fault::TooManyVarBinds.at(list.at()));
            }
            let mut ahead = *list;
            match VarBind::read(&mut ahead) {
                Ok((varbind, end)) => {
                    varbinds.push(varbind);
                    before_end = end;
                    *list = ahead;
                }
                Err(_) if before_end > list.at() => list.go_on_at(before_end),
                Err(error) => return Err(error),
            }
        }
        Ok(varbinds)
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

    fn read(bytes: &[u8]) -> Value {
        let element = Reader::new(bytes).any().unwrap();
        Value::of(&element).0
    }

    #[test]
    fn numbers_in_an_opaque_are_what_net_snmp_sends() {
        for (bytes, value) in [
            (&[0x44, 7, 0x9f, 0x78, 4, 0x42, 0xf6, 0, 0][..], Value::Float(123.0)),
            (&[0x78, 4, 0x42, 0xf6, 0, 0], Value::Float(123.0)),
            (&[0x44, 11, 0x9f, 0x79, 8, 0x40, 0x5e, 0xc0, 0, 0, 0, 0, 0], Value::Double(123.0)),
            (&[0x79, 8, 0x40, 0x5e, 0xc0, 0, 0, 0, 0, 0], Value::Double(123.0)),
            (&[0x44, 5, 0x9f, 0x7a, 2, 1, 0], Value::Int64(256)),
            (&[0x44, 4, 0x9f, 0x7a, 1, 0xff], Value::Int64(-1)),
            (&[0x44, 4, 0x9f, 0x7b, 1, 0xff], Value::UInt64(255)),
            (&[0x44, 3, 0x9f, 0x7b, 0], Value::UInt64(0)),
            (&[0x44, 12, 0x9f, 0x7b, 9, 0, 255, 255, 255, 255, 255, 255, 255, 255], Value::UInt64(u64::MAX)),
            (&[0x44, 5, 0x9f, 0x76, 2, 1, 0], Value::Counter64(256)),
            (&[0x44, 2, 0x9f, 0x78], Value::Opaque(vec![0x9f, 0x78])),
            (&[0x44, 3, 0x9f, 0x55, 0], Value::Opaque(vec![0x9f, 0x55, 0])),
        ] {
            assert_eq!(read(bytes), value, "{bytes:x?}");
        }
    }

    #[test]
    fn values_of_an_odd_size_are_read_where_net_snmp_reads_them() {
        for (bytes, value) in [
            (&[0x02, 5, 0, 0x80, 0, 0, 0][..], Value::Integer(1 << 31)),
            (&[0x41, 6, 1, 1, 0, 0, 0, 9], Value::Counter32(9)),
            (&[0x42, 8, 0, 0, 0, 0, 0, 0, 0, 7], Value::Gauge32(7)),
            (&[0x47, 1, 7], Value::Gauge32(7)),
            (&[0x46, 0], Value::Counter64(0)),
            (&[0x06, 0], Value::ObjectId(Oid::from_ids([0]))),
            (&[0x05, 1, 0], Value::Null),
            (&[0x80, 1, 0], Value::NoSuchObject),
            (&[0x45, 1, 7], Value::Nsap(vec![7])),
            (&[0x03, 2, 0, 0xa0], Value::Bits(vec![0, 0xa0])),
        ] {
            assert_eq!(read(bytes), value, "{bytes:x?}");
        }
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        for (bytes, why) in [
            (&[0x02, 0][..], "INTEGER of no bytes"),
            (&[0x41, 0], "Counter32 of no bytes"),
            (&[0x46, 9, 1, 0, 0, 0, 0, 0, 0, 0, 0], "Counter64 of 9 bytes"),
            (&[0x40, 3, 1, 2, 3], "IpAddress of 3 bytes"),
            (&[0x44, 3, 0x9f, 0x78, 4], "a length points beyond the end"),
            (&[0x44, 6, 0x9f, 0x78, 3, 1, 2, 3], "opaque Float of 3 bytes"),
            (&[0x06, 1, 0x86], "an object identifier is malformed"),
            (&[0x24, 2, 4, 0], "a value of type 0x24"),
        ] {
            let Value::Unreadable(fault) = read(bytes) else { panic!("{bytes:x?} was read") };
            assert_eq!(fault.to_string(), why);
        }
    }

    #[test]
    fn what_is_wrong_with_a_variable_stays_with_it() {
        let name = [0x06, 2, 0x2b, 6];
        let pair = |len: u8, value: &[u8]| [&[0x30, len][..], &name, value].concat();
        let one = pair(7, &[2, 1, 7]);
        let oid = Oid::from_ids([1, 3, 6]);
        let good = VarBind { oid: oid.clone(), value: Value::Integer(7) };
        for (odd, expected) in [
            // No name, a name that is none, no value, a value that is longer than what holds it.
            (vec![0x30, 0], (Oid::default(), Some(Fault::End))),
            (vec![0x30, 2, 5, 0], (Oid::default(), Some(Fault::Tag { found: 5, expected: 6 }))),
            (vec![0x30, 5, 6, 1, 0x80, 5, 0], (Oid::default(), Some(Fault::Oid))),
            (pair(4, &[]), (oid.clone(), Some(Fault::End))),
            (pair(6, &[4, 9]), (oid.clone(), Some(Fault::Truncated))),
            (pair(6, &[2, 0]), (oid.clone(), Some(Fault::Size { tag: 2, len: 0 }))),
            // What follows the value within its variable.
            (pair(9, &[2, 1, 7, 0, 0]), (oid.clone(), None)),
        ] {
            let bytes = [&one[..], &odd, &one].concat();
            let read = VarBind::read_all(&mut Reader::new(&bytes)).unwrap();
            assert_eq!(read.len(), 3, "{odd:x?}");
            assert_eq!((&read[0], &read[2]), (&good, &good), "{odd:x?}");
            let value = expected.1.map_or(Value::Integer(7), Value::Unreadable);
            assert_eq!(read[1], VarBind { oid: expected.0, value }, "{odd:x?}");
        }
        // Variables whose length counts what follows them as well are read one behind the other, as by net-snmp.
        let bytes = [pair(16, &[2, 1, 7]), one.clone()].concat();
        assert_eq!(VarBind::read_all(&mut Reader::new(&bytes)).unwrap(), [good.clone(), good]);
        let error = VarBind::read_all(&mut Reader::new(&[one, vec![0x30, 9, 6]].concat())).unwrap_err();
        assert_eq!(error.to_string(), "byte 9: a length points beyond the end");
    }
}
