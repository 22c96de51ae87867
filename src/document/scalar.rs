//! YAML scalars: what a plain word means under the core schema of YAML 1.2.
//!
//! The text as written is always kept, so that `-w 010` or a version `1.10` reaches a plugin unchanged.

/// A scalar: its text and what the core schema takes it for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scalar {
    /// The text, after quotes and escapes were resolved.
    pub(crate) text: String,
    /// What it is.
    pub(crate) kind: Kind,
}

/// The types of the core schema.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    /// `null`, `~` or nothing at all.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number that fits 64 bits.
    Integer(i64),
    /// Any other number.
    Float(f64),
    /// Anything else, and everything in quotes.
    Text,
}

impl Scalar {
    /// A plain (unquoted) scalar.
    pub(crate) fn plain(text: &str) -> Scalar {
        Scalar { text: text.to_owned(), kind: kind(text) }
    }

    /// A quoted or block scalar: always text.
    pub(crate) fn quoted(text: &str) -> Scalar {
        Scalar { text: text.to_owned(), kind: Kind::Text }
    }
}

fn kind(text: &str) -> Kind {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Kind::Null,
        "true" => Kind::Bool(true),
        "false" => Kind::Bool(false),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Kind::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Kind::Float(f64::NEG_INFINITY),
        ".nan" | ".NaN" | ".NAN" => Kind::Float(f64::NAN),
        _ => number(text).unwrap_or(Kind::Text),
    }
}

fn number(text: &str) -> Option<Kind> {
    if let Some(digits) = text.strip_prefix("0x") {
        return digits_only(digits, 16).then(|| integer(digits, 16));
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return digits_only(digits, 8).then(|| integer(digits, 8));
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits_only(unsigned, 10) {
        return Some(integer(text, 10));
    }
    decimal(unsigned).then(|| Kind::Float(text.parse().unwrap_or(f64::NAN)))
}

fn digits_only(text: &str, radix: u32) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_digit(radix))
}

fn integer(text: &str, radix: u32) -> Kind {
    match i64::from_str_radix(text, radix) {
        Ok(value) => Kind::Integer(value),
        // Too large for 64 bits: near enough for a message that says it is out of range.
        Err(_) => Kind::Float(text.parse().unwrap_or(f64::INFINITY)),
    }
}

/// `[0-9]* ("." [0-9]*)? ([eE] [-+]? [0-9]+)?` with at least one digit before the exponent.
fn decimal(unsigned: &str) -> bool {
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let exponent_fits =
        exponent.is_none_or(|text| digits_only(text.strip_prefix(['-', '+']).unwrap_or(text), 10));
    digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty()) && exponent_fits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_words_follow_the_core_schema() {
        for (text, expected) in [
            ("", Kind::Null),
            ("~", Kind::Null),
            ("true", Kind::Bool(true)),
            ("yes", Kind::Text),
            ("True", Kind::Text),
            ("on", Kind::Text),
            ("5", Kind::Integer(5)),
            ("-5", Kind::Integer(-5)),
            ("+5", Kind::Integer(5)),
            ("010", Kind::Integer(10)),
            ("0x1f", Kind::Integer(31)),
            ("0o17", Kind::Integer(15)),
            ("0x", Kind::Text),
            ("0x-1", Kind::Text),
            ("99999999999999999999", Kind::Float(1e20)),
            ("1.5", Kind::Float(1.5)),
            ("5.", Kind::Float(5.0)),
            (".5", Kind::Float(0.5)),
            ("1e3", Kind::Float(1000.0)),
            ("-1.5E-1", Kind::Float(-0.15)),
            (".inf", Kind::Float(f64::INFINITY)),
            ("1_000", Kind::Text),
            ("12:30", Kind::Text),
            ("1e", Kind::Text),
            (".", Kind::Text),
            ("-", Kind::Text),
            ("inf", Kind::Text),
            ("10s", Kind::Text),
        ] {
            assert_eq!(kind(text), expected, "{text:?}");
        }
        assert!(matches!(kind(".nan"), Kind::Float(value) if value.is_nan()));
    }

    #[test]
    fn quotes_make_text() {
        assert_eq!(Scalar::quoted("5").kind, Kind::Text);
        assert_eq!(Scalar::plain("010").text, "010");
    }
}
