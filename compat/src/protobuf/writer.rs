//! Writing fields. What is 0 or empty is written like anything else; whoever wants it left out leaves it out.

use super::Wire;

/// Bytes that a varint takes: 1 to 10.
pub const fn varint_len(number: u64) -> usize {
    (70 - (number | 1).leading_zeros() as usize) / 7
}

/// Bytes that a field of so many bytes takes, its key and length included. Only of numbers up to 15.
pub const fn bytes_len(len: usize) -> usize {
    1 + varint_len(len as u64) + len
}

/// A varint.
pub fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// The key of a field: what comes before its content.
pub fn put_key(out: &mut Vec<u8>, field: u32, wire: Wire) {
    put_varint(out, u64::from(field) << 3 | wire as u64);
}

/// A field that is a number: uint32, uint64, an enumeration, or an int64 as `as u64` makes it.
pub fn put_uint(out: &mut Vec<u8>, field: u32, number: u64) {
    put_key(out, field, Wire::Varint);
    put_varint(out, number);
}

/// A field of bytes, with their length.
pub fn put_bytes(out: &mut Vec<u8>, field: u32, bytes: &[u8]) {
    put_key(out, field, Wire::Bytes);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// A field that is a text.
pub fn put_text(out: &mut Vec<u8>, field: u32, text: &str) {
    put_bytes(out, field, text.as_bytes());
}

/// A field of eight bytes, without a sign.
pub fn put_fixed64(out: &mut Vec<u8>, field: u32, number: u64) {
    put_key(out, field, Wire::Fixed64);
    out.extend_from_slice(&number.to_le_bytes());
}

/// A field of eight bytes, with a sign.
pub fn put_sfixed64(out: &mut Vec<u8>, field: u32, number: i64) {
    put_fixed64(out, field, number as u64);
}

/// A field that is a number with a point, bit by bit.
pub fn put_double(out: &mut Vec<u8>, field: u32, number: f64) {
    put_fixed64(out, field, number.to_bits());
}

/// A field that is a message, written by `fill`. Its length is put in before it afterwards, which costs a move of it.
pub fn put_message(out: &mut Vec<u8>, field: u32, fill: impl FnOnce(&mut Vec<u8>)) {
    put_key(out, field, Wire::Bytes);
    let start = out.len();
    fill(out);
    let end = out.len();
    put_varint(out, (end - start) as u64);
    let length_len = out.len() - end;
    out[start..].rotate_right(length_len);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_the_guide_writes_them() {
        let mut out = Vec::new();
        put_uint(&mut out, 1, 150);
        assert_eq!(out, [0x08, 0x96, 0x01]);
        out.clear();
        put_text(&mut out, 2, "testing");
        assert_eq!(out, *b"\x12\x07testing");
        out.clear();
        put_message(&mut out, 3, |out| put_uint(out, 1, 150));
        assert_eq!(out, [0x1a, 0x03, 0x08, 0x96, 0x01]);
        out.clear();
        put_uint(&mut out, 16, -2_i64 as u64);
        assert_eq!(out, [0x80, 0x01, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]);
    }

    #[test]
    fn the_length_of_a_varint_is_known_beforehand() {
        for shift in 0..64 {
            for number in [1_u64 << shift, (1 << shift) - 1] {
                let mut out = Vec::new();
                put_varint(&mut out, number);
                assert_eq!(out.len(), varint_len(number), "{number}");
            }
        }
    }

    #[test]
    fn long_messages_keep_their_content() {
        let mut out = vec![9];
        put_message(&mut out, 1, |out| out.extend((0..300).map(|at| at as u8)));
        assert_eq!(out[..4], [9, 0x0a, 0xac, 0x02]);
        assert!(out[4..].iter().enumerate().all(|(at, byte)| *byte == at as u8));
    }
}
