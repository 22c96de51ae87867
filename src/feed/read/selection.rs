//! Which checks and metrics a feed delivers: `CHECK` or `CHECK:METRIC`, both globs.

use custos_query::own_check;
use custos_store::{Metric, Run, SeriesKey, Snapshot};

use super::error::FeedError;
use super::piece::Budget;
use crate::config::NameGlob;

/// Which checks and metrics; all by default.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    patterns: Vec<Pattern>,
    /// Whether runs that a check had only because somebody watched it need a glob of their own.
    own_runs: bool,
}

/// Checks, and which of their metrics.
#[derive(Clone, Debug)]
struct Pattern {
    /// Empty for all checks.
    checks: Vec<NameGlob>,
    /// Empty for all metrics.
    metrics: Vec<NameGlob>,
}

impl Pattern {
    fn has_check(&self, check: &str) -> bool {
        NameGlob::any_fits(&self.checks, check)
    }

    /// Whether one of its globs is for such names as `load@watched`, and for this one.
    fn names_apart(&self, check: &str) -> bool {
        self.checks.iter().any(|glob| own_check(glob.written()).is_some() && glob.fits(check))
    }
}

fn glob(text: &str) -> Result<NameGlob, FeedError> {
    NameGlob::parse(text).map_err(|why| FeedError::Selection { pattern: text.to_owned(), why })
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
            let checks = vec![NameGlob::parse(check).map_err(bad)?];
            let metrics = metric.map(NameGlob::parse).transpose().map_err(bad)?;
            Ok(Pattern { checks, metrics: metrics.into_iter().collect() })
        };
        let patterns = patterns.iter().map(parse).collect::<Result<_, FeedError>>()?;
        Ok(Selection { patterns, own_runs: false })
    }

    /// The metrics that any of the one globs names, of the checks that any of the others does; all where there are none.
    ///
    /// # Errors
    /// [`FeedError::Selection`] if a glob is not well formed.
    pub fn of(checks: &[String], metrics: &[String]) -> Result<Selection, FeedError> {
        let globs = |all: &[String]| all.iter().map(|text| glob(text)).collect::<Result<_, _>>();
        let patterns = vec![Pattern { checks: globs(checks)?, metrics: globs(metrics)? }];
        Ok(Selection { patterns, own_runs: false })
    }

    /// Leaves out what is of a check but none of its own runs, unless a glob for checks says so, as `*@watched` and `*@average` do.
    pub fn of_own_runs(self) -> Selection {
        Selection { own_runs: true, ..self }
    }

    /// Whether runs of this check are delivered.
    pub fn has_check(&self, check: &str) -> bool {
        if self.own_runs && own_check(check).is_some() {
            return self.patterns.iter().any(|pattern| pattern.names_apart(check));
        }
        self.patterns.is_empty() || self.patterns.iter().any(|pattern| pattern.has_check(check))
    }

    /// Takes the other metrics out of a run of a check that is delivered.
    pub(in crate::feed) fn narrow(&self, check: &str, run: &mut Run) {
        let mut of_check = self.patterns.iter().filter(|pattern| pattern.has_check(check)).peekable();
        if of_check.peek().is_none() || of_check.clone().any(|pattern| pattern.metrics.is_empty()) {
            return;
        }
        let globs: Vec<&NameGlob> = of_check.flat_map(|pattern| &pattern.metrics).collect();
        run.metrics.retain(|metric| globs.iter().any(|glob| is_named(glob, metric)));
    }
}

/// A metric goes by its label, or by label and labels, as `ifInOctets{ifName="eth0"}`.
fn is_named(glob: &NameGlob, metric: &Metric) -> bool {
    if glob.fits(&metric.label) {
        return true;
    }
    let key = || SeriesKey { label: metric.label.clone(), labels: metric.labels.clone() };
    !metric.labels.is_empty() && glob.fits(&key().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_run_for_a_watcher_may_need_a_glob_of_its_own() {
        let has = |checks: &[&str], name: &str| {
            let checks: Vec<String> = checks.iter().map(|glob| (*glob).to_owned()).collect();
            let all = Selection::of(&checks, &[]).unwrap();
            (all.has_check(name), all.of_own_runs().has_check(name))
        };
        assert_eq!(has(&[], "load@watched"), (true, false));
        assert_eq!(has(&["*"], "load@watched"), (true, false));
        assert_eq!(has(&["*", "l*@watched"], "load@watched"), (true, true));
        assert_eq!(has(&["l*@watched"], "disk@watched"), (false, false));
        assert_eq!(has(&[], "load"), (true, true));
    }

    fn narrowed(patterns: &[&str], check: &str) -> Option<Vec<String>> {
        narrowed_by(&Selection::parse(patterns).unwrap(), check)
    }

    fn narrowed_by(selection: &Selection, check: &str) -> Option<Vec<String>> {
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

    #[test]
    fn lists_of_globs_name_checks_with_colons_too() {
        let texts = |all: &[&str]| all.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let narrowed = |checks: &[&str], metrics: &[&str], check| {
            narrowed_by(&Selection::of(&texts(checks), &texts(metrics)).unwrap(), check)
        };
        let all = texts(&["/", "/var", "in"]);
        assert_eq!(narrowed(&[], &[], "a"), Some(all.clone()));
        assert_eq!(narrowed(&["a:*", "b"], &[], "a:b"), Some(all));
        assert_eq!(narrowed(&["a:*", "b"], &[], "a-b"), None);
        assert_eq!(narrowed(&[], &["/v*", "*eth0*"], "a"), Some(texts(&["/var", "in"])));
        assert_eq!(narrowed(&["b"], &["/"], "b"), Some(texts(&["/"])));
        assert!(Selection::of(&[], &texts(&["a["])).unwrap_err().to_string().contains("a["));
    }
}
