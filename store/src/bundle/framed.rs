//! Frames around what a stream carries, with the head that frames of a log have.

use crate::log::{FRAME_HEADER_LEN, FrameHeader, finish_frame};
use crate::position::Position;

/// What a frame of a stream holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Framed<'a> {
    /// The position behind it.
    pub position: Position,
    /// A bundle, or a line of JSON about runs that cannot be read.
    pub payload: &'a [u8],
    /// What follows it.
    pub rest: &'a [u8],
}

/// Appends a frame with a payload, which is not empty.
pub fn put_framed(out: &mut Vec<u8>, position: Position, payload: &[u8]) {
    let at = out.len();
    out.resize(at + FRAME_HEADER_LEN, 0);
    out.extend_from_slice(payload);
    finish_frame(out, at, position.0);
}

/// The frame at the start of `bytes`; none if it is not whole, or its checksums do not hold.
pub fn read_framed(bytes: &[u8]) -> Option<Framed<'_>> {
    let header = FrameHeader::read(bytes)?;
    let (payload, rest) = bytes[FRAME_HEADER_LEN..].split_at_checked(header.len)?;
    let is_right = crc32c::crc32c(payload) == header.payload_crc;
    is_right.then_some(Framed { position: Position(header.seq), payload, rest })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_as_they_were_written_and_no_byte_may_differ() {
        let mut bytes = Vec::new();
        put_framed(&mut bytes, Position(7), b"one");
        let first = bytes.len();
        put_framed(&mut bytes, Position(u64::MAX), b"other");
        let one = read_framed(&bytes).unwrap();
        assert_eq!((one.position, one.payload, one.rest), (Position(7), &b"one"[..], &bytes[first..]));
        let other = read_framed(one.rest).unwrap();
        assert_eq!(
            (other.position, other.payload, other.rest),
            (Position(u64::MAX), &b"other"[..], &b""[..])
        );
        for at in 0..first {
            let mut torn = bytes[..first].to_vec();
            torn[at] ^= 1;
            assert_eq!(read_framed(&torn), None, "{at}");
            assert_eq!(read_framed(&bytes[..at]), None, "{at}");
        }
    }
}
