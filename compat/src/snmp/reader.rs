//! Reading BER, as far as SNMP uses it: definite lengths, tags of one byte.
//!
//! Invariant: a reader never looks beyond the element that it was made of.

use super::error::Error;

/// INTEGER.
pub(super) const INTEGER: u8 = 0x02;
/// OCTET STRING.
pub(super) const OCTET_STRING: u8 = 0x04;
/// NULL.
pub(super) const NULL: u8 = 0x05;
/// OBJECT IDENTIFIER.
pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
/// SEQUENCE.
pub(super) const SEQUENCE: u8 = 0x30;

/// What is left to be read of an element.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader of these bytes.
    pub(super) fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { bytes }
    }

    /// Whether everything was read.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Refuses what is left over.
    pub(super) fn end(&self) -> Result<(), Error> {
        if self.is_empty() { Ok(()) } else { Err(Error::Trailing) }
    }

    /// The tag of the next element.
    pub(super) fn peek(&self) -> Result<u8, Error> {
        self.bytes.first().copied().ok_or(Error::Truncated)
    }

    /// The next element: its tag and its contents.
    pub(super) fn any(&mut self) -> Result<(u8, &'a [u8]), Error> {
        let (&tag, rest) = self.bytes.split_first().ok_or(Error::Truncated)?;
        let (&first, mut rest) = rest.split_first().ok_or(Error::Truncated)?;
        let mut len = usize::from(first);
        if first & 0x80 != 0 {
            let count = usize::from(first & 0x7f);
            if count == 0 || count > 4 {
                return Err(Error::Length);
            }
            let (digits, after) = rest.split_at_checked(count).ok_or(Error::Truncated)?;
            len = digits.iter().fold(0, |len, digit| len << 8 | usize::from(*digit));
            rest = after;
        }
        let (contents, after) = rest.split_at_checked(len).ok_or(Error::Truncated)?;
        self.bytes = after;
        Ok((tag, contents))
    }

    /// The contents of the next element, which must have this tag.
    pub(super) fn element(&mut self, expected: u8) -> Result<&'a [u8], Error> {
        let found = self.peek()?;
        if found != expected {
            return Err(Error::Tag { found, expected });
        }
        Ok(self.any()?.1)
    }

    /// The inside of the next element, which must be a sequence.
    pub(super) fn sequence(&mut self) -> Result<Reader<'a>, Error> {
        self.element(SEQUENCE).map(Reader::new)
    }

    /// The next element, which must be an INTEGER of 32 bits.
    pub(super) fn integer(&mut self) -> Result<i32, Error> {
        let number = signed(self.element(INTEGER)?)?;
        i32::try_from(number).map_err(|_| Error::Number)
    }

    /// The next element, which must be an OCTET STRING.
    pub(super) fn octets(&mut self) -> Result<&'a [u8], Error> {
        self.element(OCTET_STRING)
    }
}

/// A number in two's complement of up to 8 bytes.
pub(super) fn signed(contents: &[u8]) -> Result<i64, Error> {
    let (&first, rest) = contents.split_first().ok_or(Error::Number)?;
    if contents.len() > 8 {
        return Err(Error::Number);
    }
    Ok(rest.iter().fold(i64::from(first as i8), |number, byte| number << 8 | i64::from(*byte)))
}

/// A number without sign. Agents exist that leave out the zero byte before a high bit, so that a signed reading would
/// be negative: the bytes are taken as they are.
pub(super) fn unsigned(contents: &[u8], max_len: usize) -> Result<u64, Error> {
    let digits = match contents {
        [] => return Err(Error::Number),
        [0, digits @ ..] => digits,
        digits => digits,
    };
    if digits.len() > max_len {
        return Err(Error::Number);
    }
    Ok(digits.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_beyond_the_end_are_refused() {
        for bytes in
            [&[][..], &[4], &[4, 1], &[4, 0x81], &[4, 0x82, 1], &[4, 0x84, 0xff, 0xff, 0xff, 0xff, 0]]
        {
            assert_eq!(Reader::new(bytes).any(), Err(Error::Truncated), "{bytes:x?}");
        }
        for bytes in [&[4, 0x80, 0, 0][..], &[4, 0x85, 0, 0, 0, 0, 0], &[4, 0xff]] {
            assert_eq!(Reader::new(bytes).any(), Err(Error::Length), "{bytes:x?}");
        }
        assert_eq!(Reader::new(&[4, 0x82, 0, 1, 7]).any(), Ok((4, &[7][..])));
    }

    #[test]
    fn numbers_keep_their_sign_and_their_size() {
        assert_eq!(signed(&[0xff]), Ok(-1));
        assert_eq!(signed(&[0x00, 0xff]), Ok(255));
        assert_eq!(signed(&[0x80, 0, 0, 0]), Ok(i64::from(i32::MIN)));
        assert_eq!(signed(&[]), Err(Error::Number));
        assert_eq!(signed(&[0; 9]), Err(Error::Number));
        assert_eq!(unsigned(&[0, 0xff, 0xff, 0xff, 0xff], 4), Ok(u64::from(u32::MAX)));
        assert_eq!(unsigned(&[0xff, 0xff, 0xff, 0xff], 4), Ok(u64::from(u32::MAX)));
        assert_eq!(unsigned(&[1, 0, 0, 0, 0], 4), Err(Error::Number));
        assert_eq!(unsigned(&[0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], 8), Ok(u64::MAX));
        assert_eq!(unsigned(&[], 4), Err(Error::Number));
    }
}
