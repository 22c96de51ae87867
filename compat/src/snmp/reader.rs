//! Reading BER, as far as SNMP uses it: definite lengths, tags of one byte.
//!
//! What devices send is not always what RFC 3417 asks for, and what net-snmp reads of it, people have come to rely on.
//! So numbers are read as its `asn1.c` reads them: of more bytes than their type needs, of none where it allows that,
//! and cut to 32 bits where it cuts them.
//!
//! Invariant: a reader never looks beyond the element that it was made of.

use super::error::{Error, Fault};
use super::tag::{INTEGER, IP_ADDRESS, NSAP, OCTET_STRING, OPAQUE, SEQUENCE};

/// What net-snmp takes where bytes are wanted, whatever they are for.
const STRINGS: [u8; 4] = [OCTET_STRING, IP_ADDRESS, OPAQUE, NSAP];
/// Most bytes of a length, behind the byte that counts them.
const LENGTH_MAX_BYTES: usize = 8;

/// What is left to be read of an element of a packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    packet: &'a [u8],
    at: usize,
    end: usize,
}

/// An element: its type, and its contents as a reader of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element<'a> {
    pub(super) tag: u8,
    /// Where its tag stands.
    pub(super) at: usize,
    pub(super) inside: Reader<'a>,
}

impl<'a> Element<'a> {
    /// The contents.
    pub(super) fn contents(&self) -> &'a [u8] {
        self.inside.rest()
    }

    /// What is wrong with its size.
    pub(super) fn size(&self) -> Fault {
        Fault::Size { tag: self.tag, len: self.contents().len() }
    }
}

impl<'a> Reader<'a> {
    /// A reader of a whole packet.
    pub(super) fn new(packet: &'a [u8]) -> Reader<'a> {
        Reader { packet, at: 0, end: packet.len() }
    }

    /// Whether everything was read.
    pub(super) fn is_empty(&self) -> bool {
        self.at >= self.end
    }

    /// Where in the packet the next byte stands.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Where in the packet the element ends.
    pub(super) fn end(&self) -> usize {
        self.end
    }

    /// The bytes that are left.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.packet.get(self.at..self.end).unwrap_or_default()
    }

    /// Goes on at another byte of the same element.
    pub(super) fn go_on_at(&mut self, at: usize) {
        self.at = at.min(self.end);
    }

    /// The next element, whatever its type.
    pub(super) fn any(&mut self) -> Result<Element<'a>, Error> {
        let start = self.at;
        let bytes = self.rest();
        let (&tag, rest) = bytes.split_first().ok_or(Fault::End.at(start))?;
        let (len, head) = length(rest).map_err(|fault| fault.at(start))?;
        let contents = start + 1 + head;
        // Neither can overflow: `length` has seen to it that the contents are there.
        let end = contents + len;
        self.at = end;
        Ok(Element { tag, at: start, inside: Reader { packet: self.packet, at: contents, end } })
    }

    /// The next element, which must be of this type.
    pub(super) fn element(&mut self, expected: u8) -> Result<Element<'a>, Error> {
        self.one_of(&[expected])
    }

    /// The inside of the next element, which must be a sequence.
    pub(super) fn sequence(&mut self) -> Result<Reader<'a>, Error> {
        self.element(SEQUENCE).map(|element| element.inside)
    }

    /// Goes into the next element, which must be of this type. Its length is checked and then no longer minded, as
    /// net-snmp does with the head of version 3.
    pub(super) fn enter(&mut self, expected: u8) -> Result<(), Error> {
        let mut ahead = *self;
        self.at = ahead.element(expected)?.inside.at;
        Ok(())
    }

    /// The number of the next element, which must be an INTEGER.
    pub(super) fn integer(&mut self) -> Result<i64, Error> {
        let element = self.element(INTEGER)?;
        integer(element.contents()).ok_or(element.size().at(element.at))
    }

    /// The bytes of the next element, which must be of a type of bytes.
    pub(super) fn octets(&mut self) -> Result<&'a [u8], Error> {
        self.one_of(&STRINGS).map(|element| element.contents())
    }

    fn one_of(&mut self, expected: &[u8]) -> Result<Element<'a>, Error> {
        let mut ahead = *self;
        let element = ahead.any()?;
        if !expected.contains(&element.tag) {
            return Err(Fault::Tag { found: element.tag, expected: expected[0] }.at(element.at));
        }
        *self = ahead;
        Ok(element)
    }
}

/// A length, and how many bytes it takes itself, if as many follow it.
pub(super) fn length(bytes: &[u8]) -> Result<(usize, usize), Fault> {
    let (&first, rest) = bytes.split_first().ok_or(Fault::Truncated)?;
    let (len, head) = if first & 0x80 == 0 {
        (usize::from(first), 1)
    } else {
        let count = usize::from(first & 0x7f);
        if count == 0 || count > LENGTH_MAX_BYTES {
            return Err(Fault::Length);
        }
        let digits = rest.get(..count).ok_or(Fault::Truncated)?;
        let len = digits.iter().fold(0_u64, |len, digit| len << 8 | u64::from(*digit));
        let len = i64::try_from(len).map_err(|_| Fault::Length)?;
        (usize::try_from(len).map_err(|_| Fault::Truncated)?, 1 + count)
    };
    if bytes.len() - head < len { Err(Fault::Truncated) } else { Ok((len, head)) }
}

/// An INTEGER of up to 8 bytes. Beyond 32 bits it is cut as net-snmp cuts it; what has 32 bits without a sign stays as it
/// is, because agents send gauges so. What was cut from below may still be below 32 bits, as with net-snmp, and so is cut
/// once more if it is written and read again: -2^32 - 1 is read as -(2^32 - 1), and that as -1.
pub(super) fn integer(contents: &[u8]) -> Option<i64> {
    if contents.len() > 8 {
        return None;
    }
    let number = signed(contents)?;
    Some(match number {
        _ if number > i64::from(i32::MAX) => number & 0xffff_ffff,
        _ if number < i64::from(i32::MIN) => -(number & 0xffff_ffff),
        _ => number,
    })
}

/// The number of an Int64 in an Opaque, of up to 8 bytes, or 9 of which the first is 0.
pub(super) fn int64(contents: &[u8]) -> Option<i64> {
    match contents {
        [] => Some(0),
        [0, digits @ ..] if digits.len() == 8 => Some(unsigned64(digits)? as i64),
        digits if digits.len() <= 8 => signed(digits),
        _ => None,
    }
}

fn signed(contents: &[u8]) -> Option<i64> {
    let (&first, rest) = contents.split_first()?;
    Some(rest.iter().fold(i64::from(first as i8), |number, byte| number << 8 | i64::from(*byte)))
}

/// A number of 32 bits without sign. It has 1 to 8 bytes, or 9 of which the first is 0, and is what its last four say.
pub(super) fn unsigned32(contents: &[u8]) -> Option<u32> {
    if contents.is_empty() {
        return None;
    }
    unsigned64(contents).map(|number| number as u32)
}

/// A number of 64 bits without sign, of up to 8 bytes, or 9 of which the first is 0. Of no bytes it is 0.
///
/// Agents exist that leave out the zero byte before a high bit, so that a signed reading would be negative: the bytes are
/// taken as they are.
pub(super) fn unsigned64(contents: &[u8]) -> Option<u64> {
    match contents {
        [0, digits @ ..] if digits.len() == 8 => unsigned64(digits),
        digits if digits.len() <= 8 => {
            Some(digits.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_beyond_the_end_are_refused() {
        assert_eq!(Reader::new(&[]).any().unwrap_err(), Fault::End.at(0));
        for bytes in [
            &[4][..],
            &[4, 1],
            &[4, 0x81],
            &[4, 0x82, 1],
            &[4, 0x84, 0xff, 0xff, 0xff, 0xff, 0],
            &[4, 0x85, 0],
        ] {
            assert_eq!(Reader::new(bytes).any().unwrap_err(), Fault::Truncated.at(0), "{bytes:x?}");
        }
        let long = [4, 0x89, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        for bytes in [&[4, 0x80, 0, 0][..], &long, &[4, 0xff], &[4, 0x88, 0x80, 0, 0, 0, 0, 0, 0, 0]] {
            assert_eq!(Reader::new(bytes).any().unwrap_err(), Fault::Length.at(0), "{bytes:x?}");
        }
        for bytes in [&[4, 0x82, 0, 1, 7][..], &[4, 1, 7, 9], &[4, 0x88, 0, 0, 0, 0, 0, 0, 0, 1, 7]] {
            assert_eq!(Reader::new(bytes).octets(), Ok(&[7][..]));
        }
    }

    #[test]
    fn faults_are_named_by_the_byte_where_they_show() {
        let mut reader = Reader::new(&[0x30, 7, 2, 1, 5, 6, 0, 4, 9]);
        let mut inside = reader.sequence().unwrap();
        assert_eq!(inside.integer(), Ok(5));
        assert_eq!(
            inside.integer().unwrap_err().to_string(),
            "byte 5: OBJECT IDENTIFIER where INTEGER should be"
        );
        assert!(inside.element(6).is_ok());
        assert_eq!(inside.octets().unwrap_err().to_string(), "byte 7: a length points beyond the end");
        assert_eq!(reader.any().unwrap_err().to_string(), "byte 9: it ends where something should follow");
        let empty = Reader::new(&[2, 0]).integer().unwrap_err();
        assert_eq!(empty.to_string(), "byte 0: INTEGER of no bytes");
    }

    #[test]
    fn numbers_are_read_as_net_snmp_reads_them() {
        for (bytes, number) in [
            (&[0xff][..], Some(-1)),
            (&[0x00, 0xff], Some(255)),
            (&[0x80, 0, 0, 0], Some(i64::from(i32::MIN))),
            (&[0, 0x80, 0, 0, 0], Some(1 << 31)),
            (&[0, 0, 0, 1, 0, 0, 0, 5], Some(5)),
            (&[0xff, 0xff, 0xff, 0xfe, 0, 0, 0, 5], Some(-5)),
            (&[0xff, 0xff, 0xff, 0xfe, 0xff, 0xff, 0xff, 0xff], Some(-0xffff_ffff)),
            (&[0xff, 0, 0, 0, 1], Some(-1)),
            (&[], None),
            (&[0; 9], None),
        ] {
            assert_eq!(integer(bytes), number, "{bytes:x?}");
        }
        for (bytes, number) in [
            (&[0, 0xff, 0xff, 0xff, 0xff][..], Some(u32::MAX)),
            (&[0xff, 0xff, 0xff, 0xff], Some(u32::MAX)),
            (&[1, 0, 0, 0, 7], Some(7)),
            (&[0, 1, 2, 3, 4, 5, 6, 7, 8], Some(0x0506_0708)),
            (&[1, 1, 2, 3, 4, 5, 6, 7, 8], None),
            (&[], None),
        ] {
            assert_eq!(unsigned32(bytes), number, "{bytes:x?}");
        }
        assert_eq!(unsigned64(&[0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), Some(u64::MAX));
        assert_eq!((unsigned64(&[]), unsigned64(&[1; 9])), (Some(0), None));
        assert_eq!((int64(&[0xff, 0]), int64(&[]), int64(&[1; 9])), (Some(-256), Some(0), None));
        assert_eq!(int64(&[0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), Some(-1));
    }
}
