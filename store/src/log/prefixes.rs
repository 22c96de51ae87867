//! Checksums of any part of some bytes, at a cost that does not grow with the part.
//!
//! Damage is searched for frames byte by byte, and whoever can write to a store can fill a log with frame headers that
//! each claim a long payload. To hash them all takes minutes; with the checksums of some prefixes it takes a moment:
//! the checksum of a part follows from those of the bytes up to its start and up to its end.

/// A prefix is known every so many bytes.
const STEP_BYTES: usize = 1 << 10;

/// The polynomial of CRC-32C, the highest power first and left out.
const POLYNOMIAL: u32 = 0x82f6_3b78;

/// The checksums of prefixes of some bytes, as far as they were needed.
#[derive(Debug, Default)]
pub(super) struct Prefixes {
    /// Of the first [`STEP_BYTES`], of twice as many, and so on.
    known: Vec<u32>,
}

impl Prefixes {
    /// Whether none was needed yet.
    pub(super) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Forgets all: the bytes are others now.
    pub(super) fn clear(&mut self) {
        self.known.clear();
    }

    /// CRC-32C of `bytes[start..end]`, which must lie within them. More bytes may have come at the end since the last
    /// call; the others must be the same.
    pub(super) fn crc(&mut self, bytes: &[u8], start: usize, end: usize) -> u32 {
        let to_start = self.prefix(bytes, start);
        self.prefix(bytes, end) ^ shifted(to_start, end - start)
    }

    fn prefix(&mut self, bytes: &[u8], end: usize) -> u32 {
        let steps = end / STEP_BYTES;
        while self.known.len() < steps {
            let at = self.known.len() * STEP_BYTES;
            let before = self.known.last().copied().unwrap_or(0);
            self.known.push(crc32c::crc32c_append(before, &bytes[at..at + STEP_BYTES]));
        }
        let before = steps.checked_sub(1).and_then(|last| self.known.get(last)).copied().unwrap_or(0);
        crc32c::crc32c_append(before, &bytes[steps * STEP_BYTES..end])
    }
}

/// What a checksum of the bytes before contributes to one that so many bytes follow: it times x to the power of eight times
/// as many, modulo the polynomial.
fn shifted(crc: u32, bytes: usize) -> u32 {
    let powers = (0..usize::BITS as usize).filter(|bit| bytes >> bit & 1 == 1);
    powers.fold(crc, |crc, bit| product(POWERS[bit], crc))
}

/// x to the power of 8, 16, 32, … modulo the polynomial.
const POWERS: [u32; usize::BITS as usize] = {
    // The bit of x to the power of 0 is the highest.
    let mut powers = [1 << (31 - 8); usize::BITS as usize];
    let mut at = 1;
    while at < powers.len() {
        powers[at] = product(powers[at - 1], powers[at - 1]);
        at += 1;
    }
    powers
};

/// The product of two polynomials modulo that of CRC-32C.
const fn product(a: u32, mut b: u32) -> u32 {
    let (mut bit, mut product) = (1_u32 << 31, 0);
    while bit != 0 {
        if a & bit != 0 {
            product ^= b;
        }
        b = if b & 1 == 1 { (b >> 1) ^ POLYNOMIAL } else { b >> 1 };
        bit >>= 1;
    }
    product
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_part_has_the_checksum_of_its_bytes(
            bytes in proptest::collection::vec(any::<u8>(), 0..5 * STEP_BYTES),
            parts in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..20),
        ) {
            let mut prefixes = Prefixes::default();
            for (a, b) in parts {
                let (a, b) = (a.index(bytes.len() + 1), b.index(bytes.len() + 1));
                let (start, end) = (a.min(b), a.max(b));
                prop_assert_eq!(prefixes.crc(&bytes, start, end), crc32c::crc32c(&bytes[start..end]));
            }
        }
    }
}
