//! Lines of an input that somebody else writes: none of them is read into memory beyond a bound.

use std::io::{self, BufRead, ErrorKind, Read};

use crate::text::head::head;

/// A line that was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// The line without its end.
    Whole(String),
    /// It has more bytes than the bound, and what was read of it is gone.
    TooLong,
}

/// Reads the next line; `None` at the end of the input. Of a line with more than `most_bytes` without its end nothing is kept; what
/// comes next is the rest of it, which [`skip_line`] passes over.
///
/// # Errors
/// The input cannot be read, or the line is no UTF-8.
pub(super) fn next_line(input: &mut impl BufRead, most_bytes: usize) -> io::Result<Option<Line>> {
    let mut line = Vec::new();
    let most_read = u64::try_from(most_bytes).unwrap_or(u64::MAX).saturating_add(1);
    input.by_ref().take(most_read).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Ok(None);
    }
    if line.pop_if(|last| *last == b'\n').is_none() && line.len() > most_bytes {
        return Ok(Some(Line::TooLong));
    }
    line.pop_if(|last| *last == b'\r');
    let text = String::from_utf8(line)
        .map_err(|_| io::Error::new(ErrorKind::InvalidData, "it is no text: its bytes are not UTF-8"))?;
    Ok(Some(Line::Whole(text)))
}

/// Reads and drops the rest of a line.
///
/// # Errors
/// The input cannot be read.
pub(super) fn skip_line(input: &mut impl BufRead) -> io::Result<()> {
    input.skip_until(b'\n').map(drop)
}

/// As much of a text that somebody else wrote as a message repeats.
pub(super) fn quoted(text: &str, most_bytes: usize) -> String {
    let shown = head(text, most_bytes);
    if shown.len() == text.len() { shown.to_owned() } else { format!("{shown}…") }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, repeat};

    use super::*;

    fn whole(text: &str) -> Option<Line> {
        Some(Line::Whole(text.to_owned()))
    }

    #[test]
    fn lines_are_whole_or_too_long_whatever_the_buffer() {
        for buffer in 1..12 {
            let text = b"ab\n\n12345\r\n1234567\nxy\n123456\n7".as_slice();
            let mut input = BufReader::with_capacity(buffer, text);
            for expected in ["ab", "", "12345"] {
                assert_eq!(next_line(&mut input, 6).unwrap(), whole(expected), "{buffer}");
            }
            assert_eq!(next_line(&mut input, 6).unwrap(), Some(Line::TooLong), "{buffer}");
            skip_line(&mut input).unwrap();
            for expected in ["xy", "123456", "7"] {
                assert_eq!(next_line(&mut input, 6).unwrap(), whole(expected), "{buffer}");
            }
            assert_eq!(next_line(&mut input, 6).unwrap(), None, "{buffer}");
        }
        assert!(next_line(&mut b"\xff\n".as_slice(), 6).is_err());
    }

    #[test]
    fn a_line_without_an_end_is_not_waited_for() {
        assert_eq!(next_line(&mut BufReader::new(repeat(b'x')), 100).unwrap(), Some(Line::TooLong));
    }

    #[test]
    fn messages_repeat_only_the_beginning() {
        assert_eq!((quoted("abc", 3), quoted("abcd", 3)), ("abc".to_owned(), "abc…".to_owned()));
    }
}
