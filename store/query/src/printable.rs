//! Text from plugins, devices and other programs, made safe to show.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Whether a character does something to whoever shows it, rather than being seen: control characters of both sets
/// (escape sequences begin with one), marks that change the direction of text, line separators, annotation marks and
/// invisible tags.
pub fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// A text for one line of a terminal: what [`is_unsafe`] becomes `\u{…}`, newlines too, and tabs become blanks.
pub fn printable(text: &str) -> Cow<'_, str> {
    if is_plain(text) || !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '\t' => shown.push(' '),
            _ if is_unsafe(character) => shown.extend(character.escape_default()),
            _ => shown.push(character),
        }
    }
    Cow::Owned(shown)
}

/// What stands between the quotes of JSON, with everything escaped that [`is_unsafe`]; `None` if nothing is.
pub(crate) fn json_escaped(fragment: &str) -> Option<String> {
    if is_plain(fragment) || !fragment.contains(is_unsafe) {
        return None;
    }
    let mut escaped = String::with_capacity(fragment.len() + 8);
    for character in fragment.chars() {
        if !is_unsafe(character) {
            escaped.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            // Writing to a string cannot fail.
            let _ = write!(escaped, "\\u{unit:04x}");
        }
    }
    Some(escaped)
}

/// Nearly all text is.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn no_escape_sequence_passes() {
        assert_eq!(printable("ok é 日本 👩‍💻"), "ok é 日本 👩‍💻");
        assert_eq!(printable("a\x1b[31mb\tc\nd\u{202e}e"), "a\\u{1b}[31mb c\\nd\\u{202e}e");
        assert_eq!(printable("\u{9b}2J\u{7f}"), "\\u{9b}2J\\u{7f}");
        assert_eq!(printable("a\u{2028}b\u{200f}\u{e0041}"), "a\\u{2028}b\\u{200f}\\u{e0041}");
    }

    proptest! {
        #[test]
        fn whatever_comes_is_harmless_and_json_reads_it_back(text in any::<String>(), unsafe_part in "[\u{7f}-\u{9f}\u{202a}-\u{202e}\u{e0001}]{0,4}") {
            let text = format!("{text}{unsafe_part}{text}");
            prop_assert!(!printable(&text).contains(is_unsafe));
            let mut line = Vec::new();
            crate::write_json_line(&text, &mut line).unwrap();
            let line = String::from_utf8(line).unwrap();
            prop_assert!(!line.trim_end().contains(is_unsafe), "{line}");
            prop_assert_eq!(serde_json::from_str::<String>(&line).unwrap(), text);
        }
    }
}
