//! Writing BER from the back: the length of an element is known once its contents are written.
//!
//! Contents are given last first. Bytes are kept in reverse and turned round at the end, so no element is ever moved.

use super::oid::Oid;
use super::tag::{INTEGER, NULL, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE};

/// A message under construction, its last byte first.
#[derive(Debug, Default)]
pub(super) struct Writer {
    reversed: Vec<u8>,
}

impl Writer {
    /// How many bytes were written.
    pub(super) fn len(&self) -> usize {
        self.reversed.len()
    }

    /// The message, its first byte first.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.reversed.reverse();
        self.reversed
    }

    /// Bytes as they are.
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.reversed.extend(bytes.iter().rev());
    }

    /// Tag and length of all that was written since there were `since` bytes.
    pub(super) fn head(&mut self, tag: u8, since: usize) {
        let mut len = self.len() - since;
        if len < 0x80 {
            self.reversed.push(len as u8);
        } else {
            let mut count = 0;
            while len > 0 {
                self.reversed.push(len as u8);
                len >>= 8;
                count += 1;
            }
            self.reversed.push(0x80 | count);
        }
        self.reversed.push(tag);
    }

    /// An element around what `contents` writes.
    pub(super) fn element(&mut self, tag: u8, contents: impl FnOnce(&mut Writer)) {
        let since = self.len();
        contents(self);
        self.head(tag, since);
    }

    /// A sequence around what `contents` writes.
    pub(super) fn sequence(&mut self, contents: impl FnOnce(&mut Writer)) {
        self.element(SEQUENCE, contents);
    }

    /// An OCTET STRING.
    pub(super) fn octets(&mut self, bytes: &[u8]) {
        self.bytes(OCTET_STRING, bytes);
    }

    /// Bytes under a tag.
    pub(super) fn bytes(&mut self, tag: u8, bytes: &[u8]) {
        self.element(tag, |writer| writer.raw(bytes));
    }

    /// A NULL, or one of the empty answers of version 2c.
    pub(super) fn empty(&mut self, tag: u8) {
        self.raw(&[tag, 0]);
    }

    /// NULL.
    pub(super) fn null(&mut self) {
        self.empty(NULL);
    }

    /// An INTEGER.
    pub(super) fn integer(&mut self, number: i64) {
        self.integer_as(INTEGER, number);
    }

    /// A number with sign, under its tag.
    pub(super) fn integer_as(&mut self, tag: u8, number: i64) {
        self.element(tag, |writer| {
            let mut left = number;
            loop {
                let byte = left as u8;
                writer.reversed.push(byte);
                left >>= 8;
                let sign = if byte & 0x80 == 0 { 0 } else { -1 };
                if left == sign {
                    break;
                }
            }
        });
    }

    /// A number without sign, under its tag.
    pub(super) fn unsigned(&mut self, tag: u8, number: u64) {
        self.element(tag, |writer| {
            let mut left = number;
            loop {
                let byte = left as u8;
                writer.reversed.push(byte);
                left >>= 8;
                if left == 0 {
                    if byte & 0x80 != 0 {
                        writer.reversed.push(0);
                    }
                    break;
                }
            }
        });
    }

    /// An OBJECT IDENTIFIER. One of fewer than two numbers gets zeros behind it.
    pub(super) fn oid(&mut self, oid: &Oid) {
        self.element(OBJECT_IDENTIFIER, |writer| {
            let ids = oid.ids();
            for id in ids.iter().skip(2).rev() {
                writer.base_128(*id);
            }
            let first = ids.first().copied().unwrap_or(0);
            let second = ids.get(1).copied().unwrap_or(0);
            writer.base_128(first.saturating_mul(40).saturating_add(second));
        });
    }

    fn base_128(&mut self, id: u32) {
        let mut left = id;
        self.reversed.push(left as u8 & 0x7f);
        left >>= 7;
        while left > 0 {
            self.reversed.push(left as u8 | 0x80);
            left >>= 7;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::snmp::reader::{Reader, int64, unsigned64};

    fn written(write: impl FnOnce(&mut Writer)) -> Vec<u8> {
        let mut writer = Writer::default();
        write(&mut writer);
        writer.finish()
    }

    #[test]
    fn numbers_are_as_short_as_they_can_be() {
        assert_eq!(written(|w| w.integer(0)), [2, 1, 0]);
        assert_eq!(written(|w| w.integer(127)), [2, 1, 127]);
        assert_eq!(written(|w| w.integer(128)), [2, 2, 0, 128]);
        assert_eq!(written(|w| w.integer(-128)), [2, 1, 128]);
        assert_eq!(written(|w| w.integer(-129)), [2, 2, 0xff, 0x7f]);
        assert_eq!(written(|w| w.unsigned(0x41, 0x8000_0000)), [0x41, 5, 0, 0x80, 0, 0, 0]);
        assert_eq!(written(|w| w.unsigned(0x46, u64::MAX)).len(), 11);
    }

    #[test]
    fn long_contents_have_long_lengths() {
        let bytes = written(|w| w.octets(&[7; 300]));
        assert_eq!(bytes[..4], [4, 0x82, 1, 44]);
        assert_eq!(Reader::new(&bytes).octets().unwrap(), [7; 300]);
        assert_eq!(written(|w| w.octets(&[7; 127]))[..2], [4, 127]);
        assert_eq!(written(|w| w.octets(&[7; 128]))[..3], [4, 0x81, 128]);
    }

    proptest! {
        #[test]
        fn numbers_are_read_as_written(number in any::<i64>(), natural in any::<u64>()) {
            let bytes = written(|w| w.integer(number));
            prop_assert_eq!(int64(Reader::new(&bytes).element(INTEGER).unwrap().contents()), Some(number));
            let bytes = written(|w| w.unsigned(0x46, natural));
            prop_assert_eq!(unsigned64(Reader::new(&bytes).element(0x46).unwrap().contents()), Some(natural));
        }
    }
}
