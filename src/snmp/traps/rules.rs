//! Which checks a trap is for. A trap may be for several.

use std::collections::HashMap;
use std::sync::Arc;

use custos_store::State;

use super::fields::Fields;
use crate::config::{Command, Config, TrapRule};

/// The rules of all checks, found by the names of traps.
#[derive(Debug, Default)]
pub(super) struct Rules {
    checks: Vec<(Arc<str>, Arc<TrapRule>)>,
    /// By the identifier that a rule names.
    by_trap: HashMap<Box<[u32]>, Vec<(usize, State)>>,
    by_reconnoiter: HashMap<[u16; 8], usize>,
}

/// A check that a trap is for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Match<'r> {
    pub(super) check: &'r Arc<str>,
    pub(super) rule: &'r TrapRule,
    /// The state that the rule gives the trap.
    pub(super) state: State,
}

impl Rules {
    /// The rules of a configuration.
    pub(super) fn of(config: &Config) -> Rules {
        let mut rules = Rules::default();
        for check in config.checks.values() {
            let Command::Trap(rule) = &check.command else { continue };
            let place = rules.checks.len();
            rules.checks.push((Arc::from(check.name.as_str()), Arc::clone(rule)));
            for (trap, state) in &rule.traps {
                rules.by_trap.entry(trap.oid.ids().into()).or_default().push((place, *state));
            }
            if let Some(id) = rule.reconnoiter {
                rules.by_reconnoiter.insert(id, place);
            }
        }
        rules
    }

    /// The checks that a trap is for, by its name, its source and its variables. Of several names of one rule, the longest
    /// decides.
    pub(super) fn matching(&self, fields: &Fields<'_>) -> Vec<Match<'_>> {
        let ids = fields.notification.trap.ids();
        let mut matched: Vec<usize> = Vec::new();
        let mut matches = Vec::new();
        for len in (1..=ids.len()).rev() {
            for (place, state) in self.by_trap.get(&ids[..len]).into_iter().flatten() {
                if matched.contains(place) {
                    continue;
                }
                matched.push(*place);
                matches.extend(self.at(*place, *state, fields));
            }
        }
        matches
    }

    /// The check that Reconnoiter knows by this identifier.
    pub(super) fn of_reconnoiter(&self, id: [u16; 8], fields: &Fields<'_>) -> Option<Match<'_>> {
        self.at(*self.by_reconnoiter.get(&id)?, State::Ok, fields)
    }

    fn at(&self, place: usize, state: State, fields: &Fields<'_>) -> Option<Match<'_>> {
        let (check, rule) = &self.checks[place];
        let from_there =
            rule.sources.is_empty() || rule.sources.iter().any(|network| network.contains(fields.source));
        let fits = from_there && rule.conditions.iter().all(|condition| fields.fulfils(condition));
        fits.then_some(Match { check, rule, state })
    }
}
