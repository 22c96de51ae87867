//! Subjects: tokens with points between them. What a token must not have is escaped so that it can be told again.

use std::fmt::Write;

/// Whether a subject can be written: no empty token, no blanks, no control characters.
pub fn is_subject(text: &str) -> bool {
    text.split('.').all(|token| !token.is_empty())
        && !text.chars().any(|character| character.is_whitespace() || character.is_control())
}

/// A name as one token of a subject: letters, digits, `-` and `_` of ASCII as they are, each other byte as `%` and two
/// hexadecimal digits, and `%` alone for the empty name.
pub fn escape_token(name: &str) -> String {
    if name.is_empty() {
        return "%".to_owned();
    }
    let mut out = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_' {
            out.push(char::from(byte));
        } else {
            // Writing to a String does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// The name that [`escape_token`] made a token of; none if it made this of nothing.
pub fn unescape_token(token: &str) -> Option<String> {
    if token == "%" {
        return Some(String::new());
    }
    let mut bytes = Vec::new();
    let mut rest = token.bytes();
    while let Some(byte) = rest.next() {
        let digit = |digit: Option<u8>| char::from(digit?).to_digit(16);
        bytes.push(match byte {
            b'%' => (digit(rest.next())? << 4 | digit(rest.next())?) as u8,
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok().filter(|name| escape_token(name) == token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_become_tokens() {
        assert_eq!(escape_token("web-1.example.com"), "web-1%2Eexample%2Ecom");
        assert_eq!(escape_token("a *>%"), "a%20%2A%3E%25");
        assert_eq!(unescape_token("web-1%2Eexample"), Some("web-1.example".to_owned()));
        for token in ["", "a.b", "%2e", "%2", "%GG", "%41", "%FF"] {
            assert_eq!(unescape_token(token), None, "{token}");
        }
    }

    proptest! {
        #[test]
        fn every_name_comes_back(name in "\\PC{0,20}|[.*> %]{0,5}") {
            let token = escape_token(&name);
            prop_assert!(is_subject(&token) && !token.contains(['.', '*', '>']));
            prop_assert_eq!(unescape_token(&token), Some(name));
        }
    }
}
