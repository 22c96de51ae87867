//! The small encodings that every file uses: little-endian integers, varints, strings.
//!
//! A [`Cursor`] never reads past its slice and never panics: what does not fit is [`Short`].

/// The bytes ended early or hold a number that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Short;

/// Reads encoded values from a slice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Cursor<'a> {
        Cursor { bytes, at: 0 }
    }

    /// Bytes read so far.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], Short> {
        let end = self.at.checked_add(len).ok_or(Short)?;
        let slice = self.bytes.get(self.at..end).ok_or(Short)?;
        self.at = end;
        Ok(slice)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Short> {
        self.take(N)?.try_into().map_err(|_| Short)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Short> {
        Ok(self.array::<1>()?[0])
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Short> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Short> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    pub(crate) fn f64(&mut self) -> Result<f64, Short> {
        Ok(f64::from_le_bytes(self.array()?))
    }

    /// LEB128: seven bits a byte, lowest first, the top bit set on all but the last.
    #[inline]
    pub(crate) fn varint(&mut self) -> Result<u64, Short> {
        match self.bytes.get(self.at) {
            Some(byte) if *byte < 0x80 => {
                self.at += 1;
                Ok(u64::from(*byte))
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Result<u64, Short> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(Short);
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Short)
    }

    /// A varint that counts things of at least `bytes_each` bytes, which must therefore still be there.
    pub(crate) fn count(&mut self, bytes_each: usize) -> Result<usize, Short> {
        let count = self.size()?;
        let left = self.bytes.len() - self.at;
        if count.checked_mul(bytes_each).is_none_or(|need| need > left) { Err(Short) } else { Ok(count) }
    }

    /// A varint that fits a `usize`.
    pub(crate) fn size(&mut self) -> Result<usize, Short> {
        usize::try_from(self.varint()?).map_err(|_| Short)
    }

    /// A signed number: zigzag, then varint.
    pub(crate) fn zigzag(&mut self) -> Result<i64, Short> {
        Ok(signed(self.varint()?))
    }

    /// A length as varint, then UTF-8.
    pub(crate) fn str(&mut self) -> Result<&'a str, Short> {
        let len = self.count(1)?;
        std::str::from_utf8(self.take(len)?).map_err(|_| Short)
    }
}

pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(crate) fn put_zigzag(out: &mut Vec<u8>, value: i64) {
    put_varint(out, zigzag(value));
}

/// A signed number as one without a sign that is as small as it is near 0.
pub(crate) fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63) as u64
}

/// The signed number of which this is the zigzag.
pub(crate) fn signed(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

pub(crate) fn put_str(out: &mut Vec<u8>, text: &str) {
    put_varint(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_and_text_come_back(unsigned: u64, signed: i64, text: String) {
            let mut out = Vec::new();
            put_varint(&mut out, unsigned);
            put_zigzag(&mut out, signed);
            put_str(&mut out, &text);
            let mut cursor = Cursor::new(&out);
            prop_assert_eq!(cursor.varint(), Ok(unsigned));
            prop_assert_eq!(cursor.zigzag(), Ok(signed));
            prop_assert_eq!(cursor.str(), Ok(text.as_str()));
            prop_assert!(cursor.is_at_end());
            for end in 0..out.len() {
                let mut cut = Cursor::new(&out[..end]);
                let all = cut.varint().and_then(|_| cut.zigzag()).and_then(|_| cut.str());
                prop_assert_eq!(all, Err(Short));
            }
        }
    }

    #[test]
    fn a_varint_beyond_64_bits_is_refused() {
        let mut bytes = [0xff_u8; 10];
        bytes[9] = 0x02;
        assert_eq!(Cursor::new(&bytes).varint(), Err(Short));
        bytes[9] = 0x01;
        assert_eq!(Cursor::new(&bytes).varint(), Ok(u64::MAX));
    }
}
