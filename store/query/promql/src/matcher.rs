//! Conditions on labels.

use std::fmt;

use regex::Regex;

use crate::literal::is_plain_name;
use crate::pattern;

/// The label that has the name of a metric.
pub const METRIC_NAME: &str = "__name__";

/// A condition on one label: `job="x"`, `path=~"/var.*"`. A label that a series lacks is the same as an empty one.
#[derive(Clone, Debug)]
pub struct Matcher {
    name: String,
    value: String,
    operator: MatchOperator,
    /// Of the operators that have one.
    regex: Option<Regex>,
}

/// How a label is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatchOperator {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`
    Regex,
    /// `!~`
    NotRegex,
}

impl MatchOperator {
    /// Whether it is one of a regular expression.
    pub fn is_regex(self) -> bool {
        matches!(self, MatchOperator::Regex | MatchOperator::NotRegex)
    }

    /// The operator as it is written.
    pub fn text(self) -> &'static str {
        match self {
            MatchOperator::Equal => "=",
            MatchOperator::NotEqual => "!=",
            MatchOperator::Regex => "=~",
            MatchOperator::NotRegex => "!~",
        }
    }
}

impl Matcher {
    /// A condition.
    ///
    /// # Errors
    /// What is wrong with a regular expression.
    pub fn new(name: &str, operator: MatchOperator, value: &str) -> Result<Matcher, String> {
        let regex = operator.is_regex().then(|| pattern::anchored(value)).transpose()?;
        Ok(Matcher { name: name.to_owned(), value: value.to_owned(), operator, regex })
    }

    /// The label.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is compared with.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// How it is compared.
    pub fn operator(&self) -> MatchOperator {
        self.operator
    }

    /// Whether a label with this value fulfils the condition.
    pub fn matches(&self, value: &str) -> bool {
        let regex = |value| self.regex.as_ref().is_some_and(|regex| regex.is_match(value));
        match self.operator {
            MatchOperator::Equal => self.value == value,
            MatchOperator::NotEqual => self.value != value,
            MatchOperator::Regex => regex(value),
            MatchOperator::NotRegex => !regex(value),
        }
    }
}

/// Whether conditions reach series that have a name of their own, such as `ALERTS`: only those do that say something of the
/// name. What rules record keeps the labels of what it was recorded from, so that conditions on those alone, such as
/// `{check="c", metric="m"}`, would find the values of a rule, and the beginnings of its alerts, among the metrics that it
/// judges.
pub fn reaches_own_names(matchers: &[Matcher]) -> bool {
    matchers.iter().any(|matcher| matcher.name() == METRIC_NAME)
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Matcher) -> bool {
        (&self.name, self.operator, &self.value) == (&other.name, other.operator, &other.value)
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_name(f, &self.name)?;
        f.write_str(self.operator.text())?;
        f.write_str(&quoted(&self.value))
    }
}

/// A label's name, in quotes if it needs them.
pub(crate) fn write_name(f: &mut impl fmt::Write, name: &str) -> fmt::Result {
    if is_plain_name(name, false) { f.write_str(name) } else { f.write_str(&quoted(name)) }
}

/// A text in double quotes, with the escapes that Go writes.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            c if (c as u32) < 0x20 || c as u32 == 0x7f => out.push_str(&format!("\\x{:02x}", c as u32)),
            c if c.is_control() || matches!(c as u32, 0x2028 | 0x2029 | 0xfeff) => {
                out.push_str(&format!("\\u{:04x}", c as u32));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_that_is_missing_is_empty() {
        let matcher = |operator, value| Matcher::new("job", operator, value).unwrap();
        assert!(matcher(MatchOperator::Equal, "").matches(""));
        assert!(matcher(MatchOperator::NotEqual, "x").matches(""));
        assert!(matcher(MatchOperator::Regex, ".*").matches(""));
        assert!(!matcher(MatchOperator::NotRegex, ".*").matches(""));
        assert!(!matcher(MatchOperator::Regex, ".+").matches(""));
    }

    #[test]
    fn matchers_are_written_as_they_are_read() {
        let shown = |name, value| Matcher::new(name, MatchOperator::NotEqual, value).unwrap().to_string();
        assert_eq!(shown("job", "a\"b\\\n\u{1}"), r#"job!="a\"b\\\n\x01""#);
        assert_eq!(shown("a.b", "ä"), r#""a.b"!="ä""#);
    }
}
