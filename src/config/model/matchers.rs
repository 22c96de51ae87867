//! Conditions on the labels of alerts, by which targets, inhibitions, silences and acknowledgements choose them.

use std::collections::BTreeMap;
use std::fmt;

use custos_promql::{MatchOperator, Matcher};

use crate::limits::{NOTIFY_MATCHER_MAX_BYTES, NOTIFY_MATCHERS_MAX};

/// Conditions that must all hold. Without any, all alerts fit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matchers {
    all: Vec<Condition>,
}

/// A condition on an alert.
#[derive(Clone, Debug, PartialEq)]
enum Condition {
    /// It is of the check of this name. An alert of a rule may have another name in its label `check`.
    Check(String),
    /// A label of it has such a value.
    Label(Matcher),
}

impl Matchers {
    /// Conditions, each as it is written: `check=disk`, `severity!="warning"`, `path=~"/var.*"`, `instance!~web.*`. The value
    /// may stand in double quotes, in which `\` makes the next character itself. The name of a check in double quotes stands for
    /// the alerts of that check.
    ///
    /// # Errors
    /// What is wrong with one of them.
    pub fn parse<'t>(written: impl IntoIterator<Item = &'t str>) -> Result<Matchers, String> {
        let all = written.into_iter().map(condition).collect::<Result<Vec<Condition>, String>>()?;
        if all.len() > NOTIFY_MATCHERS_MAX {
            return Err(format!("more than {NOTIFY_MATCHERS_MAX} conditions"));
        }
        Ok(Matchers { all })
    }

    /// The alerts of one check.
    pub fn of_check(check: &str) -> Matchers {
        Matchers { all: vec![Condition::Check(check.to_owned())] }
    }

    /// Whether an alert of this check with these labels fulfils all of them. A label that is not there is the same as an empty one.
    pub fn matches(&self, check: &str, labels: &BTreeMap<String, String>) -> bool {
        let value = |name: &str| labels.get(name).map_or("", String::as_str);
        self.all.iter().all(|condition| match condition {
            Condition::Check(name) => name == check,
            Condition::Label(matcher) => matcher.matches(value(matcher.name())),
        })
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Each as it is written.
    pub fn written(&self) -> Vec<String> {
        self.all.iter().map(Condition::to_string).collect()
    }
}

impl fmt::Display for Matchers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written().join(", "))
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Condition::Check(name) => f.write_str(&quoted(name)),
            Condition::Label(matcher) => {
                write!(f, "{}{}{}", matcher.name(), matcher.operator().text(), quoted(matcher.value()))
            }
        }
    }
}

fn condition(written: &str) -> Result<Condition, String> {
    if let Some(check) = unquoted(written).filter(|_| written.starts_with('"')) {
        return Ok(Condition::Check(check));
    }
    matcher(written).map(Condition::Label)
}

fn matcher(written: &str) -> Result<Matcher, String> {
    let expected = || {
        format!(
            "found `{written}`, expected a condition on a label such as `check=disk` or `path=~\"/var.*\"`"
        )
    };
    if written.len() > NOTIFY_MATCHER_MAX_BYTES {
        return Err(format!("a condition has more than {NOTIFY_MATCHER_MAX_BYTES} bytes"));
    }
    let end = written.find(['=', '!']).ok_or_else(expected)?;
    let (name, rest) = written.split_at(end);
    let (operator, value) = [
        ("=~", MatchOperator::Regex),
        ("!~", MatchOperator::NotRegex),
        ("!=", MatchOperator::NotEqual),
        ("=", MatchOperator::Equal),
    ]
    .into_iter()
    .find_map(|(text, operator)| Some((operator, rest.strip_prefix(text)?)))
    .ok_or_else(expected)?;
    let name = name.trim();
    if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '"') {
        return Err(expected());
    }
    if !value.trim().starts_with('"') && holds_another(value) {
        return Err(format!(
            "found several conditions in `{written}`, expected each by itself, as in a list; a value that has blanks and `=` stands in quotes"
        ));
    }
    let value = unquoted(value.trim()).ok_or_else(expected)?;
    Matcher::new(name, operator, &value)
}

/// A value in quotes, as it is read again.
fn quoted(value: &str) -> String {
    let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{escaped}\"")
}

/// Whether further conditions stand in a value that is not in quotes: after a blank a name, `=` or `!`.
fn holds_another(value: &str) -> bool {
    let mut words = value.split_whitespace().skip(1);
    words.any(|word| {
        let name = word.split(['=', '!']).next().unwrap_or_default();
        let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        !name.is_empty() && is_name && word[name.len()..].trim_start_matches('!').starts_with(['=', '~'])
    })
}

/// A value without the quotes that it may have.
fn unquoted(value: &str) -> Option<String> {
    let Some(rest) = value.strip_prefix('"') else { return Some(value.to_owned()) };
    let mut text = String::new();
    let mut characters = rest.chars();
    loop {
        match characters.next()? {
            '"' => return characters.next().is_none().then_some(text),
            '\\' => match characters.next()? {
                'n' => text.push('\n'),
                't' => text.push('\t'),
                'r' => text.push('\r'),
                other => text.push(other),
            },
            other => text.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn conditions_are_read_and_hold_or_not() {
        let disk = labels(&[("check", "disk"), ("path", "/var"), ("odd", "a\"b")]);
        for (written, holds) in [
            (vec!["check=disk"], true),
            (vec!["check = \"disk\""], true),
            (vec!["check!=disk"], false),
            (vec!["path=~/v.*", "check!~d"], true),
            (vec!["path=~/v"], false),
            (vec!["none="], true),
            (vec!["none!=\"\""], false),
            (vec!["odd=\"a\\\"b\""], true),
            (vec![], true),
        ] {
            let matchers = Matchers::parse(written.iter().copied()).unwrap();
            assert_eq!(matchers.matches("rule", &disk), holds, "{written:?}");
            let again = matchers.written();
            assert_eq!(Matchers::parse(again.iter().map(String::as_str)), Ok(matchers), "{again:?}");
        }
        for value in ["a\u{1b}b", "\\x1b", "a\tb\r\u{7f}", "a b=c"] {
            let labels = labels(&[("odd", value)]);
            let matchers = Matchers::parse([&*format!("odd={}", quoted(value))]).unwrap();
            assert!(matchers.matches("rule", &labels), "{value:?}");
            let again = matchers.written();
            assert_eq!(Matchers::parse(again.iter().map(String::as_str)), Ok(matchers), "{again:?}");
        }
        for name in ["disk", "di\"s\\k", "a=b", "{\n"] {
            let of_check = Matchers::of_check(name);
            assert!(of_check.matches(name, &disk) && !of_check.matches("rule", &disk));
            let again = of_check.written();
            assert_eq!(Matchers::parse(again.iter().map(String::as_str)), Ok(of_check), "{again:?}");
        }
    }

    #[test]
    fn what_is_no_condition_is_refused() {
        for wrong in [
            "check=c severity=critical",
            "a=b c!=d",
            "a=~b c!~d",
            "check",
            "=x",
            "a b=c",
            "a=~(",
            "a=\"b",
            "a=\"b\"c",
            "a!b",
            &format!("a={}", "x".repeat(9999)),
        ] {
            assert!(Matchers::parse([wrong]).is_err(), "{wrong}");
        }
        assert!(Matchers::parse(vec!["a=b"; NOTIFY_MATCHERS_MAX + 1]).is_err());
    }
}
