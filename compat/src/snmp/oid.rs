//! Object identifiers.
//!
//! Invariant: an [`Oid`] has at most [`OID_MAX_LEN`] sub-identifiers. It may be empty, as the root from which a walk
//! begins; BER cannot say fewer than two, so shorter ones are written with zeros behind them. One of no bytes, which
//! some devices send for "none", is `0`, as net-snmp reads it.

use std::fmt;
use std::str::FromStr;

use super::error::{Error, Fault};
use super::limits::OID_MAX_LEN;

/// An object identifier, such as `1.3.6.1.2.1.1.3.0`. Ordered as SNMP walks: by sub-identifier, a prefix first.
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Oid(Box<[u32]>);

impl Oid {
    /// The identifier of these numbers; none if there are more than 128.
    pub fn new(ids: &[u32]) -> Option<Oid> {
        (ids.len() <= OID_MAX_LEN).then(|| Oid(ids.into()))
    }

    /// The identifier of so few numbers that it cannot be too long.
    pub fn from_ids<const N: usize>(ids: [u32; N]) -> Oid {
        const { assert!(N <= OID_MAX_LEN) }
        Oid(Box::new(ids))
    }

    /// The sub-identifiers.
    pub fn ids(&self) -> &[u32] {
        &self.0
    }

    /// How many sub-identifiers there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether this is the root.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this lies in the tree below `prefix`, or is `prefix` itself.
    pub fn starts_with(&self, prefix: &Oid) -> bool {
        self.0.starts_with(&prefix.0)
    }

    /// What follows `prefix`, such as the index of a table's row; none if this does not lie below it.
    pub fn strip_prefix(&self, prefix: &Oid) -> Option<&[u32]> {
        self.0.strip_prefix(&*prefix.0)
    }

    /// This identifier with more numbers behind it; none if it would have more than 128.
    pub fn join(&self, ids: &[u32]) -> Option<Oid> {
        let len = self.len() + ids.len();
        (len <= OID_MAX_LEN).then(|| {
            let mut all = Vec::with_capacity(len);
            all.extend_from_slice(&self.0);
            all.extend_from_slice(ids);
            Oid(all.into())
        })
    }

    /// This identifier without its last number; the root stays what it is.
    pub fn parent(&self) -> Oid {
        Oid(self.0[..self.0.len().saturating_sub(1)].into())
    }

    /// Reads the contents of a BER object identifier.
    pub(super) fn from_ber(bytes: &[u8]) -> Result<Oid, Fault> {
        let Some(last) = bytes.last() else { return Ok(Oid(Box::new([0]))) };
        let count = bytes.iter().filter(|byte| **byte & 0x80 == 0).count() + 1;
        if last & 0x80 != 0 || count > OID_MAX_LEN {
            return Err(Fault::Oid);
        }
        let mut ids = Vec::with_capacity(count);
        let mut id: u64 = 0;
        for byte in bytes {
            id = id << 7 | u64::from(byte & 0x7f);
            if byte & 0x80 == 0 {
                let mut own = u32::try_from(id).map_err(|_| Fault::Oid)?;
                if ids.is_empty() {
                    let first = (own / 40).min(2);
                    ids.push(first);
                    own -= first * 40;
                }
                ids.push(own);
                id = 0;
            }
        }
        Ok(Oid(ids.into()))
    }
}

impl FromStr for Oid {
    type Err = Error;

    /// Reads numbers with dots between, a leading one allowed.
    fn from_str(text: &str) -> Result<Oid, Error> {
        let digits = text.strip_prefix('.').unwrap_or(text);
        let mut ids = Vec::new();
        for part in digits.split('.') {
            if ids.len() == OID_MAX_LEN || part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_digit())
            {
                return Err(Error::OidText);
            }
            ids.push(part.parse().map_err(|_| Error::OidText)?);
        }
        // Two arcs share the first byte of BER: 40 times the first, plus the second.
        match ids[..] {
            [first, ..] if first > 2 => Err(Error::OidText),
            [0 | 1, second, ..] if second >= 40 => Err(Error::OidText),
            [2, second, ..] if second > u32::MAX - 80 => Err(Error::OidText),
            _ => Ok(Oid(ids.into())),
        }
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, id) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str(".")?;
            }
            write!(f, "{id}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::snmp::writer::Writer;

    fn oid(text: &str) -> Oid {
        text.parse().unwrap()
    }

    #[test]
    fn text_is_read_and_printed() {
        for text in ["1.3.6.1.2.1.1.3.0", "0.0", "2.999.4294967295", "1"] {
            assert_eq!(oid(text).to_string(), text);
        }
        assert_eq!(oid(".1.3.6"), Oid::from_ids([1, 3, 6]));
        for text in
            ["", ".", "1..3", "1.3.", "3.1", "1.40", "1.3.4294967296", "1.3.-1", "1.+3", "sysUpTime.0"]
        {
            assert_eq!(text.parse::<Oid>(), Err(Error::OidText), "{text}");
        }
        let long = vec!["1"; OID_MAX_LEN + 1].join(".");
        assert_eq!(long.parse::<Oid>(), Err(Error::OidText));
    }

    #[test]
    fn order_and_prefix_are_those_of_a_walk() {
        let mut oids = ["1.3.6.1.10", "1.3.6.1.2.1", "1.3.6.1.2", "1.3.6.1"].map(oid);
        oids.sort();
        assert_eq!(oids, ["1.3.6.1", "1.3.6.1.2", "1.3.6.1.2.1", "1.3.6.1.10"].map(oid));
        assert!(oid("1.3.6.1.2").starts_with(&oid("1.3.6.1")));
        assert!(!oid("1.3.6.10").starts_with(&oid("1.3.6.1")));
        assert_eq!(oid("1.3.6.1.2").strip_prefix(&oid("1.3.6")), Some(&[1, 2][..]));
        assert_eq!(oid("1.3").strip_prefix(&oid("1.3.6")), None);
    }

    #[test]
    fn malformed_bytes_are_refused() {
        let long = [0x01; OID_MAX_LEN + 1];
        for bytes in [&[0x86][..], &[0x2b, 0x86], &[0x2b, 0x90, 0x80, 0x80, 0x80, 0x00], &long] {
            assert_eq!(Oid::from_ber(bytes), Err(Fault::Oid), "{bytes:x?}");
        }
        assert_eq!(Oid::from_ber(&[]).unwrap(), oid("0"));
        assert_eq!(Oid::from_ber(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x2b, 6]).unwrap(), oid("1.3.6"));
        assert_eq!(Oid::from_ber(&[0x2b, 0x8f, 0xff, 0xff, 0xff, 0x7f]).unwrap(), oid("1.3.4294967295"));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(first in 0u32..3, second in 0u32..40, rest in prop::collection::vec(any::<u32>(), 0..126)) {
            let mut ids = vec![first, second];
            ids.extend(rest);
            let oid = Oid::new(&ids).unwrap();
            prop_assert_eq!(oid.to_string().parse::<Oid>().unwrap(), oid.clone());
            let mut writer = Writer::default();
            writer.oid(&oid);
            let bytes = writer.finish();
            let element = crate::snmp::reader::Reader::new(&bytes).element(6).unwrap();
            prop_assert_eq!(Oid::from_ber(element.contents()).unwrap(), oid);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(oid) = Oid::from_ber(&bytes) {
                prop_assert!(!oid.is_empty() && oid.len() <= OID_MAX_LEN);
            }
        }
    }
}
