//! BER written by hand, so that it can be written wrong, and numbers without pattern that are the same in every run.

/// An element.
pub fn tlv(tag: u8, contents: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    match contents.len() {
        len @ ..0x80 => bytes.push(len as u8),
        len => bytes.extend([0x82, (len >> 8) as u8, len as u8]),
    }
    bytes.extend_from_slice(contents);
    bytes
}

/// An object identifier.
pub fn name(ids: &[u32]) -> Vec<u8> {
    let mut contents = Vec::new();
    let mut put = |id: u32| {
        let digits: Vec<u8> = (0..5).rev().map(|place| (id >> (7 * place)) as u8 & 0x7f).collect();
        let first = digits.iter().position(|digit| *digit != 0).unwrap_or(4);
        let (last, rest) = digits[first..].split_last().unwrap();
        contents.extend(rest.iter().map(|digit| digit | 0x80));
        contents.push(*last);
    };
    put(ids[0] * 40 + ids[1]);
    ids[2..].iter().for_each(|id| put(*id));
    tlv(6, &contents)
}

/// A variable with the bytes of its value.
pub fn pair(ids: &[u32], value: &[u8]) -> Vec<u8> {
    tlv(0x30, &[&name(ids)[..], value].concat())
}

/// SplitMix64.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number below a bound.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    pub fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next() as u8).collect()
    }
}
