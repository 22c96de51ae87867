//! From text to tokens, one at a time.

use crate::error::{Error, Result};
use crate::span::Span;
use crate::token::{Token, TokenKind};

/// Reads tokens from a query.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lexer<'q> {
    query: &'q str,
    at: usize,
    /// Between `[` and `]` a colon is a token of its own; elsewhere it is a letter of a name.
    pub(crate) in_brackets: bool,
}

impl<'q> Lexer<'q> {
    pub(crate) fn new(query: &'q str) -> Lexer<'q> {
        Lexer { query, at: 0, in_brackets: false }
    }

    /// The next token; at the end `End`, again and again.
    pub(crate) fn next(&mut self) -> Result<Token<'q>> {
        self.skip_blanks();
        let start = self.at;
        let rest = &self.query[start..];
        let Some(first) = rest.chars().next() else {
            return Ok(Token { kind: TokenKind::End, text: "", span: Span::new(start, start) });
        };
        let kind = match first {
            '"' | '\'' => self.quoted(first)?,
            '`' => self.raw()?,
            '0'..='9' => self.number()?,
            '.' if rest[1..].starts_with(|c: char| c.is_ascii_digit()) => self.number()?,
            ':' if self.in_brackets => self.take(1, TokenKind::Colon),
            'a'..='z' | 'A'..='Z' | '_' | ':' => self.word(),
            _ => self.symbol(first)?,
        };
        Ok(Token { kind, text: &self.query[start..self.at], span: Span::new(start, self.at) })
    }

    /// Blanks, and comments from `#` to the end of the line.
    fn skip_blanks(&mut self) {
        loop {
            let rest = &self.query[self.at..];
            let trimmed = rest.trim_start_matches([' ', '\t', '\n', '\r']);
            self.at += rest.len() - trimmed.len();
            if !trimmed.starts_with('#') {
                return;
            }
            self.at += trimmed.find('\n').unwrap_or(trimmed.len());
        }
    }

    fn take(&mut self, bytes: usize, kind: TokenKind) -> TokenKind {
        self.at += bytes;
        kind
    }

    fn word(&mut self) -> TokenKind {
        let colons = !self.in_brackets;
        let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '_' || (colons && c == ':');
        let rest = &self.query[self.at..];
        let bytes = rest.find(|c| !is_letter(c)).unwrap_or(rest.len());
        let word = &rest[..bytes];
        let number = word.eq_ignore_ascii_case("inf") || word.eq_ignore_ascii_case("nan");
        self.take(bytes, if number { TokenKind::Number } else { TokenKind::Word })
    }

    fn symbol(&mut self, first: char) -> Result<TokenKind> {
        let rest = &self.query[self.at..];
        let two = |second: &str| rest[first.len_utf8()..].starts_with(second);
        let (bytes, kind) = match first {
            '(' => (1, TokenKind::LeftParen),
            ')' => (1, TokenKind::RightParen),
            '{' => (1, TokenKind::LeftBrace),
            '}' => (1, TokenKind::RightBrace),
            '[' => (1, TokenKind::LeftBracket),
            ']' => (1, TokenKind::RightBracket),
            ',' => (1, TokenKind::Comma),
            '@' => (1, TokenKind::At),
            '+' => (1, TokenKind::Add),
            '-' => (1, TokenKind::Sub),
            '*' => (1, TokenKind::Mul),
            '/' => (1, TokenKind::Div),
            '%' => (1, TokenKind::Mod),
            '^' => (1, TokenKind::Pow),
            '=' if two("=") => (2, TokenKind::Equal),
            '=' if two("~") => (2, TokenKind::MatchRegex),
            '=' => (1, TokenKind::Assign),
            '!' if two("=") => (2, TokenKind::NotEqual),
            '!' if two("~") => (2, TokenKind::MatchNotRegex),
            '<' if two("=") => (2, TokenKind::LessEqual),
            '<' if two("/") => (2, TokenKind::TrimUpper),
            '<' => (1, TokenKind::Less),
            '>' if two("=") => (2, TokenKind::GreaterEqual),
            '>' if two("/") => (2, TokenKind::TrimLower),
            '>' => (1, TokenKind::Greater),
            _ => {
                let span = Span::new(self.at, self.at + first.len_utf8());
                return Err(Error::parse(span, format!("unexpected character: {first:?}")));
            }
        };
        Ok(self.take(bytes, kind))
    }

    /// A text in quotes: up to the same quote that no backslash precedes, on one line.
    fn quoted(&mut self, quote: char) -> Result<TokenKind> {
        let start = self.at;
        let mut escaped = false;
        for (index, c) in self.query[start + 1..].char_indices() {
            match c {
                '\n' => break,
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                _ if c == quote => {
                    self.at = start + 1 + index + 1;
                    return Ok(TokenKind::String);
                }
                _ => {}
            }
        }
        Err(Error::parse(Span::new(start, start + 1), "unterminated quoted string"))
    }

    fn raw(&mut self) -> Result<TokenKind> {
        match self.query[self.at + 1..].find('`') {
            Some(length) => Ok(self.take(length + 2, TokenKind::String)),
            None => Err(Error::parse(Span::new(self.at, self.at + 1), "unterminated raw string")),
        }
    }

    /// A number (`1`, `1_000`, `.5`, `1e-3`, `0x1F`) or a duration (`5m`, `1h30m`). What follows is no letter or digit.
    fn number(&mut self) -> Result<TokenKind> {
        let rest = &self.query[self.at..];
        let bytes = number_length(rest);
        let tail = &rest[bytes..];
        if !tail.starts_with(is_alphanumeric) && !tail.starts_with('.') {
            return Ok(self.take(bytes, TokenKind::Number));
        }
        let whole = rest.find(|c| !is_alphanumeric(c)).unwrap_or(rest.len());
        if is_duration(&rest[..whole]) {
            return Ok(self.take(whole, TokenKind::Duration));
        }
        let span = Span::new(self.at, self.at + whole.max(bytes));
        Err(Error::parse(span, format!("bad number or duration syntax: {:?}", &rest[..whole.max(bytes)])))
    }
}

fn is_alphanumeric(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Digits in pairs with units.
fn is_duration(text: &str) -> bool {
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let units = rest[digits..].bytes().take_while(u8::is_ascii_alphabetic).count();
        if digits == 0 || !matches!(&rest[digits..digits + units], "ms" | "s" | "m" | "h" | "d" | "w" | "y") {
            return false;
        }
        rest = &rest[digits + units..];
    }
    true
}

/// Length of the longest number at the start of `text`.
fn number_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    if bytes.len() > 2 && bytes[0] == b'0' && matches!(bytes[1], b'x' | b'X') {
        return 2 + bytes[2..].iter().take_while(|byte| byte.is_ascii_hexdigit() || **byte == b'_').count();
    }
    let digits =
        |at: usize| bytes[at..].iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'_').count();
    let mut at = digits(0);
    if bytes.get(at) == Some(&b'.') {
        at += 1;
        at += digits(at);
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        let exponent = digits(at + 1 + sign);
        if exponent > 0 {
            at += 1 + sign + exponent;
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(query: &str) -> Vec<(TokenKind, &str)> {
        let mut lexer = Lexer::new(query);
        let mut all = Vec::new();
        loop {
            let token = lexer.next().unwrap();
            if token.kind == TokenKind::End {
                return all;
            }
            all.push((token.kind, token.text));
        }
    }

    fn error(query: &str) -> String {
        let mut lexer = Lexer::new(query);
        loop {
            match lexer.next() {
                Ok(token) => assert_ne!(token.kind, TokenKind::End, "{query} has no mistake"),
                Err(error) => return error.message,
            }
        }
    }

    #[test]
    fn numbers_and_durations_are_told_apart() {
        use TokenKind::{Duration, Number, Word};
        for number in ["1", "1.5", ".5", "1.", "1e3", "1E-3", "0x1F", "1_000", "Inf", "nan", "0X_1f"] {
            assert_eq!(tokens(number), [(Number, number)], "{number}");
        }
        for duration in ["5m", "1h30m", "10ms", "1y2w3d4h5m6s7ms"] {
            assert_eq!(tokens(duration), [(Duration, duration)], "{duration}");
        }
        assert_eq!(tokens("info inf_x"), [(Word, "info"), (Word, "inf_x")]);
        for wrong in ["1x", "5mm", "1h2", "1.5.2", "1.5m", "1e", "0xg"] {
            assert!(error(wrong).starts_with("bad number or duration"), "{wrong}");
        }
    }

    #[test]
    fn strings_end_where_their_quote_does() {
        assert_eq!(
            tokens(r#""a\"b" 'c"d' `e\`"#).iter().map(|t| t.1).collect::<Vec<_>>(),
            [r#""a\"b""#, r#"'c"d'"#, r"`e\`"]
        );
        assert_eq!(error("\"abc"), "unterminated quoted string");
        assert_eq!(error("'a\nb'"), "unterminated quoted string");
        assert_eq!(error("`abc"), "unterminated raw string");
    }

    #[test]
    fn comments_and_blanks_part_tokens() {
        assert_eq!(tokens("a # b\n # c\n d#e"), [(TokenKind::Word, "a"), (TokenKind::Word, "d")]);
        assert_eq!(error("a ? b"), "unexpected character: '?'");
        assert_eq!(error("ä"), "unexpected character: 'ä'");
    }
}
