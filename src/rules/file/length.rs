//! Lengths of time as Prometheus writes them in its files: `90s`, `1h30m`, `1d`, `0`.

use custos_promql::parse_duration;

use crate::document::diagnostic::Findings;
use crate::document::fields::refuse;
use crate::document::scalar::Kind;
use crate::document::yaml::{Content, Node};

/// The length in ms.
pub(in crate::rules) fn length_ms(node: &Node, findings: &mut Findings) -> Option<i64> {
    let read = match &node.content {
        Content::Scalar(scalar) if scalar.kind != Kind::Null => parse(&scalar.text),
        _ => None,
    };
    if read.is_none() {
        refuse(node, "a duration such as `90s`, `1h30m` or `1d`", findings);
    }
    read
}

/// The length of a text in ms. Plain numbers, which PromQL takes as seconds, are none but for 0.
pub(in crate::rules) fn parse(text: &str) -> Option<i64> {
    if text == "0" {
        return Some(0);
    }
    let is_of_units = text.bytes().all(|byte| byte.is_ascii_digit() || b"ywdhms".contains(&byte));
    if !is_of_units
        || !text.starts_with(|c: char| c.is_ascii_digit())
        || text.ends_with(|c: char| c.is_ascii_digit())
    {
        return None;
    }
    let ms = parse_duration(text)? * 1e3;
    // Times as Go counts them end after 292 years.
    (0.0..=i64::MAX as f64 / 1e6).contains(&ms).then_some(ms.round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_units_in_their_order() {
        for (text, ms) in [
            ("0", Some(0)),
            ("0s", Some(0)),
            ("90s", Some(90_000)),
            ("1h30m", Some(5_400_000)),
            ("1y", Some(31_536_000_000)),
        ] {
            assert_eq!(parse(text), ms, "{text}");
        }
        for text in ["", "5", "30m1h", "1.5h", "-5m", "m", "soon", "1h ", "300000y", "0x1f", "1e3s"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
