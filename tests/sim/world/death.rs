//! The agent or the machine dies, and another agent goes on by what is stored.

use std::collections::BTreeMap;
use std::sync::Arc;

use custos::agent::{Agent, History};
use custos::evaluate::is_judged;
use custos_store::State;
use custos_store::disk::Fate;

use super::World;
use crate::definitions::environment;
use crate::recorder::Survivors;
use crate::reference::count_changes;

/// Runs of a passive check that are read back after a restart.
const PASSIVE_HISTORY: usize = 400;

impl World {
    /// What is read back of a check from the store: back to the last run that was judged, and of a passive check
    /// further, as it is about many things.
    pub(super) fn history(&self, check: &str) -> Option<History> {
        let seen = self.store.get(check)?;
        let judged = seen.iter().rposition(|one| is_judged(one.run.reason)).unwrap_or(0);
        let passive = self.config.checks.get(check).is_some_and(|check| check.command.is_passive());
        let from = if passive { seen.len().saturating_sub(PASSIVE_HISTORY) } else { judged };
        let runs = seen[from..].iter().map(|one| one.run.clone()).collect();
        Some(History { check: check.to_owned(), runs })
    }

    /// The agent dies with all its jobs, and perhaps the machine; another agent goes on by what is stored.
    pub(super) fn die(&mut self, fate: Fate) {
        self.ends.clear();
        self.jobs.clear();
        self.running.clear();
        // Whoever asked sees the connection end.
        self.asked.clear();
        let dead_us = self.dice.below(300_000_000);
        self.advance(dead_us);
        let survivors = self.recorder.die(fate);
        self.keep(survivors);
        for (name, seen) in &self.store {
            // By a wall clock that was set, slots lie elsewhere; retries are forgotten.
            let retries = seen.last().is_some_and(|one| one.max_attempts > 1);
            if self.wall_moved || retries {
                *self.chains.entry(name.clone()).or_default() += 1;
            }
        }
        self.wall_moved = false;
        let histories = self.store.keys().filter_map(|name| self.history(name)).collect();
        self.agent = Agent::new(Arc::clone(&self.config), environment(), self.now);
        let mut effects = std::mem::take(&mut self.effects);
        self.agent.restore(histories, self.now, &mut effects);
        self.perform(effects);
    }

    /// Forgets the runs that were lost. Those that were safe must be there, unchanged and in order, and no others.
    fn keep(&mut self, mut survivors: Survivors) {
        for (name, seen) in &mut self.store {
            let count = |counts: &BTreeMap<String, usize>| counts.get(name).copied().unwrap_or(0);
            let (kept, safe) = (count(&survivors.before), count(&survivors.safe));
            let recorded = seen.len();
            let mut runs = survivors.runs.remove(name).unwrap_or_default().into_iter().peekable();
            let mut position = 0;
            let mut lost = false;
            seen.retain_mut(|one| {
                let there = position < kept || runs.next_if(|run| *run == one.run).is_some();
                assert!(there || position >= safe, "{name}: run {position} was safe and is lost");
                one.after_loss |= there && lost;
                if one.after_loss && lost {
                    *self.chains.entry(name.clone()).or_default() += 1;
                }
                if lost {
                    one.chain = self.chains.get(name).copied().unwrap_or(0);
                }
                lost = !there;
                position += 1;
                there
            });
            assert_eq!(runs.next(), None, "{name}: a run was invented, or is out of order");
            self.lost += (recorded - seen.len()) as u64;
        }
        assert_eq!(survivors.runs.len(), 0, "a check was invented");
        self.changes = self.store.iter().map(|(name, seen)| count_changes(name, seen)).sum();
        self.known.go_on_by(&self.store);
        self.hard.clear();
        for (name, seen) in &self.store {
            let mut hard = (State::Ok, 0);
            for one in seen.iter().filter(|one| is_judged(one.run.reason)) {
                if one.run.standing.hard_state != hard.0 {
                    hard = (one.run.standing.hard_state, one.recorded_us as u64);
                }
            }
            self.hard.insert(name.clone(), hard);
        }
    }
}
