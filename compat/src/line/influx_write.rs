//! InfluxDB's line protocol: `measurement,tag=value field=number time`.

use std::fmt::Write;

use super::number::Number;

/// A series as its lines begin: the measurement and the tags.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct InfluxSeries(String);

impl InfluxSeries {
    /// The series of a measurement with tags. Tags without a name or a value are left out: the format has none. They are sorted, as the
    /// server has it fastest.
    pub fn new<'a>(measurement: &str, tags: impl IntoIterator<Item = (&'a str, &'a str)>) -> InfluxSeries {
        let mut head = String::new();
        escape(measurement, &[',', ' '], &mut head);
        let mut tags: Vec<(&str, &str)> = tags.into_iter().collect();
        tags.retain(|(name, value)| !name.is_empty() && !value.is_empty());
        tags.sort_unstable();
        for (name, value) in tags {
            head.push(',');
            escape(name, &[',', '=', ' '], &mut head);
            head.push('=');
            escape(value, &[',', '=', ' '], &mut head);
        }
        InfluxSeries(head)
    }

    /// Writes the line of a sample with the field `value`; false, and nothing is written, where the format has no such number. The
    /// time is written as it is given, in the precision that the request names.
    ///
    /// Integers are written as floats without a fraction: a field has one type in all of a bucket, and a metric may have both.
    pub fn write(&self, number: Number, time: i64, out: &mut String) -> bool {
        number.is_finite() && writeln!(out, "{} value={number} {time}", self.0).is_ok()
    }
}

/// Escapes what would end a name. A backslash before another character stands for itself, but one at the end, or before one that is
/// escaped, would be taken for an escape, and the ends of lines cannot be written at all: those become `_`. So does a `#` that would make
/// the line a comment.
fn escape(name: &str, special: &[char], out: &mut String) {
    let start = out.len();
    let mut characters = name.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' if characters.peek().is_none_or(|next| matches!(next, '\\' | ',' | '=' | ' ')) => {
                out.push('_');
            }
            '#' if start == 0 && out.is_empty() => out.push('_'),
            character if character.is_control() => out.push('_'),
            character => {
                if special.contains(&character) {
                    out.push('\\');
                }
                out.push(character);
            }
        }
    }
    if out.len() == start {
        out.push('_');
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reads a line as the reference describes it: measurement, tags, field, time.
    fn read(line: &str) -> (String, Vec<(String, String)>, String, String) {
        let mut parts = vec![String::new()];
        let mut marks = Vec::new();
        let mut spaces = 0;
        let mut characters = line.chars().peekable();
        while let Some(character) = characters.next() {
            let is_special = |next: &char| matches!(next, ',' | '=' | ' ');
            match character {
                '\\' if characters.peek().is_some_and(is_special) => {
                    parts.last_mut().unwrap().extend(characters.next());
                }
                ',' | ' ' | '=' if spaces < 2 && !(character == '=' && marks.is_empty()) => {
                    spaces += usize::from(character == ' ');
                    marks.push(character);
                    parts.push(String::new());
                }
                other => parts.last_mut().unwrap().push(other),
            }
        }
        let tags = marks.iter().filter(|mark| **mark == ',').count();
        assert_eq!(marks.len(), 2 * tags + 3, "{line}");
        let pair = |index: usize| (parts[2 * index + 1].clone(), parts[2 * index + 2].clone());
        let (name, value) = pair(tags);
        assert_eq!(name, "value");
        (parts[0].clone(), (0..tags).map(pair).collect(), value, parts.last().unwrap().clone())
    }

    fn line(series: &InfluxSeries, number: Number) -> String {
        let mut out = String::new();
        assert!(series.write(number, 1_700_000_000_123, &mut out));
        out
    }

    #[test]
    fn names_are_escaped() {
        let series = InfluxSeries::new("disk /, a=b", [("metric", "C:\\ x"), ("a b", "c=,d"), ("none", "")]);
        let written = line(&series, Number::Float(0.5));
        assert_eq!(written, "disk\\ /\\,\\ a=b,a\\ b=c\\=\\,d,metric=C:_\\ x value=0.5 1700000000123\n");
        assert_eq!(
            line(&InfluxSeries::new("#x\ny", []), Number::Integer(-7)),
            "_x_y value=-7 1700000000123\n"
        );
    }

    #[test]
    fn what_no_line_has_is_not_written() {
        let mut out = String::new();
        for float in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(!InfluxSeries::new("x", []).write(Number::Float(float), 0, &mut out));
        }
        assert!(out.is_empty());
    }

    proptest! {
        #[test]
        fn each_sample_is_a_line_that_reads_back(
            measurement in "[a-z ,=\\\\#\n\"é]{1,8}",
            name in "[a-z ,=\\\\\n\"é]{1,8}",
            value in "[a-z ,=\\\\\n\"é]{1,8}",
            number in any::<f64>().prop_filter("finite", |number| number.is_finite()),
        ) {
            let written = line(&InfluxSeries::new(&measurement, [(&*name, &*value)]), Number::Float(number));
            prop_assert_eq!(written.matches('\n').count(), 1);
            let (first, tags, read_number, time) = read(written.trim_end_matches('\n'));
            let same = |one: &str, other: &str| {
                one.chars().count() == other.chars().count()
                    && one.chars().zip(other.chars()).all(|(one, other)| one == other || other == '_')
            };
            prop_assert!(same(&measurement, &first) && same(&name, &tags[0].0) && same(&value, &tags[0].1), "{}", written);
            prop_assert_eq!(read_number.parse::<f64>().unwrap().to_bits(), number.to_bits());
            prop_assert_eq!(time, "1700000000123");
        }
    }
}
