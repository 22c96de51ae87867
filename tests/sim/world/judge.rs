//! What must hold at the end of all days.

use std::collections::BTreeMap;

use custos::config::Check;
use custos_store::Reason;

use super::World;
use crate::reference::{Seen, check_states, count_changes};
use crate::slots::Follower;

impl World {
    /// After an hour in which nothing went wrong, every check without a period has run, or been skipped, of late.
    fn check_liveness(&self) {
        let always = |check: &Check| check.check_period.is_none() && !check.command.is_passive();
        for (name, check) in self.config.checks.iter().filter(|(_, check)| always(check)) {
            let last_us = self.store[name].last().map_or(0, |one| one.recorded_us);
            let bound_us = (2 * check.check_interval + 2 * check.timeout).as_micros() as i64;
            let ago_us = self.now.mono_us as i64 - last_us;
            assert!(ago_us <= bound_us, "{name}: nothing was recorded for {ago_us} µs");
        }
    }

    /// What the store has is what was recorded, in the same order.
    fn compare_with_store(&self) {
        let mut left: BTreeMap<&str, &[Seen]> =
            self.store.iter().map(|(name, seen)| (name.as_str(), seen.as_slice())).collect();
        self.recorder.each(|name, run| {
            let seen = left.get_mut(name).unwrap_or_else(|| panic!("{name} is in the store only"));
            let (next, rest) =
                seen.split_first().unwrap_or_else(|| panic!("{name}: the store has more runs"));
            assert_eq!(run, next.run, "{name}: the store has another run");
            *seen = rest;
        });
        let missing = left.iter().find(|(_, seen)| !seen.is_empty());
        assert!(missing.is_none(), "{missing:?} are not in the store");
    }

    /// What must hold at the end of all days.
    pub fn judge(&mut self) -> String {
        // Long enough after the last incident that the disk has room again.
        assert!(self.recorder.catch_up(self.now.mono_us));
        self.compare_with_store();
        let (mut changes, mut followed) = (0, 0);
        for (name, seen) in &self.store {
            check_states(name, seen);
            changes += count_changes(name, seen);
            for chain in seen.chunk_by(|one, next| one.chain == next.chain) {
                let mut follower = Follower::new(name, &self.shifts);
                follower.follow(chain);
                followed += follower.slots;
            }
        }
        self.check_liveness();
        assert_eq!(self.changes, changes, "every change of state is told once, and no other");
        assert_eq!(self.asked.len(), 0, "every request is answered");
        let passive =
            |name: &str| self.config.checks.get(name).is_some_and(|check| check.command.is_passive());
        let scheduled = || self.store.iter().filter(|(name, _)| !passive(name)).flat_map(|(_, seen)| seen);
        let count = |reason: Reason| {
            let entries = scheduled().filter(|one| one.run.reason == reason);
            entries.map(|one| one.slots).sum::<u64>()
        };
        let all: u64 = scheduled().map(|one| one.slots).sum();
        assert!(followed * 10 >= all * 8, "{followed} of {all} slots were followed");
        format!(
            "{} executions, {} at once at most, {} slots missed, {} skipped, {} requests answered, {} changes of state, \
             {followed} of {all} slots followed, {} runs lost, {} times no room for one, incidents {:?}",
            self.executions,
            self.peak,
            count(Reason::Missed),
            count(Reason::Skipped),
            self.answered,
            self.changes,
            self.lost,
            self.recorder.refusals,
            self.incidents
        )
    }
}
