//! Bytes that are all zero: the room of a log that is allocated and not yet written.

/// So many are looked at together.
const BLOCK: usize = 64;

/// `true` if no byte is anything but zero.
pub(super) fn are_zeros(bytes: &[u8]) -> bool {
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    blocks.iter().all(|block| is_zero(block)) && is_zero(rest)
}

/// Up to the last byte that is not zero; none if there is none.
pub(super) fn written_len(bytes: &[u8]) -> Option<usize> {
    let (rest, blocks) = bytes.as_rchunks::<BLOCK>();
    let written = blocks.iter().rposition(|block| !is_zero(block));
    let end = written.map_or(rest.len(), |block| rest.len() + (block + 1) * BLOCK);
    bytes[..end].iter().rposition(|byte| *byte != 0).map(|last| last + 1)
}

/// Looks at every byte whatever the first ones are, which a processor does for many at once.
fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().fold(0, |all, byte| all | byte) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_is_found_wherever_it_is() {
        for len in [0, 1, 63, 64, 65, 128, 200] {
            let mut bytes = vec![0; len];
            assert!(are_zeros(&bytes));
            assert_eq!(written_len(&bytes), None);
            for at in 0..len {
                bytes[at] = 0x80;
                assert!(!are_zeros(&bytes), "{at} of {len}");
                assert_eq!(written_len(&bytes), Some(at + 1), "{at} of {len}");
                bytes[0] = 1;
                assert_eq!(written_len(&bytes), Some(at + 1), "{at} of {len}");
                bytes[0] = 0;
                bytes[at] = 0;
            }
        }
    }
}
