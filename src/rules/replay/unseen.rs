//! What a rule does not see of the group that it is judged with: runs that are recorded once the group was judged.

use custos_promql::{
    Labels, METRIC_NAME, Matcher, NormalRange, Result, Samples, Selector, Shared, Source, SourceSeries,
    Summary,
};
use custos_query::BuiltIn;

use super::written::{any_selector, writes};
use crate::rules::definition::{RuleCheck, RuleGroup};
use crate::rules::outcome::{FIRING, PENDING, VALUE};

/// The labels of series that name a check and one of its metrics.
const CHECK: &str = "check";
const METRIC: &str = "metric";

/// A source as a rule sees it at a time: what its group comes to then is not recorded yet. Of the rules before it the metrics are
/// there all the same, but no series that is of every check, such as `check_state`.
pub struct Unseen<'a> {
    stored: &'a dyn Source,
    group: &'a RuleGroup,
    /// The rule by its number in its group.
    rule: usize,
    /// As of when it looks (ms since the epoch).
    at_ms: i64,
}

impl<'a> Unseen<'a> {
    /// What is stored as a rule of a group, by its number, sees it when it looks as of a time (ms since the epoch).
    pub fn new(stored: &'a dyn Source, group: &'a RuleGroup, rule: usize, at_ms: i64) -> Unseen<'a> {
        Unseen { stored, group, rule, at_ms }
    }

    /// Up to when series of a group are seen, if that is not up to the time that is asked for. Those of a group are of one check.
    fn seen_until_ms(&self, series: &[&SourceSeries], to_ms: i64) -> i64 {
        let is_unseen = |one: &&SourceSeries| is_recorded_later(self.group, self.rule, &one.labels);
        if to_ms >= self.at_ms && series.iter().any(is_unseen) { self.at_ms.saturating_sub(1) } else { to_ms }
    }
}

impl Source for Unseen<'_> {
    fn select(&self, matchers: &[Matcher], from_ms: i64, to_ms: i64) -> Result<Vec<SourceSeries>> {
        self.stored.select(matchers, from_ms, to_ms)
    }

    fn read(&self, series: &[&SourceSeries], from_ms: i64, to_ms: i64) -> Result<Vec<Samples>> {
        let until_ms = self.seen_until_ms(series, to_ms);
        if until_ms == to_ms {
            return self.stored.read(series, from_ms, to_ms);
        }
        // A run has series of both kinds, which may be in one group.
        let one = |one: &&SourceSeries| {
            let until_ms = self.seen_until_ms(&[one], to_ms);
            if until_ms < from_ms {
                return Ok(Samples::default());
            }
            Ok(self.stored.read(&[one], from_ms, until_ms)?.pop().unwrap_or_default())
        };
        series.iter().map(one).collect()
    }

    fn read_newest(&self, series: &[&SourceSeries], from_ms: i64, moments: &[i64]) -> Result<Vec<Samples>> {
        let to_ms = moments.last().copied().unwrap_or(from_ms);
        match self.seen_until_ms(series, to_ms) == to_ms {
            true => self.stored.read_newest(series, from_ms, moments),
            false => self.read(series, from_ms, to_ms),
        }
    }

    fn summarize(&self, series: &[&SourceSeries], bounds: &[i64]) -> Result<Option<Vec<Vec<Summary>>>> {
        let to_ms = bounds.last().copied().unwrap_or(i64::MIN);
        match self.seen_until_ms(series, to_ms) == to_ms {
            true => self.stored.summarize(series, bounds),
            false => Ok(None),
        }
    }

    fn times(&self, series: &[&SourceSeries], from_ms: i64, to_ms: i64) -> Result<Vec<Shared<i64>>> {
        self.stored.times(series, from_ms, to_ms)
    }

    fn normal(&self, series: &SourceSeries, moments: &[i64]) -> Result<Vec<Option<NormalRange>>> {
        self.stored.normal(series, moments)
    }

    fn unobserved(&self, series: &SourceSeries, from_ms: i64, to_ms: i64) -> Result<Vec<(i64, i64)>> {
        self.stored.unobserved(series, from_ms, to_ms)
    }
}

/// Whether a series has what a rule of a group and those behind it come to, or tells of the runs of any rule of it.
fn is_recorded_later(group: &RuleGroup, rule: usize, labels: &Labels) -> bool {
    let (name, check) = (labels.get(METRIC_NAME), labels.get(CHECK));
    let is_of_run = BuiltIn::named(name).is_some() && group.rules.iter().any(|of| *of.check == *check);
    let is_result = || name == check && [FIRING, PENDING, VALUE].contains(&labels.get(METRIC));
    is_of_run || group.rules[rule..].iter().any(|of| writes(of, labels) || *of.check == *check && is_result())
}

/// Whether a rule may select what the runs of a rule with this check say, beside the series that it writes.
pub(super) fn may_read_runs(reader: &RuleCheck, check: &str) -> bool {
    let expressions = reader.judge.expressions();
    expressions.into_iter().any(|expr| any_selector(expr, &|selector| is_of_runs(selector, check)))
}

/// Whether a selector may select a series of the runs of a rule with this check.
fn is_of_runs(selector: &Selector, check: &str) -> bool {
    let may_have = |name: &str, metric: &str, has_others: bool| {
        selector.matchers.iter().all(|matcher| match matcher.name() {
            METRIC_NAME => matcher.matches(name),
            CHECK => matcher.matches(check),
            METRIC => matcher.matches(metric),
            _ => has_others || matcher.matches(""),
        })
    };
    let of_every_check = BuiltIn::ALL.into_iter().any(|of| may_have(of.name(), "", false));
    let results = [(FIRING, false), (PENDING, false), (VALUE, true)];
    of_every_check || results.into_iter().any(|(metric, has_others)| may_have(check, metric, has_others))
}
