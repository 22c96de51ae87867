//! What a terminal obeys, made visible.

use crate::text::is_unsafe;

/// A text of the log, which may have several lines. With colours, the sequences that the formatter makes stay; it escapes
/// those in messages itself.
pub(super) fn safe_text(text: &str, colors: bool) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\t' => shown.push(character),
            '\x1b' if colors => shown.push(character),
            _ if is_unsafe(character) => shown.extend(character.escape_default()),
            _ => shown.push(character),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_logged_does_nothing_to_a_terminal() {
        let line = "\x1b[2mCRIT\x1b[0m \u{5}\u{9b}2J\u{202e}\u{7f}\tü\n";
        assert_eq!(safe_text(line, true), "\x1b[2mCRIT\x1b[0m \\u{5}\\u{9b}2J\\u{202e}\\u{7f}\tü\n");
        assert_eq!(safe_text(line, false), "\\u{1b}[2mCRIT\\u{1b}[0m \\u{5}\\u{9b}2J\\u{202e}\\u{7f}\tü\n");
    }
}
