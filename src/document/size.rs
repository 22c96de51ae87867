//! Numbers of bytes as people write them: `512MiB`, `64KB`, `1000`.

use crate::document::diagnostic::Findings;
use crate::document::fields::refuse;
use crate::document::scalar::{Kind, Scalar};
use crate::document::yaml::{Content, Node};

/// Units of a size, the longer ones first where one ends in another.
const UNITS: [(&str, u64); 7] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("B", 1),
];

/// Reads a number of bytes from 1 to `most`.
pub(crate) fn read(node: &Node, most: u64, findings: &mut Findings) -> Option<u64> {
    let bytes = match &node.content {
        Content::Scalar(Scalar { kind: Kind::Integer(bytes), .. }) => u64::try_from(*bytes).ok(),
        Content::Scalar(Scalar { text, kind: Kind::Text }) => parse(text),
        _ => None,
    };
    let fitting = bytes.filter(|bytes| (1..=most).contains(bytes));
    if fitting.is_none() {
        refuse(node, &format!("a size such as `512MiB`, from 1 to {most} bytes"), findings);
    }
    fitting
}

fn parse(text: &str) -> Option<u64> {
    let (number, factor) =
        UNITS.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor)))?;
    number.trim_end().parse::<u64>().ok()?.checked_mul(*factor)
}

/// A number of bytes in the largest power of 1024 that divides it.
pub(crate) fn show(bytes: u64) -> String {
    let binary = UNITS[..3].iter().rev().find(|(_, factor)| bytes > 0 && bytes.is_multiple_of(*factor));
    match binary {
        Some((unit, factor)) => format!("{}{unit}", bytes / factor),
        None => bytes.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_reads_the_same() {
        for (bytes, text) in
            [(8 << 20, "8MiB"), (256 << 10, "256KiB"), (3 << 30, "3GiB"), (1000, "1000"), (1025, "1025")]
        {
            assert_eq!(show(bytes), text);
            assert_eq!(parse(text).or_else(|| text.parse().ok()), Some(bytes));
        }
        assert_eq!(parse("64 KB"), Some(64_000));
        assert_eq!(parse("1XB"), None);
        assert_eq!(parse("99999999999999999999GB"), None);
    }
}
