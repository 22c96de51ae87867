//! Which checks are in hard trouble, for those that depend on them, and where each stood before.

use std::collections::{BTreeMap, BTreeSet};

use custos_store::{Run, State};

use crate::config::Config;

/// Where checks stand.
#[derive(Clone, Debug, Default)]
pub(super) struct Troubles {
    checks: BTreeMap<String, Stood>,
}

/// Where a check stood after its last run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stood {
    pub(super) state: State,
    pub(super) hard: bool,
    /// The state before that.
    pub(super) previous: State,
    /// When it last recovered from a hard problem (ms since the epoch).
    recovered_ms: Option<i64>,
    /// When its last run was (ms since the epoch).
    run_ms: i64,
}

impl Stood {
    fn in_trouble(self) -> bool {
        self.hard && self.state != State::Ok
    }
}

impl Troubles {
    /// Takes in a run that is judged. Returns where the check stood before, if that is known, and where it stands.
    pub(super) fn take(&mut self, check: &str, run: &Run) -> (Option<Stood>, Stood) {
        let before = self.checks.get(check).copied();
        let (state, hard) = (run.state, run.standing.hard);
        let recovers = before.is_some_and(Stood::in_trouble) && state == State::Ok;
        let changes = before.is_some_and(|before| before.state != state);
        let stands = Stood {
            state,
            hard,
            previous: match before {
                Some(before) if changes => before.state,
                Some(before) => before.previous,
                None => State::Ok,
            },
            recovered_ms: if recovers {
                Some(run.time_ms)
            } else {
                before.and_then(|before| before.recovered_ms)
            },
            run_ms: run.time_ms,
        };
        self.checks.insert(check.to_owned(), stands);
        (before, stands)
    }

    /// Forgets checks that are not of a configuration.
    pub(super) fn keep(&mut self, known: impl Fn(&str) -> bool) {
        self.checks.retain(|check, _| known(check));
    }

    /// A check that this one depends on, itself or by others, that is in hard trouble, or has recovered from it after this one
    /// ran last, so that what this one says is of the trouble.
    pub(super) fn above(&self, config: &Config, check: &str) -> Option<String> {
        let run_ms = self.checks.get(check).map_or(i64::MIN, |stood| stood.run_ms);
        let mut seen = BTreeSet::new();
        let mut wanted: Vec<&str> = vec![check];
        while let Some(next) = wanted.pop() {
            let Some(definition) = config.checks.get(next) else { continue };
            for parent in definition.depends_on.iter().map(String::as_str) {
                let stood = self.checks.get(parent);
                let holds = stood.is_some_and(|stood| {
                    stood.in_trouble() || stood.recovered_ms.is_some_and(|recovered| recovered > run_ms)
                });
                if holds {
                    return Some(parent.to_owned());
                }
                if seen.insert(parent) {
                    wanted.push(parent);
                }
            }
        }
        None
    }
}
