//! Reading fields, one after the other.

use super::Wire;
use super::error::{Error, Fault};

/// Largest number of a field.
const FIELD_MAX: u64 = (1 << 29) - 1;

/// What is left to be read of a message.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    whole: &'a [u8],
    at: usize,
    end: usize,
}

/// A field: its number, and its content, of whatever kind that is.
#[derive(Clone, Copy, Debug)]
pub struct Field<'a> {
    /// The number that the message gives it.
    pub number: u32,
    /// The byte at which it begins.
    pub at: usize,
    content: Content<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Content<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    Bytes(Reader<'a>),
}

impl<'a> Reader<'a> {
    /// A reader of a whole message.
    pub fn new(message: &'a [u8]) -> Reader<'a> {
        Reader { whole: message, at: 0, end: message.len() }
    }

    /// The byte of the whole message that is read next.
    pub fn at(&self) -> usize {
        self.at
    }

    /// The bytes that are left.
    pub fn rest(&self) -> &'a [u8] {
        self.whole.get(self.at..self.end).unwrap_or_default()
    }

    /// The next field, or none at the end.
    ///
    /// # Errors
    /// If what is there is no field.
    pub fn field(&mut self) -> Result<Option<Field<'a>>, Error> {
        if self.at >= self.end {
            return Ok(None);
        }
        let at = self.at;
        let key = self.varint()?;
        let number = key >> 3;
        if !(1..=FIELD_MAX).contains(&number) {
            return Err(Fault::Number.at(at));
        }
        let content = match key as u8 & 7 {
            kind if kind == Wire::Varint as u8 => Content::Varint(self.varint()?),
            kind if kind == Wire::Fixed64 as u8 => Content::Fixed64(u64::from_le_bytes(self.array()?)),
            kind if kind == Wire::Fixed32 as u8 => Content::Fixed32(u32::from_le_bytes(self.array()?)),
            kind if kind == Wire::Bytes as u8 => Content::Bytes(self.inside()?),
            kind => return Err(Fault::Kind(kind).at(at)),
        };
        Ok(Some(Field { number: number as u32, at, content }))
    }

    /// A varint, as the elements of a packed field are.
    ///
    /// # Errors
    /// If it is cut, or has more than 64 bits.
    pub fn varint(&mut self) -> Result<u64, Error> {
        let start = self.at;
        let mut number = 0_u64;
        for shift in (0..70).step_by(7) {
            let [byte] = self.array()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Fault::Varint.at(start))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let bytes = self.rest().first_chunk().ok_or(Fault::End.at(self.at))?;
        self.at += N;
        Ok(*bytes)
    }

    fn inside(&mut self) -> Result<Reader<'a>, Error> {
        let at = self.at;
        let len = self.varint()?;
        let len = usize::try_from(len).ok().filter(|len| *len <= self.end - self.at);
        let end = self.at + len.ok_or(Fault::Length.at(at))?;
        let inside = Reader { end, ..*self };
        self.at = end;
        Ok(inside)
    }
}

impl<'a> Field<'a> {
    /// The number, if it is a varint.
    ///
    /// # Errors
    /// If the field is of another kind.
    pub fn uint(&self) -> Result<u64, Error> {
        match self.content {
            Content::Varint(number) => Ok(number),
            _ => Err(self.fault(Fault::OtherKind(self.number))),
        }
    }

    /// The number, if it is a varint of at most 32 bits.
    ///
    /// # Errors
    /// If the field is of another kind, or the number larger.
    pub fn uint32(&self) -> Result<u32, Error> {
        u32::try_from(self.uint()?).map_err(|_| self.fault(Fault::Range(self.number)))
    }

    /// The number, if it is one of eight bytes.
    ///
    /// # Errors
    /// If the field is of another kind.
    pub fn fixed64(&self) -> Result<u64, Error> {
        match self.content {
            Content::Fixed64(number) => Ok(number),
            _ => Err(self.fault(Fault::OtherKind(self.number))),
        }
    }

    /// The number, if it is one of four bytes.
    ///
    /// # Errors
    /// If the field is of another kind.
    pub fn fixed32(&self) -> Result<u32, Error> {
        match self.content {
            Content::Fixed32(number) => Ok(number),
            _ => Err(self.fault(Fault::OtherKind(self.number))),
        }
    }

    /// The number with a point, bit by bit.
    ///
    /// # Errors
    /// If the field is of another kind.
    pub fn double(&self) -> Result<f64, Error> {
        self.fixed64().map(f64::from_bits)
    }

    /// What is inside: a message, or the elements of a packed field.
    ///
    /// # Errors
    /// If the field is of another kind.
    pub fn inside(&self) -> Result<Reader<'a>, Error> {
        match self.content {
            Content::Bytes(inside) => Ok(inside),
            _ => Err(self.fault(Fault::OtherKind(self.number))),
        }
    }

    /// The text.
    ///
    /// # Errors
    /// If the field is of another kind, or its bytes are not UTF-8.
    pub fn text(&self) -> Result<&'a str, Error> {
        std::str::from_utf8(self.inside()?.rest()).map_err(|_| self.fault(Fault::Text))
    }

    /// What to say of a field that its message does not have.
    pub fn unknown(&self) -> Error {
        self.fault(Fault::Unknown(self.number))
    }

    /// The error that a fault of this field is.
    pub fn fault(&self, fault: Fault) -> Error {
        fault.at(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{put_double, put_message, put_text, put_uint};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fields_are_read_as_they_were_written() {
        let mut out = Vec::new();
        put_uint(&mut out, 1, u64::MAX);
        put_message(&mut out, 700, |out| put_text(out, 2, "größe"));
        put_double(&mut out, 3, -0.5);
        let mut reader = Reader::new(&out);
        let mut next = || reader.field().unwrap().unwrap();
        assert_eq!(next().uint(), Ok(u64::MAX));
        let message = next();
        assert_eq!(message.number, 700);
        let inner = message.inside().unwrap().field().unwrap().unwrap();
        assert_eq!((inner.text(), inner.at), (Ok("größe"), 14));
        assert_eq!(next().double(), Ok(-0.5));
        assert!(reader.field().unwrap().is_none());
    }

    #[test]
    fn what_is_no_field_is_named_with_its_byte() {
        for (bytes, error) in [
            (&[0x08][..], Fault::End.at(1)),
            (&[0x00, 0x01], Fault::Number.at(0)),
            (&[0x0b], Fault::Kind(3).at(0)),
            (&[0x0a, 0x02, 0x01], Fault::Length.at(1)),
            (&[0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02], Fault::Varint.at(1)),
            (&[0x09, 1, 2, 3], Fault::End.at(1)),
        ] {
            assert_eq!(Reader::new(bytes).field().map(|_| ()), Err(error), "{bytes:?}");
        }
        assert_eq!(Fault::Length.at(1).to_string(), "a length reaches beyond the end at byte 1");
    }

    proptest! {
        #[test]
        fn any_bytes_are_fields_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let mut reader = Reader::new(&bytes);
            let mut read = 0;
            while let Ok(Some(_)) = reader.field() {
                read += 1;
            }
            prop_assert!(read <= bytes.len());
        }
    }
}
