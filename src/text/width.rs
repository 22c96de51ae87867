//! How much room text takes on a terminal, and making it fit without cutting a number in two.

use std::borrow::Cow;

use unicode_width::UnicodeWidthStr;

/// Columns of a terminal that a text takes: two for a wide character, none for one that joins the one before.
pub fn width(text: &str) -> usize {
    text.width()
}

/// The text with blanks behind it up to so many columns.
pub fn pad(text: &str, columns: usize) -> String {
    let mut padded = text.to_owned();
    padded.extend(std::iter::repeat_n(' ', columns.saturating_sub(width(text))));
    padded
}

/// The text if it takes no more than so many columns, else its beginning with `mark` behind it. A word with a digit in it
/// is left out whole rather than cut, so that no number is taken for another; other words may be cut.
pub fn shorten<'t>(text: &'t str, columns: usize, mark: &str) -> Cow<'t, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let mut end = longest(text, columns.saturating_sub(width(mark)));
    let in_word = |at: usize| {
        let blank = |character: Option<char>| character.is_none_or(char::is_whitespace);
        !blank(text[..at].chars().next_back()) && !blank(text[at..].chars().next())
    };
    if in_word(end) {
        let start = text[..end].rfind(char::is_whitespace).map_or(0, |at| at + 1);
        let length = text[end..].find(char::is_whitespace).unwrap_or(text.len() - end);
        if text[start..end + length].contains(|character: char| character.is_ascii_digit()) {
            end = start;
        }
    }
    Cow::Owned(format!("{}{mark}", text[..end].trim_end()))
}

/// A name if it takes no more than so many columns, else its beginning with `mark` behind it, not cut within a number.
pub fn shorten_name<'t>(name: &'t str, columns: usize, mark: &str) -> Cow<'t, str> {
    if width(name) <= columns {
        return Cow::Borrowed(name);
    }
    if width(mark) > columns {
        return Cow::Borrowed("");
    }
    let mut end = longest(name, columns - width(mark));
    if name[end..].starts_with(|next: char| next.is_ascii_digit()) {
        end = name[..end].trim_end_matches(|character: char| character.is_ascii_digit()).len();
    }
    Cow::Owned(format!("{}{mark}", &name[..end]))
}

/// Where the longest beginning ends that takes no more than so many columns.
fn longest(text: &str, columns: usize) -> usize {
    // What is shown grows with the length, so it is where it first does not fit.
    let ends = text.char_indices().map(|(at, character)| at + character.len_utf8());
    ends.take_while(|end| width(&text[..*end]) <= columns).last().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn wide_and_joining_characters_take_the_room_they_take() {
        for (text, columns) in [("", 0), ("load", 4), ("日本", 4), ("e\u{301}", 1), ("ｆｕｌｌ", 8), ("é", 1)]
        {
            assert_eq!(width(text), columns, "{text}");
            assert_eq!(width(&pad(text, 9)), 9, "{text}");
        }
        assert_eq!(pad("日本語", 4), "日本語");
    }

    #[test]
    fn a_number_is_left_out_rather_than_cut() {
        for (text, columns, shown) in [
            ("DISK OK", 7, "DISK OK"),
            ("DISK CRITICAL", 8, "DISK CR…"),
            ("free 257 GB", 11, "free 257 GB"),
            ("free 257 GB", 10, "free 257…"),
            ("free 257 GB", 9, "free 257…"),
            ("free 257 GB", 8, "free…"),
            ("free 257 GB", 7, "free…"),
            ("257", 2, "…"),
            ("load=4.12;5;10", 9, "…"),
            ("x 日本語日本語", 6, "x 日…"),
            ("abc", 1, "…"),
        ] {
            assert_eq!(shorten(text, columns, "…"), shown, "{text} in {columns}");
        }
        assert_eq!(shorten("swap is full", 10, "..."), "swap is...");
        assert_eq!(shorten_name("uplink:in{index=\"1234\"}", 20, "…"), "uplink:in{index=\"…");
        assert_eq!(shorten_name("load:load1", 9, "…"), "load:loa…");
        assert_eq!(shorten_name("load", 2, "..."), "");
    }

    proptest! {
        #[test]
        fn whatever_is_shortened_fits_and_has_only_whole_numbers(text in "[ab0-9. 日é]{0,40}", columns in 1..30_usize) {
            let shown = shorten(&text, columns, "…");
            prop_assert!(width(&shown) <= columns);
            let words: Vec<&str> = text.split_whitespace().collect();
            for word in shown.trim_end_matches('…').split_whitespace().filter(|word| word.contains(|c: char| c.is_ascii_digit())) {
                prop_assert!(words.contains(&word), "{shown:?} of {text:?}");
            }
        }
    }
}
