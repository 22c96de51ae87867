//! Finds the tokens of perfdata: separators, quotes and stray words (`docs/plugin-output.md#tokens`).
//!
//! Invariant: each step moves the position forward, so time is linear in the length of the text, whatever its quotes.

use super::warning::{Problem, Warnings};

/// `label=value`, not yet parsed.
pub(crate) struct Token<'a> {
    /// The label without its quotes.
    pub(crate) label: String,
    /// The text from the `=` to the separator; may be empty.
    pub(crate) value: &'a str,
    /// The whole token as printed.
    pub(crate) text: &'a str,
    /// Whether the value may go on behind the blank.
    pub(crate) grouped: bool,
}

/// Finds tokens in a text.
pub(crate) struct Scanner<'a> {
    text: &'a str,
    /// Always at a character boundary.
    position: usize,
    /// `false` once a quote was found that nothing closes.
    ///
    /// Then a later quote can be closed only within its own run of quotes, so the search need not reach the end of the text
    /// again: two searches pair the quotes of a later run in the same way unless one of them starts within it.
    quotes_close: bool,
}

/// The separators but `|`: blanks that may occur within an unquoted label, unless they end a line.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | 0x0b | 0x0c)
}

fn is_separator(byte: u8) -> bool {
    is_blank(byte) || byte == b'|'
}

/// Separators that always end an unquoted label: `|`, and line ends.
fn is_hard_separator(byte: u8) -> bool {
    matches!(byte, b'|' | b'\r' | b'\n')
}

fn trim_blanks(text: &str) -> &str {
    text.trim_matches(|character: char| character.is_ascii() && is_blank(character as u8))
}

/// The value of a token without the commas that separate it from the next one, and its length with them. `text` ends at
/// a blank. A comma is a separator at the end of the text and before another token, as in `5ms,b=3`.
fn item(text: &str) -> (&str, usize) {
    let next = text.find(['=', '\'']).map_or(text, |at| &text[..at]);
    let with_commas = match next.rfind(',') {
        Some(comma) if next.len() < text.len() => &text[..=comma],
        _ => text,
    };
    (with_commas.trim_end_matches(','), with_commas.len())
}

impl<'a> Scanner<'a> {
    /// Starts at the beginning of a text.
    pub(crate) fn new(text: &'a str) -> Scanner<'a> {
        Scanner { text, position: 0, quotes_close: true }
    }

    /// Whether the last token ended with the text.
    pub(crate) fn at_end(&self) -> bool {
        self.position == self.text.len()
    }

    /// What is behind the last token.
    pub(crate) fn rest(&self) -> &'a str {
        &self.text[self.position..]
    }

    fn byte(&self, position: usize) -> Option<u8> {
        self.text.as_bytes().get(position).copied()
    }

    /// The first position from `from` on whose byte is wanted, or the end.
    fn find(&self, from: usize, wanted: impl Fn(u8) -> bool) -> usize {
        let bytes = &self.text.as_bytes()[from..];
        bytes.iter().position(|&byte| wanted(byte)).map_or(self.text.len(), |offset| from + offset)
    }

    /// The next token; junk before it is reported. `None` at the end.
    pub(crate) fn next_token(&mut self, warnings: &mut Warnings) -> Option<Token<'a>> {
        let (label, start) = self.label(warnings)?;
        // The position is that of the `=`.
        let value_start = self.position + 1;
        let end = self.find(value_start, is_separator);
        let (value, text_len) = item(&self.text[value_start..end]);
        self.position = value_start + text_len;
        let token = Token { label, value, text: &self.text[start..self.position], grouped: false };
        if value.len() < text_len {
            warnings.add(Problem::Separator, token.text);
        }
        if text_len == 0 {
            self.skip_stray_words();
        }
        Some(token)
    }

    /// The next label and its start; moves the position to its `=`. Words that belong to no label are junk.
    fn label(&mut self, warnings: &mut Warnings) -> Option<(String, usize)> {
        // Start of the words that may become an unquoted label: with an unclosed quote, and without it.
        let mut pending: Option<(usize, usize)> = None;
        loop {
            let gap = self.position;
            let word = self.find(gap, |byte| !is_separator(byte));
            let quote = self.byte(word) == Some(b'\'');
            let apart =
                quote || word == self.text.len() || self.text[gap..word].bytes().any(is_hard_separator);
            if let (true, Some((start, _))) = (apart, pending) {
                warnings.add(Problem::Junk, &self.text[start..gap]);
                pending = None;
            }
            self.position = word;
            self.byte(word)?;
            let mut from = word;
            if quote {
                if let Some(label) = self.quoted_label() {
                    return Some((label, word));
                }
                // An opening quote that nothing closes is dropped.
                from += 1;
            }
            let (start, label_start) = *pending.get_or_insert((word, from));
            self.position = self.find(from, |byte| matches!(byte, b'=' | b';') || is_separator(byte));
            match self.byte(self.position) {
                Some(b'=') => {
                    let written = trim_blanks(&self.text[label_start..self.position]);
                    // A separate comma before a label belongs to the token before.
                    let label = trim_blanks(written.trim_start_matches([',', ' ']));
                    if label.len() < written.len() {
                        warnings.add(Problem::Separator, &self.text[start..self.position]);
                    }
                    return Some((label.replace("''", "'"), start));
                }
                Some(b';') => {
                    self.position = self.find(self.position, |byte| byte == b'=' || is_separator(byte));
                    if self.byte(self.position) == Some(b'=') {
                        return Some((String::new(), start));
                    }
                    warnings.add(Problem::Junk, &self.text[start..self.position]);
                    pending = None;
                }
                _ => {}
            }
        }
    }

    /// A quoted label; moves the position to its `=`. `None`, without moving, if no quoted label begins here.
    fn quoted_label(&mut self) -> Option<String> {
        let mut label = String::new();
        let mut from = self.position + 1;
        let mut own_run = true;
        loop {
            let quote = self.find(from, |byte| byte == b'\'');
            own_run &= quote == from;
            if quote == self.text.len() || !(self.quotes_close || own_run) {
                self.quotes_close = false;
                return None;
            }
            label.push_str(&self.text[from..quote]);
            from = quote + 1;
            if self.byte(from) == Some(b'\'') {
                label.push('\'');
                from += 1;
                continue;
            }
            let equals = self.find(from, |byte| !is_blank(byte));
            if self.byte(equals) == Some(b'=') {
                self.position = equals;
                return Some(label);
            }
            label.push('\'');
        }
    }

    /// After an empty value, skips words up to one that may begin a token (`docs/plugin-output.md#empty-values`).
    fn skip_stray_words(&mut self) {
        loop {
            self.position = self.find(self.position, |byte| !is_separator(byte));
            let end = self.find(self.position, |byte| byte == b'=' || is_separator(byte));
            if matches!(self.byte(self.position), None | Some(b'\'')) || self.byte(end) == Some(b'=') {
                return;
            }
            self.position = end;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_shortcut_for_unclosed_quotes_changes_nothing(text in "['a= ]{0,24}") {
            let mut full = Scanner::new(&text);
            let mut short = Scanner::new(&text);
            let (mut full_warnings, mut short_warnings) = (Warnings::default(), Warnings::default());
            loop {
                // Without the shortcut between tokens.
                full.quotes_close = true;
                let a = full.next_token(&mut full_warnings).map(|token| (token.label, token.value));
                let b = short.next_token(&mut short_warnings).map(|token| (token.label, token.value));
                prop_assert_eq!(&a, &b);
                if a.is_none() {
                    break;
                }
            }
        }
    }
}
