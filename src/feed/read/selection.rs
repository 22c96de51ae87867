//! Which checks and metrics a feed delivers: `CHECK` or `CHECK:METRIC`, both globs.

use custos_store::{Metric, Run, SeriesKey, Snapshot};
use globset::{GlobBuilder, GlobMatcher};

use super::error::FeedError;
use super::piece::Budget;

/// Which checks and metrics; all by default.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    patterns: Vec<Pattern>,
}

#[derive(Clone, Debug)]
struct Pattern {
    check: Glob,
    /// None for all metrics.
    metric: Option<Glob>,
}

/// A glob, which names what is written like it, too.
#[derive(Clone, Debug)]
struct Glob {
    text: String,
    matcher: GlobMatcher,
}

impl Glob {
    fn parse(text: &str) -> Result<Glob, String> {
        let glob = GlobBuilder::new(text).literal_separator(false).backslash_escape(true).build();
        let matcher = glob.map_err(|error| error.kind().to_string())?.compile_matcher();
        Ok(Glob { text: text.to_owned(), matcher })
    }

    fn names(&self, name: &str) -> bool {
        self.text == name || self.matcher.is_match(name)
    }
}

/// What a lane is asked for.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// The store to read.
    pub(super) snapshot: &'a Snapshot,
    /// What of it is delivered.
    pub(super) selection: &'a Selection,
    /// How much at once.
    pub(super) budget: Budget,
}

impl Selection {
    /// Those that any of these patterns names; all if there are none. A pattern is a glob over names of checks, or that, a
    /// colon and a glob over metrics, as in `disk:/var*`. The first colon counts; one in a check's name is written `?`.
    ///
    /// # Errors
    /// [`FeedError::Selection`] if a pattern is not well formed.
    pub fn parse<S: AsRef<str>>(patterns: &[S]) -> Result<Selection, FeedError> {
        let parse = |pattern: &S| {
            let pattern = pattern.as_ref();
            let (check, metric) = match pattern.split_once(':') {
                Some((check, metric)) if !metric.is_empty() => (check, Some(metric)),
                Some((check, _)) => (check, None),
                None => (pattern, None),
            };
            let bad = |why| FeedError::Selection { pattern: pattern.to_owned(), why };
            let metric = metric.map(Glob::parse).transpose().map_err(bad)?;
            Ok(Pattern { check: Glob::parse(check).map_err(bad)?, metric })
        };
        Ok(Selection { patterns: patterns.iter().map(parse).collect::<Result<_, FeedError>>()? })
    }

    /// Whether runs of this check are delivered.
    pub fn has_check(&self, check: &str) -> bool {
        self.patterns.is_empty() || self.patterns.iter().any(|pattern| pattern.check.names(check))
    }

    /// Takes the other metrics out of a run of a check that is delivered.
    pub(in crate::feed) fn narrow(&self, check: &str, run: &mut Run) {
        let mut of_check = self.patterns.iter().filter(|pattern| pattern.check.names(check)).peekable();
        if of_check.peek().is_none() || of_check.clone().any(|pattern| pattern.metric.is_none()) {
            return;
        }
        let globs: Vec<&Glob> = of_check.filter_map(|pattern| pattern.metric.as_ref()).collect();
        run.metrics.retain(|metric| globs.iter().any(|glob| is_named(glob, metric)));
    }
}

/// A metric goes by its label, or by label and labels, as `ifInOctets{ifName="eth0"}`.
fn is_named(glob: &Glob, metric: &Metric) -> bool {
    if glob.names(&metric.label) {
        return true;
    }
    let key = || SeriesKey { label: metric.label.clone(), labels: metric.labels.clone() };
    !metric.labels.is_empty() && glob.names(&key().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn narrowed(patterns: &[&str], check: &str) -> Option<Vec<String>> {
        let selection = Selection::parse(patterns).unwrap();
        let mut labelled = Metric::new("in", None);
        labelled.labels = vec![("if".to_owned(), "eth0".to_owned())];
        let metrics = vec![Metric::new("/", None), Metric::new("/var", None), labelled];
        let mut run = Run { metrics, ..Run::default() };
        selection.has_check(check).then(|| {
            selection.narrow(check, &mut run);
            run.metrics.into_iter().map(|metric| metric.label).collect()
        })
    }

    #[test]
    fn checks_and_metrics_go_by_globs() {
        let all = ["/", "/var", "in"].map(str::to_owned).to_vec();
        assert_eq!(narrowed(&[], "disk"), Some(all.clone()));
        assert_eq!(narrowed(&["d*"], "disk"), Some(all.clone()));
        assert_eq!(narrowed(&["load", "net:*"], "disk"), None);
        assert_eq!(narrowed(&["disk:/"], "disk"), Some(vec!["/".to_owned()]));
        assert_eq!(narrowed(&["disk:/*"], "disk"), Some(all[..2].to_vec()));
        assert_eq!(narrowed(&["disk:*eth0*"], "disk"), Some(vec!["in".to_owned()]));
        assert_eq!(narrowed(&["disk:/", "*"], "disk"), Some(all));
        assert!(Selection::parse(&["a["]).unwrap_err().to_string().contains("a["));
    }
}
