//! Samples read from text: those of OpenMetrics and of Prometheus' older text format, as `promtool tsdb dump-openmetrics` and
//! exporters write them. Comments, exemplars and what is said of families are passed over.
//!
//! ```text
//! node_load1{instance="web1:9100",job="node"} 0.25 1795305600.000
//! {"a name with blanks",job="x"} 1 1795305600
//! ```

use std::fmt;

/// A sample.
#[derive(Clone, Debug, PartialEq)]
pub struct TextSample {
    /// The name of its metric; empty if it has none.
    pub name: String,
    /// Its labels, as they are written.
    pub labels: Vec<(String, String)>,
    /// Its value as it is written: [`TextSample::value`] reads it.
    pub number: String,
    /// Its time as it is written; empty if it has none. Seconds in OpenMetrics, milliseconds in the older format.
    pub time: String,
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextFault {
    /// There is neither a name nor a label.
    Name,
    /// A label has no name, or a value without quotes, or its quotes do not end.
    Label,
    /// The value is no number.
    Value,
    /// The time is no number.
    Time,
}

impl fmt::Display for TextFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TextFault::Name => "it begins with neither a name nor labels",
            TextFault::Label => "a label is not written as name=\"value\"",
            TextFault::Value => "its value is no number",
            TextFault::Time => "its time is no number",
        })
    }
}

impl TextSample {
    /// Reads a line; none if it is empty or a comment.
    ///
    /// # Errors
    /// The line is no sample.
    pub fn parse(line: &str) -> Result<Option<TextSample>, TextFault> {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return Ok(None);
        }
        let end = line.find(['{', ' ', '\t']).unwrap_or(line.len());
        let (name, rest) = line.split_at(end);
        let mut sample = TextSample {
            name: name.to_owned(),
            labels: Vec::new(),
            number: String::new(),
            time: String::new(),
        };
        let rest = match rest.strip_prefix('{') {
            Some(labels) => sample.take_labels(labels)?,
            None => rest,
        };
        if let Some(at) = sample.labels.iter().position(|(name, _)| name == "__name__") {
            sample.name = sample.labels.remove(at).1;
        }
        if sample.name.is_empty() && sample.labels.is_empty() {
            return Err(TextFault::Name);
        }
        // Behind a `#` is an exemplar.
        let mut words = rest.split('#').next().unwrap_or_default().split_ascii_whitespace();
        sample.number = words.next().ok_or(TextFault::Value)?.to_owned();
        sample.time = words.next().unwrap_or_default().to_owned();
        if !is_number(&sample.number) {
            return Err(TextFault::Value);
        }
        if words.next().is_some() || !(sample.time.is_empty() || seconds(&sample.time).is_some()) {
            return Err(TextFault::Time);
        }
        Ok(Some(sample))
    }

    /// The value.
    pub fn value(&self) -> f64 {
        self.number.parse().unwrap_or(f64::NAN)
    }

    /// The value as an integer, where no float equals it.
    pub fn exact_integer(&self) -> Option<i64> {
        let integer: i64 = self.number.parse().ok()?;
        (integer as f64 as i128 != i128::from(integer)).then_some(integer)
    }

    /// The time in milliseconds, if it is written in seconds, as in OpenMetrics.
    pub fn time_of_seconds_ms(&self) -> Option<i64> {
        seconds(&self.time)
    }

    /// The time in milliseconds, if it is written in those, as in the older format.
    pub fn time_ms(&self) -> Option<i64> {
        self.time.parse().ok()
    }

    /// Takes labels up to the brace that ends them, and returns what follows. A name in quotes without a value is that of the metric.
    fn take_labels<'l>(&mut self, text: &'l str) -> Result<&'l str, TextFault> {
        let mut rest = text.trim_start();
        loop {
            if let Some(behind) = rest.strip_prefix('}') {
                return Ok(behind);
            }
            let (name, behind) = match rest.strip_prefix('"') {
                Some(text) => quoted(text)?,
                None => {
                    let end = rest.find(['=', ',', '}', ' ']).ok_or(TextFault::Label)?;
                    (rest[..end].to_owned(), &rest[end..])
                }
            };
            let behind = behind.trim_start();
            rest = match behind.strip_prefix('=') {
                Some(value) => {
                    let (value, behind) =
                        quoted(value.trim_start().strip_prefix('"').ok_or(TextFault::Label)?)?;
                    if name.is_empty() {
                        return Err(TextFault::Label);
                    }
                    self.labels.push((name, value));
                    behind
                }
                None if rest.starts_with('"') && self.name.is_empty() => {
                    self.name = name;
                    behind
                }
                None => return Err(TextFault::Label),
            };
            rest = rest.trim_start();
            rest = match rest.strip_prefix(',') {
                Some(behind) => behind.trim_start(),
                None if rest.starts_with('}') => rest,
                None => return Err(TextFault::Label),
            };
        }
    }
}

/// What is in quotes, of which the first was taken off, and what follows.
fn quoted(text: &str) -> Result<(String, &str), TextFault> {
    let mut found = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Ok((found, &text[at + 1..])),
            '\\' => match characters.next() {
                Some((_, 'n')) => found.push('\n'),
                Some((_, next)) => found.push(next),
                None => return Err(TextFault::Label),
            },
            _ => found.push(character),
        }
    }
    Err(TextFault::Label)
}

fn is_number(text: &str) -> bool {
    text.parse::<f64>().is_ok()
}

/// Seconds as they are written, in milliseconds: exactly where there are no more than three digits behind the point, else cut off there.
fn seconds(text: &str) -> Option<i64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || b"-.".contains(&byte));
    if !is_plain {
        // With an exponent, as some write large numbers.
        let ms = text.parse::<f64>().ok().filter(|seconds| seconds.is_finite())? * 1000.0;
        return (ms.abs() < 9e15).then_some(ms.round() as i64);
    }
    let (whole, behind) = text.split_once('.').unwrap_or((text, ""));
    let digits: String = behind.chars().chain("000".chars()).take(3).collect();
    let (whole_s, ms): (i64, i64) = (whole.parse().ok()?, digits.parse().ok()?);
    let ms = if whole.starts_with('-') { -ms } else { ms };
    whole_s.checked_mul(1000)?.checked_add(ms)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Escaping, Subject, write_sample};
    use super::*;

    fn parsed(line: &str) -> TextSample {
        TextSample::parse(line).unwrap().unwrap()
    }

    #[test]
    fn a_sample_has_labels_and_a_time() {
        let sample =
            parsed(r#"disk_used{path="/a\"b\\",job="x, y"} 1.5e3 1795305600.125 # {trace_id="x"} 1"#);
        assert_eq!((sample.name.as_str(), sample.value()), ("disk_used", 1500.0));
        let label = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(sample.labels, [label("path", "/a\"b\\"), label("job", "x, y")]);
        assert_eq!(sample.time_of_seconds_ms(), Some(1_795_305_600_125));
        assert_eq!(parsed("up 1 1795305600125").time_ms(), Some(1_795_305_600_125));
        assert_eq!(parsed("{__name__=\"up\",a=\"b\"} NaN").name, "up");
        assert_eq!(parsed("{\"a b\",\"c d\"=\"e\"} +Inf").labels, [label("c d", "e")]);
        assert_eq!(parsed("n 9007199254740993").exact_integer(), Some(9_007_199_254_740_993));
        assert_eq!(parsed("n 9007199254740992").exact_integer(), None);
        assert_eq!(parsed("n 1 -1.5").time_of_seconds_ms(), Some(-1500));
        assert_eq!(TextSample::parse("# EOF"), Ok(None));
    }

    #[test]
    fn what_is_no_sample_is_said() {
        for (line, fault) in [
            ("{} 1", TextFault::Name),
            ("a{b} 1", TextFault::Label),
            ("a{b=\"c} 1", TextFault::Label),
            ("a{b=\"c\"", TextFault::Label),
            ("a", TextFault::Value),
            ("a one", TextFault::Value),
            ("a 1 soon", TextFault::Time),
            ("a 1 2 3", TextFault::Time),
        ] {
            assert_eq!(TextSample::parse(line), Err(fault), "{line}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(name in "[a-z ]{1,8}", value in "\\PC{0,9}", time_ms in 0..4_000_000_000_000_i64) {
            let mut text = String::new();
            let subject = Subject::new(&name, [("path", &*value)].into_iter(), Escaping::default());
            write_sample(&mut text, &subject, &0.5, time_ms);
            let sample = parsed(&text);
            prop_assert_eq!(&sample.name, &name);
            prop_assert_eq!(sample.labels.first().map_or("", |(_, value)| value), &value);
            prop_assert_eq!(sample.time_of_seconds_ms(), Some(time_ms));
        }

        #[test]
        fn nothing_makes_it_panic(line in "\\PC{0,60}") {
            let _ = TextSample::parse(&line);
        }
    }
}
