//! What numbers, durations and strings of a query mean.

use crate::error::{Error, Result};
use crate::lexer::Lexer;
use crate::token::{Token, TokenKind};

/// The value of a number, or of a duration in seconds.
pub(crate) fn number(token: &Token<'_>) -> Result<f64> {
    match token.kind {
        TokenKind::Duration => duration_seconds(token),
        _ => plain_number(token.text).ok_or_else(|| {
            Error::parse(token.span, format!("error parsing number: {:?} is out of range", token.text))
        }),
    }
}

fn plain_number(text: &str) -> Option<f64> {
    let clean: String = text.chars().filter(|c| *c != '_').collect();
    let lower = clean.to_ascii_lowercase();
    match lower.as_str() {
        "inf" => return Some(f64::INFINITY),
        "nan" => return Some(f64::NAN),
        _ => {}
    }
    if let Some(hex) = lower.strip_prefix("0x") {
        return i64::from_str_radix(hex, 16).ok().map(|whole| whole as f64);
    }
    // A leading zero means octal, as in Go, where all digits allow it.
    let octal =
        clean.len() > 1 && clean.starts_with('0') && clean.bytes().all(|byte| (b'0'..b'8').contains(&byte));
    if octal {
        return i64::from_str_radix(&clean, 8).ok().map(|whole| whole as f64);
    }
    clean.parse().ok().filter(|value: &f64| value.is_finite())
}

/// Units, longest first, with their length in milliseconds. A day has 24 hours, a year 365 days.
const UNITS: [(&str, u64); 7] = [
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// The length of time that a text is, in seconds: `1h30m`, `300`, `0.5`. None if it is none.
pub fn parse_duration(text: &str) -> Option<f64> {
    let mut lexer = Lexer::new(text);
    let token = lexer.next().ok()?;
    let is_all = lexer.next().is_ok_and(|rest| rest.kind == TokenKind::End);
    match token.kind {
        TokenKind::Number | TokenKind::Duration if is_all => {
            number(&token).ok().filter(|seconds| !seconds.is_nan())
        }
        _ => None,
    }
}

/// Seconds of `1h30m`: each unit once at most, the larger first.
fn duration_seconds(token: &Token<'_>) -> Result<f64> {
    let wrong = |what: &str| Error::parse(token.span, format!("{what}: {:?}", token.text));
    let mut rest = token.text;
    let mut next_unit = 0;
    let mut total_ms: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let letters = rest[digits..].bytes().take_while(u8::is_ascii_alphabetic).count();
        let unit = &rest[digits..digits + letters];
        let known = UNITS[next_unit..].iter().position(|(name, _)| *name == unit);
        let index = next_unit + known.ok_or_else(|| wrong("not a valid duration string"))?;
        let length: Option<u64> = rest[..digits].parse().ok();
        total_ms = length
            .and_then(|count| count.checked_mul(UNITS[index].1))
            .and_then(|ms| total_ms.checked_add(ms))
            .filter(|ms| *ms <= (i64::MAX / 1_000_000) as u64)
            .ok_or_else(|| wrong("duration out of range"))?;
        next_unit = index + 1;
        rest = &rest[digits + letters..];
    }
    Ok(total_ms as f64 / 1e3)
}

/// The text of a string token, its escapes resolved as Go does.
pub(crate) fn string(token: &Token<'_>) -> Result<String> {
    let inner = &token.text[1..token.text.len() - 1];
    if token.text.starts_with('`') || !inner.contains('\\') {
        return Ok(inner.to_owned());
    }
    let quote = token.text.as_bytes()[0];
    let bytes = unescaped(inner, quote).map_err(|what| Error::parse(token.span, what))?;
    String::from_utf8(bytes).map_err(|_| Error::parse(token.span, "the string is no valid UTF-8"))
}

fn unescaped(inner: &str, quote: u8) -> std::result::Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        let escape = &rest[at + 1..];
        let Some(letter) = escape.chars().next() else {
            return Err("escape sequence not terminated".to_owned());
        };
        let plain = match letter {
            'a' => Some(0x07),
            'b' => Some(0x08),
            'f' => Some(0x0c),
            'n' => Some(b'\n'),
            'r' => Some(b'\r'),
            't' => Some(b'\t'),
            'v' => Some(0x0b),
            '\\' => Some(b'\\'),
            _ if letter == char::from(quote) => Some(quote),
            _ => None,
        };
        if let Some(byte) = plain {
            out.push(byte);
            rest = &escape[1..];
            continue;
        }
        let (skip, digits, base) = match letter {
            '0'..='7' => (0, 3, 8),
            'x' => (1, 2, 16),
            'u' => (1, 4, 16),
            'U' => (1, 8, 16),
            _ => return Err(format!("unknown escape sequence '\\{letter}'")),
        };
        let code = escape
            .get(skip..skip + digits)
            .filter(|code| code.bytes().all(|byte| byte.is_ascii_alphanumeric()))
            .and_then(|code| u32::from_str_radix(code, base).ok())
            .ok_or_else(|| format!("expected {digits} digits after '\\{letter}'"))?;
        match digits {
            2 | 3 => out.push(u8::try_from(code).map_err(|_| "escape sequence beyond \\377".to_owned())?),
            _ => {
                let c = char::from_u32(code)
                    .ok_or_else(|| "escape sequence is an invalid Unicode code point".to_owned())?;
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        rest = &escape[skip + digits..];
    }
    out.extend_from_slice(rest.as_bytes());
    Ok(out)
}

/// Whether a label or metric of this name needs no quotes: a letter or `_`, then also digits; a metric may have colons.
pub(crate) fn is_plain_name(name: &str, colons: bool) -> bool {
    let letter = |c: char| c.is_ascii_alphabetic() || c == '_' || (colons && c == ':');
    name.starts_with(letter) && name.chars().all(|c| letter(c) || c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> std::result::Result<f64, String> {
        let token = Lexer::new(text).next().map_err(|error| error.message)?;
        number(&token).map_err(|error| error.message)
    }

    fn text(literal: &str) -> std::result::Result<String, String> {
        let token = Lexer::new(literal).next().map_err(|error| error.message)?;
        string(&token).map_err(|error| error.message)
    }

    #[test]
    fn numbers_mean_what_go_says() {
        for (literal, expected) in [
            ("1_000.5", 1000.5),
            ("0x1f", 31.0),
            ("017", 15.0),
            ("09", 9.0),
            ("1e3", 1e3),
            (".5", 0.5),
            ("0", 0.0),
        ] {
            assert_eq!(value(literal), Ok(expected), "{literal}");
        }
        assert_eq!(value("inf"), Ok(f64::INFINITY));
        assert!(value("NaN").unwrap().is_nan());
        assert!(value("1e999").is_err());
    }

    #[test]
    fn durations_have_each_unit_once_and_in_order() {
        for (literal, seconds) in
            [("5m", 300.0), ("1h30m", 5400.0), ("1500ms", 1.5), ("1y", 31_536_000.0), ("1w1d", 691_200.0)]
        {
            assert_eq!(value(literal), Ok(seconds), "{literal}");
        }
        for wrong in ["1m1h", "1m1m", "1s1m"] {
            assert!(value(wrong).unwrap_err().starts_with("not a valid duration"), "{wrong}");
        }
        assert!(value("99999999999999y").unwrap_err().starts_with("duration out of range"));
    }

    #[test]
    fn a_text_is_a_duration_or_none() {
        assert_eq!(parse_duration("1h30m"), Some(5400.0));
        assert_eq!(parse_duration(" 0.5 "), Some(0.5));
        for none in ["", "x", "5m 5m", "5mm", "-5m", "NaN", "1 + 1"] {
            assert_eq!(parse_duration(none), None, "{none}");
        }
    }

    #[test]
    fn escapes_mean_what_go_says() {
        assert_eq!(text(r#""a\n\t\"\x41\101\u00e4\U0001F600\\""#), Ok("a\n\t\"AAä😀\\".to_owned()));
        assert_eq!(text(r"`a\n`"), Ok(r"a\n".to_owned()));
        assert_eq!(text(r"'\''"), Ok("'".to_owned()));
        for wrong in [r#""\q""#, r#""\'""#, r#""\x4""#, r#""\ud800""#, r#""\777""#, r#""\xff""#, r#""\u12""#]
        {
            assert!(text(wrong).is_err(), "{wrong}");
        }
    }
}
