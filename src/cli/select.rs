//! `CHECK:METRIC` on the command line: which check, and which of its series.

use custos_store::{Reader, Reason, Run, SeriesInfo, SeriesKey};
use globset::{GlobBuilder, GlobMatcher};

use super::read::Failure;

/// Names that an error offers at most.
const OFFERED_MAX: usize = 10;

/// A check, and perhaps some of its series.
#[derive(Clone, Debug)]
pub(super) struct Selection {
    pub(super) check: String,
    metric: Option<Pattern>,
}

/// A value that every run has, whatever its plugin printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Own {
    /// How long the run took.
    Duration,
    /// How long after its slot it started.
    Lateness,
    /// The verdict by number, 0 to 3.
    State,
    /// Processor time of the plugin.
    Cpu,
    /// Its peak memory.
    MaxRss,
}

impl Own {
    const ALL: [Own; 5] = [Own::Duration, Own::Lateness, Own::State, Own::Cpu, Own::MaxRss];

    /// The value of a run with its unit; none where nothing was executed, or it is not known.
    pub(super) fn value(self, run: &Run) -> Option<(f64, &'static str)> {
        let seconds = |us: u64| (us as f64 / 1e6, "s");
        if matches!(run.reason, Reason::Missed | Reason::Skipped) {
            return None;
        }
        match self {
            Own::Duration => Some(seconds(run.duration_us)),
            Own::Lateness => run.lateness_us.map(seconds),
            Own::State => Some((f64::from(run.state.code()), "")),
            Own::Cpu => run.cpu_us.map(seconds),
            Own::MaxRss => run.max_rss_bytes.map(|bytes| (bytes as f64, "B")),
        }
    }

    /// The name as a metric.
    pub(super) fn name(self) -> &'static str {
        match self {
            Own::Duration => "check_duration_seconds",
            Own::Lateness => "check_lateness_seconds",
            Own::State => "check_state",
            Own::Cpu => "check_cpu_seconds",
            Own::MaxRss => "check_max_rss_bytes",
        }
    }
}

/// A label, or a glob over labels.
#[derive(Clone, Debug)]
struct Pattern {
    text: String,
    matcher: Option<GlobMatcher>,
}

impl Selection {
    /// Reads `CHECK` or `CHECK:METRIC`. Both may contain colons: the longest check that is in the store counts.
    pub(super) fn parse(text: &str, reader: &Reader) -> Result<Selection, Failure> {
        let names: Vec<String> = reader.checks().into_iter().map(|check| check.name).collect();
        Selection::among(text, &names)
    }

    fn among(text: &str, names: &[String]) -> Result<Selection, Failure> {
        let known = |name: &str| names.iter().any(|known| known == name);
        if known(text) {
            return Ok(Selection { check: text.to_owned(), metric: None });
        }
        let colons = text.rmatch_indices(':').map(|(index, _)| index);
        for index in colons {
            if known(&text[..index]) {
                let metric =
                    Some(Pattern::new(&text[index + 1..])).filter(|pattern| !pattern.text.is_empty());
                return Ok(Selection { check: text[..index].to_owned(), metric });
            }
        }
        let check = text.split(':').next().unwrap_or(text);
        let like: Vec<&String> = names.iter().filter(|name| similar(name, check)).collect();
        let offered = match like.as_slice() {
            [] => offer("there are", &names.iter().collect::<Vec<_>>()),
            like => offer("was one of these meant", like),
        };
        Err(Failure::usage(format!("no run of a check '{check}' is stored{offered}")))
    }

    /// Whether a series belongs to the selection. Without a metric all do.
    pub(super) fn selects(&self, key: &SeriesKey) -> bool {
        self.metric.as_ref().is_none_or(|pattern| pattern.matches(key))
    }

    /// `true` if a metric was named.
    pub(super) fn has_metric(&self) -> bool {
        self.metric.is_some()
    }

    /// The value of the agent's own that was named, if one was.
    pub(super) fn own(&self) -> Option<Own> {
        let text = &self.metric.as_ref()?.text;
        Own::ALL.into_iter().find(|own| own.name() == text)
    }

    /// The series of the check that belong to the selection.
    ///
    /// # Errors
    /// If a metric was named and there is none.
    pub(super) fn series(&self, reader: &Reader) -> Result<Vec<SeriesInfo>, Failure> {
        let mut series = reader.series(&self.check)?;
        let labels: Vec<String> = series.iter().map(|info| info.key.to_string()).collect();
        series.retain(|info| self.selects(&info.key));
        match &self.metric {
            Some(pattern) if series.is_empty() => {
                let offered = offer("it has", &labels.iter().collect::<Vec<_>>());
                Err(Failure::usage(format!(
                    "check '{}' has no metric '{}'{offered}",
                    self.check, pattern.text
                )))
            }
            _ => Ok(series),
        }
    }
}

impl Pattern {
    fn new(text: &str) -> Pattern {
        let glob = GlobBuilder::new(text).literal_separator(false).build();
        Pattern { text: text.to_owned(), matcher: glob.ok().map(|glob| glob.compile_matcher()) }
    }

    /// A label may look like a glob, so it is compared as it is, too.
    fn matches(&self, key: &SeriesKey) -> bool {
        let name = key.to_string();
        self.text == key.label
            || self.text == name
            || self
                .matcher
                .as_ref()
                .is_some_and(|matcher| matcher.is_match(&key.label) || matcher.is_match(&name))
    }
}

fn similar(name: &str, typed: &str) -> bool {
    let (name, typed) = (name.to_lowercase(), typed.to_lowercase());
    // A name of a letter or two is in many words.
    !typed.is_empty() && (name.contains(&typed) || name.len() > 2 && typed.contains(&name))
}

fn offer(words: &str, names: &[&String]) -> String {
    if names.is_empty() {
        return String::new();
    }
    let shown: Vec<&str> = names.iter().take(OFFERED_MAX).map(|name| name.as_str()).collect();
    let more = names.len() - shown.len();
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("; {words}: {}{rest}", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Vec<String> {
        ["load", "disk", "disk:root", "web:443"].map(str::to_owned).to_vec()
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
            let selection = Selection::among(text, &names()).unwrap();
            assert_eq!(selection.check, check, "{text}");
            assert!(selected.iter().all(|label| selection.selects(&SeriesKey::new(label))), "{text}");
            assert!(!refused.iter().any(|label| selection.selects(&SeriesKey::new(label))), "{text}");
        }
    }

    #[test]
    fn an_unknown_check_is_an_error_that_offers_others() {
        let message = |text| Selection::among(text, &names()).unwrap_err().message;
        assert_eq!(
            message("dis:x"),
            "no run of a check 'dis' is stored; was one of these meant: disk, disk:root"
        );
        assert_eq!(
            message("zzz"),
            "no run of a check 'zzz' is stored; there are: load, disk, disk:root, web:443"
        );
        let none = Selection::among("x", &[]).unwrap_err().message;
        assert_eq!(none, "no run of a check 'x' is stored");
    }
}
