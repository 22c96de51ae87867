//! `CHECK:METRIC`: which check, and which of its series.
//!
//! The metric is a label, a glob over labels, or either with label matchers behind it: `disk:/`, `'disk:/*'`,
//! `'uplink:ifIn*{ifName="eth*"}'`.

use custos_store::{SeriesInfo, SeriesKey};
use globset::{GlobBuilder, GlobMatcher};

use crate::built_in::BuiltIn;
use crate::error::{Error, Offer, Result};
use crate::series::Series;

/// A check, and perhaps some of its series.
#[derive(Clone, Debug)]
pub struct Selector {
    check: String,
    metric: Option<Pattern>,
}

impl Selector {
    /// Reads `CHECK` or `CHECK:METRIC`. Both may contain colons: the longest of the known checks counts.
    ///
    /// # Errors
    /// [`Error::UnknownCheck`] if no known check is named.
    pub fn parse<S: AsRef<str>>(text: &str, checks: &[S]) -> Result<Selector> {
        let known = |name: &str| checks.iter().any(|known| known.as_ref() == name);
        if known(text) {
            return Ok(Selector { check: text.to_owned(), metric: None });
        }
        let colons = text.rmatch_indices(':').map(|(index, _)| index);
        for index in colons {
            if known(&text[..index]) {
                let metric =
                    Some(Pattern::new(&text[index + 1..])).filter(|pattern| !pattern.text.is_empty());
                return Ok(Selector { check: text[..index].to_owned(), metric });
            }
        }
        let check = text.split(':').next().unwrap_or(text);
        let offer = Offer::of(check, checks.iter().map(AsRef::as_ref));
        Err(Error::UnknownCheck { check: check.to_owned(), offer })
    }

    /// The check.
    pub fn check(&self) -> &str {
        &self.check
    }

    /// `true` if a metric was named.
    pub fn has_metric(&self) -> bool {
        self.metric.is_some()
    }

    /// Whether a series belongs to the selection. Without a metric all do.
    pub fn selects(&self, key: &SeriesKey) -> bool {
        self.metric.as_ref().is_none_or(|pattern| pattern.matches(key))
    }

    /// The built-in series that was named, if one was.
    pub fn built_in(&self) -> Option<BuiltIn> {
        BuiltIn::named(&self.metric.as_ref()?.text)
    }

    /// The series that belong to the selection, out of all those of the check. A check that has none is selected by its
    /// duration, which every check has.
    ///
    /// # Errors
    /// [`Error::UnknownMetric`] if a metric was named and there is none.
    pub fn series(&self, known: &[SeriesInfo]) -> Result<Vec<Series>> {
        if let Some(one) = self.built_in() {
            return Ok(vec![Series::BuiltIn(one)]);
        }
        let keys = known.iter().map(|info| &info.key);
        let selected: Vec<Series> =
            keys.clone().filter(|key| self.selects(key)).cloned().map(Series::Metric).collect();
        match (&self.metric, selected.is_empty()) {
            (_, false) => Ok(selected),
            (None, true) => Ok(vec![Series::BuiltIn(BuiltIn::Duration)]),
            (Some(pattern), true) => {
                let names: Vec<String> = keys.map(SeriesKey::to_string).collect();
                let offer = Offer::of(&pattern.text, names.iter().map(String::as_str));
                Err(Error::UnknownMetric { check: self.check.clone(), metric: pattern.text.clone(), offer })
            }
        }
    }
}

/// A label, or a glob over labels, perhaps with matchers of further labels.
#[derive(Clone, Debug)]
struct Pattern {
    text: String,
    matcher: Option<GlobMatcher>,
    labelled: Option<Labelled>,
}

/// `METRIC{NAME="VALUE",…}`, with globs on both sides.
#[derive(Clone, Debug)]
struct Labelled {
    /// None for any.
    metric: Option<GlobMatcher>,
    labels: Vec<(String, GlobMatcher)>,
}

impl Pattern {
    fn new(text: &str) -> Pattern {
        Pattern { text: text.to_owned(), matcher: glob(text), labelled: Labelled::parse(text) }
    }

    /// A label may look like a glob, so it is compared as it is, too.
    fn matches(&self, key: &SeriesKey) -> bool {
        if self.text == key.label || self.labelled.as_ref().is_some_and(|labelled| labelled.matches(key)) {
            return true;
        }
        let name = key.to_string();
        let glob = |matcher: &GlobMatcher| matcher.is_match(&key.label) || matcher.is_match(&name);
        self.text == name || self.matcher.as_ref().is_some_and(glob)
    }
}

impl Labelled {
    fn parse(text: &str) -> Option<Labelled> {
        let (metric, labels) = text.strip_suffix('}')?.split_once('{')?;
        let metric = if metric.is_empty() { None } else { Some(glob(metric)?) };
        let mut rest = labels;
        let mut labels = Vec::new();
        while !rest.is_empty() {
            let (name, value) = rest.split_once("=\"")?;
            let (value, after) = unquote(value)?;
            labels.push((name.trim().to_owned(), glob(&value)?));
            rest = match after.trim_start() {
                "" => "",
                more => more.strip_prefix(',')?.trim_start(),
            };
        }
        Some(Labelled { metric, labels })
    }

    fn matches(&self, key: &SeriesKey) -> bool {
        let has = |(name, value): &(String, GlobMatcher)| {
            key.labels.iter().any(|(known, text)| known == name && value.is_match(text))
        };
        self.metric.as_ref().is_none_or(|metric| metric.is_match(&key.label)) && self.labels.iter().all(has)
    }
}

/// The text up to the closing quote, escapes resolved as [`SeriesKey`] shows them, and what follows.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => match characters.next()?.1 {
                'n' => value.push('\n'),
                'r' => value.push('\r'),
                't' => value.push('\t'),
                '0' => value.push('\0'),
                'u' => {
                    let code = text[at + 2..].strip_prefix('{')?.split_once('}')?.0;
                    value.push(char::from_u32(u32::from_str_radix(code, 16).ok()?)?);
                    characters.nth(code.len() + 1)?;
                }
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
    None
}

fn glob(text: &str) -> Option<GlobMatcher> {
    GlobBuilder::new(text).literal_separator(false).build().ok().map(|glob| glob.compile_matcher())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 4] = ["load", "disk", "disk:root", "web:443"];

    fn selector(text: &str) -> Selector {
        Selector::parse(text, &NAMES).unwrap()
    }

    #[test]
    fn the_longest_check_that_exists_counts() {
        for (text, check, selected, refused) in [
            ("load", "load", &["load1", "x"][..], &[][..]),
            ("load:load1", "load", &["load1"], &["load15", "x"]),
            ("load:load*", "load", &["load1", "load15"], &["x"]),
            ("load:", "load", &["load1"], &[]),
            ("disk:/*", "disk", &["/", "/var/log"], &["swap"]),
            ("disk:root", "disk:root", &["/", "x"], &[]),
            ("disk:root:/", "disk:root", &["/"], &["/var"]),
            ("disk:roots", "disk", &["roots"], &["root"]),
            ("web:443:a::b", "web:443", &["a::b"], &["b"]),
            ("load:[ab", "load", &["[ab"], &["a"]),
            ("load:x[1]", "load", &["x[1]", "x1"], &["x2"]),
        ] {
            let selector = selector(text);
            assert_eq!(selector.check(), check, "{text}");
            assert!(selected.iter().all(|label| selector.selects(&SeriesKey::new(label))), "{text}");
            assert!(!refused.iter().any(|label| selector.selects(&SeriesKey::new(label))), "{text}");
        }
    }

    #[test]
    fn labels_select_rows_of_a_table() {
        let key = |interface: &str| SeriesKey {
            label: "ifInOctets".to_owned(),
            labels: vec![("ifName".to_owned(), interface.to_owned()), ("index".to_owned(), "3".to_owned())],
        };
        for (text, selected, refused) in [
            ("ifInOctets", &["eth0", "a\"b"][..], &[][..]),
            ("ifIn*{ifName=\"eth0\"}", &["eth0"], &["eth1"]),
            ("ifInOctets{ifName=\"eth*\", index=\"3\"}", &["eth0", "eth1"], &["lo"]),
            ("{ifName=\"lo\"}", &["lo"], &["eth0"]),
            ("{}", &["lo", "eth0"], &[]),
            ("ifInOctets{ifName=\"a\\\"b\"}", &["a\"b"], &["ab"]),
            ("ifInOctets{ifName=\"\\u{1b}[0m\\n\"}", &[], &["eth0"]),
            ("ifInOctets{index=\"4\"}", &[], &["eth0"]),
            ("ifOut*{ifName=\"eth0\"}", &[], &["eth0"]),
            ("if{In,Out}Octets", &["eth0"], &[]),
        ] {
            let selector = selector(&format!("disk:{text}"));
            assert!(selected.iter().all(|row| selector.selects(&key(row))), "{text}");
            assert!(!refused.iter().any(|row| selector.selects(&key(row))), "{text}");
        }
        // What is shown of a series selects it.
        for row in ["eth0", "a\"b", "x\u{1b}\n\\", "Ü{}"] {
            let (shown, other) = (key(row).to_string(), key("other"));
            let selector = selector(&format!("disk:{shown}"));
            assert!(selector.selects(&key(row)) && !selector.selects(&other), "{shown}");
        }
    }

    #[test]
    fn an_unknown_check_is_an_error_that_offers_others() {
        let message = |text| Selector::parse(text, &NAMES).unwrap_err().to_string();
        assert_eq!(message("dis:x"), "find the check \"dis\" in the store; did you mean disk or disk:root?");
        assert_eq!(
            message("zzz"),
            "find the check \"zzz\" in the store; there are: load, disk, disk:root, web:443"
        );
        let none = Selector::parse("x", &[""; 0]).unwrap_err().to_string();
        assert_eq!(none, "find the check \"x\" in the store");
    }

    #[test]
    fn what_is_selected_comes_out_of_what_there_is() {
        let info = |label| SeriesInfo {
            key: SeriesKey::new(label),
            unit: String::new(),
            samples: 1,
            first_ms: 0,
            last_ms: 0,
        };
        let known = ["load1", "load15"].map(info);
        let names = |text: &str, known: &[SeriesInfo]| -> Result<Vec<String>> {
            Ok(selector(text).series(known)?.iter().map(Series::to_string).collect())
        };
        assert_eq!(names("load", &known).unwrap(), ["load1", "load15"]);
        assert_eq!(names("load:*5", &known).unwrap(), ["load15"]);
        assert_eq!(names("load:check_state", &known).unwrap(), ["check_state"]);
        assert_eq!(names("load", &[]).unwrap(), ["check_duration_seconds"]);
        assert_eq!(
            names("load:users", &known).unwrap_err().to_string(),
            "find the metric \"users\" of the check \"load\"; there are: load1, load15"
        );
    }
}
