//! The end of what a job prints, for whoever is told about it.

use std::collections::VecDeque;

/// Keeps the last bytes of what is added.
#[derive(Debug)]
pub(super) struct Tail {
    most_bytes: usize,
    bytes: VecDeque<u8>,
    is_cut: bool,
}

impl Tail {
    pub(super) fn new(most_bytes: usize) -> Tail {
        Tail { most_bytes, bytes: VecDeque::new(), is_cut: false }
    }

    pub(super) fn add(&mut self, bytes: &[u8]) {
        let from = bytes.len().saturating_sub(self.most_bytes);
        self.bytes.extend(&bytes[from..]);
        let over = self.bytes.len().saturating_sub(self.most_bytes);
        self.is_cut |= from > 0 || over > 0;
        self.bytes.drain(..over);
    }

    /// The lines that are whole, without those that are empty.
    pub(super) fn lines(&self) -> Vec<String> {
        let bytes: Vec<u8> = self.bytes.iter().copied().collect();
        let text = String::from_utf8_lossy(&bytes);
        let lines = text.lines().skip(usize::from(self.is_cut)).map(str::trim_end);
        lines.filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_whole_lines_are_kept() {
        let mut tail = Tail::new(12);
        tail.add(b"one\n\ntwo \n");
        assert_eq!(tail.lines(), ["one", "two"]);
        tail.add(b"three\xff");
        assert_eq!(tail.lines(), ["two", "three\u{fffd}"]);
        tail.add(b"\nmuch more than that\nend\n");
        assert_eq!(tail.lines(), ["end"]);
    }
}
