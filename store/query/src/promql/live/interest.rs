//! Which runs are worth keeping in memory: those of checks that something was asked about.

use std::collections::HashMap;

use custos_promql::{METRIC_NAME, MatchOperator, Matcher, reaches_own_names};
use custos_store::Run;

use crate::apart::own_check;
use crate::built_in::BuiltIn;
use crate::promql::index::CHECK;

/// A question that may come again.
struct Question {
    matchers: Vec<Matcher>,
    /// How far back it looks (ms).
    keep_ms: i64,
}

/// All questions so far.
#[derive(Default)]
pub(super) struct Interest {
    questions: Vec<Question>,
    /// The index of each by its text.
    known: HashMap<String, usize>,
}

/// How far back runs are kept is rounded up to this (ms), and a bit more, so that the same question is known again.
const KEEP_STEP_MS: i64 = 60_000;

impl Interest {
    /// Takes note of a question; returns whether it is new that it looks so far back.
    pub(super) fn add(&mut self, matchers: &[Matcher], keep_ms: i64) -> bool {
        let text: String = matchers.iter().map(|matcher| format!("{matcher},")).collect();
        let index = *self.known.entry(text).or_insert(self.questions.len());
        match self.questions.get_mut(index) {
            Some(known) if known.keep_ms >= keep_ms => return false,
            Some(known) => known.keep_ms = keep_ms,
            None => self.questions.push(Question { matchers: matchers.to_vec(), keep_ms }),
        }
        true
    }

    pub(super) fn len(&self) -> usize {
        self.questions.len()
    }

    /// How long runs of a check are to be kept (ms), if one of its series may be asked about.
    pub(super) fn keep_ms(&self, check: &str) -> Option<i64> {
        let asked = self.questions.iter().filter(|question| may_be_of(&question.matchers, check));
        asked.map(|question| question.keep_ms).max()
    }

    /// The same of a check that has series of a name of their own.
    pub(super) fn keep_ms_of(&self, names: &[&str]) -> Option<i64> {
        let asked = self
            .questions
            .iter()
            .filter(|question| names.iter().any(|name| may_be_own_name(&question.matchers, name)));
        asked.map(|question| question.keep_ms).max()
    }
}

/// How far back runs are kept for a question that looks so far back (ms).
pub(super) fn keep_ms(looks_back_ms: i64) -> i64 {
    let steps = looks_back_ms.max(0) / KEEP_STEP_MS + 2;
    steps.saturating_mul(KEEP_STEP_MS)
}

/// The names that series of a run have of their own.
pub(super) fn own_names(run: &Run) -> Vec<&str> {
    let labels = run.metrics.iter().flat_map(|metric| &metric.labels);
    labels.filter(|(name, _)| name == METRIC_NAME).map(|(_, name)| name.as_str()).collect()
}

/// Whether a series that has that name of its own may fulfil conditions.
pub(super) fn may_be_own_name(matchers: &[Matcher], name: &str) -> bool {
    reaches_own_names(matchers) && may_be_named(matchers, name)
}

/// Whether a series of that name may fulfil conditions.
fn may_be_named(matchers: &[Matcher], name: &str) -> bool {
    of_label(matchers, METRIC_NAME).all(|matcher| matcher.matches(name))
}

fn of_label<'a>(matchers: &'a [Matcher], label: &'a str) -> impl Iterator<Item = &'a Matcher> {
    matchers.iter().filter(move |matcher| matcher.name() == label)
}

/// Whether a series that is named after a check, or a built-in one of it, may fulfil conditions.
pub(super) fn may_be_of(matchers: &[Matcher], check: &str) -> bool {
    let is_named = |label| exactly(matchers, label) == Some(check);
    if own_check(check).is_some() && !is_named(CHECK) && !is_named(METRIC_NAME) {
        return false;
    }
    // A metric without a name of its own has no label with the check.
    let is_of_check = of_label(matchers, CHECK).all(|matcher| matcher.matches(check) || matcher.matches(""));
    is_of_check
        && (may_be_named(matchers, check)
            || BuiltIn::ALL.iter().any(|one| may_be_named(matchers, one.name())))
}

/// The value that a label must have to fulfil conditions, if they say so.
pub(super) fn exactly<'a>(matchers: &'a [Matcher], label: &'a str) -> Option<&'a str> {
    let equal = of_label(matchers, label).find(|matcher| matcher.operator() == MatchOperator::Equal);
    equal.map(Matcher::value).filter(|value| !value.is_empty())
}
