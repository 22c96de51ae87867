//! Graphite's plaintext protocol: `path;tag=value number seconds`.

use std::fmt::Write;

use super::number::Number;

/// A series as its lines begin: the path and the tags.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GraphiteSeries(String);

impl GraphiteSeries {
    /// The series below the parts of a path, with tags. Tags without a name or a value are left out: the format has none.
    ///
    /// What no part may have is written as `%` and the two digits of each of its bytes, so that different parts stay different.
    pub fn new<'a>(
        path: impl IntoIterator<Item = &'a str>,
        tags: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> GraphiteSeries {
        let mut head = String::new();
        for part in path {
            if !head.is_empty() {
                head.push('.');
            }
            // Whisper makes a directory of each part but the last.
            escape(part, &mut head, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
            if part.is_empty() {
                head.push('%');
            }
        }
        for (name, value) in tags {
            if !name.is_empty() && !value.is_empty() {
                head.push(';');
                escape(name, &mut head, |byte| is_of_tag(byte) && !matches!(byte, b'!' | b'^' | b'='));
                head.push('=');
                // A value must not begin with a tilde.
                escape(value, &mut head, |byte| is_of_tag(byte) && byte != b'~');
            }
        }
        GraphiteSeries(head)
    }

    /// The path and the tags, as they are written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Writes the line of a sample, at seconds since the epoch; false, and nothing is written, where the format has no such number.
    pub fn write(&self, number: Number, time_s: i64, out: &mut String) -> bool {
        number.is_finite() && writeln!(out, "{} {number} {time_s}", self.0).is_ok()
    }
}

fn is_of_tag(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b';' | b'%')
}

/// Writes the bytes that fit as they are, and the others as `%2F`.
fn escape(text: &str, out: &mut String, fits: impl Fn(u8) -> bool) {
    for byte in text.bytes() {
        if fits(byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parts_of_paths_and_tags_have_no_character_that_ends_them() {
        let mut out = String::new();
        let tags = [("mount", "~/var log;x"), ("a=b", "c=d"), ("none", "")];
        let series = GraphiteSeries::new(["custos", "web1.example", "disk /", ""], tags);
        assert!(series.write(Number::Float(0.1), 1_700_000_000, &mut out));
        assert!(series.write(Number::Integer(i64::MAX), -1, &mut out));
        assert!(!series.write(Number::Float(f64::NAN), 0, &mut out));
        let head = "custos.web1%2Eexample.disk%20%2F.%;mount=%7E/var%20log%3Bx;a%3Db=c=d";
        assert_eq!(out, format!("{head} 0.1 1700000000\n{head} 9223372036854775807 -1\n"));
    }

    fn part() -> impl Strategy<Value = String> {
        "\\PC{0,6}|[ ._%;=~\n\t]{0,3}"
    }

    proptest! {
        #[test]
        fn each_sample_is_a_line_of_three_words(
            parts in prop::collection::vec(part(), 1..4),
            name in part(),
            value in part(),
            number in any::<f64>().prop_filter("finite", |number| number.is_finite()),
        ) {
            let mut out = String::new();
            let series = GraphiteSeries::new(parts.iter().map(String::as_str), [(&*name, &*value)]);
            prop_assert!(series.write(Number::Float(number), 5, &mut out));
            let words: Vec<&str> = out.strip_suffix('\n').unwrap().split_whitespace().collect();
            prop_assert_eq!(words.len(), 3);
            let path = words[0].split(';').next().unwrap();
            prop_assert_eq!(path.split('.').count(), parts.len());
            if let Some((read_name, read_value)) = words[0].strip_prefix(path).unwrap().split_once('=') {
                prop_assert!(read_name.len() > 1 && !read_name[1..].contains(';'));
                prop_assert!(!read_value.contains(';') && !read_value.starts_with('~'));
            }
            prop_assert_eq!(words[1].parse::<f64>().unwrap().to_bits(), number.to_bits());
        }

        #[test]
        fn different_series_stay_different(
            one in prop::collection::vec(part(), 1..4),
            other in prop::collection::vec(part(), 1..4),
        ) {
            let series = |parts: &[String]| GraphiteSeries::new(parts.iter().map(String::as_str), []);
            prop_assert_eq!(one == other, series(&one) == series(&other));
        }
    }
}
