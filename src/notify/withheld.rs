//! What a notifier hears before it may tell anything: of each check what came last.

use std::collections::BTreeMap;

use custos_query::is_judged;
use custos_store::Run;

use crate::rules::ActiveAlert;

/// What a notifier heard that tells nobody yet.
#[derive(Debug)]
pub(super) struct Withheld {
    /// Why it tells nobody.
    pub(super) why: String,
    /// The last run of each check before the start.
    before: BTreeMap<String, Run>,
    /// The last run since, with the alerts of a rule.
    since: BTreeMap<String, Heard>,
}

/// A run, with the alerts if it is of a rule.
type Heard = (Run, Option<Vec<ActiveAlert>>);

impl Withheld {
    /// Nothing was heard yet.
    pub(super) fn as_of(why: &str) -> Withheld {
        Withheld { why: why.to_owned(), before: BTreeMap::new(), since: BTreeMap::new() }
    }

    /// Keeps the last run that a check had before the start.
    pub(super) fn stood(&mut self, check: &str, run: &Run) {
        if is_judged(run.reason) {
            self.before.insert(check.to_owned(), run.clone());
        }
    }

    /// The same as the store has it by now. What a check that ran here changed is a change since it was there before.
    pub(super) fn stored(&mut self, check: &str, run: &Run) {
        if !self.since.contains_key(check) {
            self.stood(check, run);
        }
    }

    /// Keeps a run.
    pub(super) fn ran(&mut self, check: &str, run: &Run, alerts: Option<&[ActiveAlert]>) {
        if is_judged(run.reason) {
            self.since.insert(check.to_owned(), (run.clone(), alerts.map(<[ActiveAlert]>::to_vec)));
        }
    }

    /// Forgets checks that are not known.
    pub(super) fn keep(&mut self, known: impl Fn(&str) -> bool) {
        self.before.retain(|check, _| known(check));
        self.since.retain(|check, _| known(check));
    }

    /// The runs before the start, and those since.
    pub(super) fn heard(self) -> (BTreeMap<String, Run>, BTreeMap<String, Heard>) {
        (self.before, self.since)
    }
}
