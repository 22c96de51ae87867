//! The bytes of a log that have been read, in pieces that are shared with clones. A frame lies in one piece.

use std::sync::Arc;

/// A piece grows up to this many bytes: so much is copied at most when a clone has it too.
const PIECE_BYTES: usize = 64 << 10;

/// Bytes of a file by their offset; what lies between pieces was stepped over.
#[derive(Clone, Debug, Default)]
pub(super) struct Pieces {
    /// (offset of its first byte, bytes), ascending.
    pieces: Vec<(u64, Arc<Vec<u8>>)>,
}

impl Pieces {
    /// Adds whole frames that come after all that are here.
    pub(super) fn push(&mut self, at: u64, mut bytes: Vec<u8>) {
        match self.pieces.last_mut() {
            Some((start, last))
                if *start + last.len() as u64 == at && last.len() + bytes.len() <= PIECE_BYTES =>
            {
                match Arc::get_mut(last) {
                    Some(last) => last.extend_from_slice(&bytes),
                    None => {
                        let mut copy = Vec::with_capacity(((last.len() + bytes.len()) * 2).min(PIECE_BYTES));
                        copy.extend_from_slice(last);
                        copy.extend_from_slice(&bytes);
                        *last = Arc::new(copy);
                    }
                }
            }
            _ => {
                if bytes.capacity() - bytes.len() > PIECE_BYTES {
                    bytes.shrink_to_fit();
                }
                self.pieces.push((at, Arc::new(bytes)));
            }
        }
    }

    /// The bytes from an offset to the end of its piece; none if it lies in no piece.
    pub(super) fn from(&self, at: u64) -> &[u8] {
        let after = self.pieces.partition_point(|(start, _)| *start <= at);
        let piece = after.checked_sub(1).map(|index| &self.pieces[index]);
        piece.and_then(|(start, bytes)| bytes.get((at - start) as usize..)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_clone_has_does_not_change() {
        let mut pieces = Pieces::default();
        pieces.push(32, vec![1; 10]);
        let clone = pieces.clone();
        pieces.push(42, vec![2; 10]);
        pieces.push(60, vec![3; PIECE_BYTES]);
        pieces.push(60 + PIECE_BYTES as u64, vec![4; 3]);
        assert_eq!((pieces.pieces.len(), clone.pieces.len()), (3, 1));
        assert_eq!((pieces.from(41), clone.from(41)), (&[1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2][..], &[1][..]));
        assert_eq!(
            (pieces.from(31), pieces.from(52), pieces.from(55), clone.from(42)),
            (&[][..], &[][..], &[][..], &[][..])
        );
        assert_eq!(pieces.from(60 + PIECE_BYTES as u64 + 1), [4, 4]);
    }
}
