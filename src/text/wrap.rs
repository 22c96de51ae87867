//! Text in lines that fit. Nothing of it is left out, as it may be what somebody looks for. Pure.

use super::width::width;

/// The text in pieces of at most so many columns, cut at a blank if one is near; at least one piece.
pub fn wrap(text: &str, columns: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while pieces.is_empty() || !rest.is_empty() {
        let end = end_of_line(rest, columns);
        pieces.push(rest[..end].trim_end());
        rest = rest[end..].trim_start();
    }
    pieces
}

/// Where a line of so many columns ends: at a blank, if one is near.
fn end_of_line(text: &str, columns: usize) -> usize {
    let mut end = 0;
    let mut blank = None;
    let mut taken = 0;
    for (at, character) in text.char_indices() {
        let wide = width(character.encode_utf8(&mut [0; 4]));
        if taken + wide > columns && end > 0 {
            return blank.filter(|blank| *blank * 2 > end).unwrap_or(end);
        }
        if character == ' ' {
            blank = Some(at + 1);
        }
        taken += wide;
        end = at + character.len_utf8();
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_at_blanks_that_are_near() {
        assert_eq!(wrap("", 5), [""]);
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("a 0123456789", 6), ["a 0123", "456789"]);
        assert_eq!(wrap("日本語", 4), ["日本", "語"]);
        assert_eq!(wrap("日", 1), ["日"], "a character that is too wide takes a line");
    }
}
