//! The checks of the agent, each under an id that no other check ever gets.
//!
//! Invariants: a check has a timer if and only if it has a next slot. A removed check is kept while a job
//! of it runs or a request for it waits; then its cell is free for another. Checks without a definition, which requests name,
//! are bounded: beyond [`ON_DEMAND_CHECKS_MAX`] the idle ones that ran longest ago are forgotten, and counted.

use std::collections::{BTreeSet, HashMap};
use std::ops::{Index, IndexMut};
use std::sync::Arc;

use super::check_state::CheckState;
use crate::config::{AGENT_CHECK, UNMATCHED_CHECK};
use crate::limits::ON_DEMAND_CHECKS_MAX;

/// Names one check for as long as it is kept, and nothing afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct CheckId {
    cell: u32,
    generation: u32,
}

#[cfg(test)]
impl CheckId {
    /// The id of the first check in a cell.
    pub(super) fn of_cell(cell: u32) -> CheckId {
        CheckId { cell, generation: 0 }
    }

    pub(super) fn cell(self) -> u32 {
        self.cell
    }
}

/// All checks.
#[derive(Debug)]
pub(super) struct Checks {
    cells: Vec<Cell>,
    /// Cells without a check.
    free: Vec<u32>,
    by_name: HashMap<Arc<str>, CheckId>,
    /// The next slot of every scheduled check, on the monotonic clock.
    timers: BTreeSet<(u64, CheckId)>,
    /// Checks without a definition.
    on_demand: usize,
    on_demand_max: usize,
    forgotten: u64,
}

#[derive(Debug, Default)]
struct Cell {
    /// How many checks had this cell before.
    generation: u32,
    check: Option<CheckState>,
}

impl Default for Checks {
    fn default() -> Checks {
        Checks::with_room_for(ON_DEMAND_CHECKS_MAX)
    }
}

impl Checks {
    fn with_room_for(on_demand_max: usize) -> Checks {
        Checks {
            cells: Vec::new(),
            free: Vec::new(),
            by_name: HashMap::new(),
            timers: BTreeSet::new(),
            on_demand: 0,
            on_demand_max,
            forgotten: 0,
        }
    }

    /// Adds a check, whose name no other has.
    pub(super) fn add(&mut self, check: CheckState) -> CheckId {
        if !check.is_defined() && self.on_demand >= self.on_demand_max {
            self.forget_some();
        }
        let cell = self.free.pop().unwrap_or_else(|| {
            self.cells.push(Cell::default());
            u32::try_from(self.cells.len() - 1).expect("memory ends before there are so many checks")
        });
        let id = CheckId { cell, generation: self.cells[cell as usize].generation };
        self.by_name.insert(Arc::clone(&check.name), id);
        if let Some(due_us) = check.due_us {
            self.timers.insert((due_us, id));
        }
        self.on_demand += usize::from(!check.is_defined());
        self.cells[cell as usize].check = Some(check);
        id
    }

    /// Removes a check: nothing starts for it any more, and it is freed once no job of it runs.
    pub(super) fn end(&mut self, id: CheckId) {
        self.change(id, CheckState::end);
        self.forget_if_over(id);
    }

    /// Frees a removed check if no job of it runs and no request for it waits.
    pub(super) fn forget_if_over(&mut self, id: CheckId) {
        if self.get(id).is_some_and(|check| check.ended && !check.is_busy()) {
            self.forget(id);
        }
    }

    fn forget(&mut self, id: CheckId) {
        let Some(cell) = self.cells.get_mut(id.cell as usize).filter(|cell| cell.generation == id.generation)
        else {
            return;
        };
        let Some(check) = cell.check.take() else { return };
        cell.generation = cell.generation.wrapping_add(1);
        self.free.push(id.cell);
        self.by_name.remove(&check.name);
        self.on_demand -= usize::from(!check.is_defined());
        if let Some(due_us) = check.due_us {
            self.timers.remove(&(due_us, id));
        }
    }

    /// Makes room for further checks without a definition: forgets a quarter of those that are idle, the ones that ran
    /// longest ago.
    fn forget_some(&mut self) {
        let own = |check: &CheckState| [AGENT_CHECK, UNMATCHED_CHECK].contains(&&*check.name);
        let idle = self.iter().filter(|(_, check)| !check.is_defined() && !check.is_busy() && !own(check));
        let mut idle: Vec<(Option<i64>, CheckId)> =
            idle.map(|(id, check)| (check.last.as_ref().map(|run| run.time_ms), id)).collect();
        idle.sort_unstable();
        idle.truncate(idle.len().div_ceil(4));
        self.forgotten += idle.len() as u64;
        for (_, id) in idle {
            self.forget(id);
        }
    }

    /// How many were forgotten although the configuration did not remove them.
    pub(super) fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// How many are kept.
    pub(super) fn len(&self) -> usize {
        self.cells.len() - self.free.len()
    }

    /// The check of a name.
    pub(super) fn id(&self, name: &str) -> Option<CheckId> {
        self.by_name.get(name).copied()
    }

    pub(super) fn get(&self, id: CheckId) -> Option<&CheckState> {
        self.cells.get(id.cell as usize).filter(|cell| cell.generation == id.generation)?.check.as_ref()
    }

    /// Every check with its id.
    pub(super) fn iter(&self) -> impl Iterator<Item = (CheckId, &CheckState)> {
        self.cells.iter().enumerate().filter_map(|(cell, Cell { generation, check })| {
            Some((CheckId { cell: cell as u32, generation: *generation }, check.as_ref()?))
        })
    }

    /// Every check.
    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut CheckState> {
        self.cells.iter_mut().filter_map(|cell| cell.check.as_mut())
    }

    /// Changes a check in a way that may move its next slot.
    pub(super) fn change<T>(&mut self, id: CheckId, change: impl FnOnce(&mut CheckState) -> T) -> T {
        let check = &mut self[id];
        let (was_due_us, was_defined) = (check.due_us, check.is_defined());
        let changed = change(check);
        let (due_us, is_defined) = (check.due_us, check.is_defined());
        if due_us != was_due_us {
            if let Some(due_us) = was_due_us {
                self.timers.remove(&(due_us, id));
            }
            if let Some(due_us) = due_us {
                self.timers.insert((due_us, id));
            }
        }
        self.on_demand = self.on_demand + usize::from(was_defined) - usize::from(is_defined);
        changed
    }

    /// When the next slot is, on the monotonic clock.
    pub(super) fn next_due_us(&self) -> Option<u64> {
        self.timers.first().map(|timer| timer.0)
    }

    /// The check whose slot has passed first, if any has.
    pub(super) fn first_due(&self, now_us: u64) -> Option<CheckId> {
        self.timers.first().filter(|timer| timer.0 <= now_us).map(|timer| timer.1)
    }
}

const KEPT: &str = "a check is kept while anything of it is under way";

impl Index<CheckId> for Checks {
    type Output = CheckState;

    fn index(&self, id: CheckId) -> &CheckState {
        self.get(id).expect(KEPT)
    }
}

impl IndexMut<CheckId> for Checks {
    fn index_mut(&mut self, id: CheckId) -> &mut CheckState {
        let cell = self.cells.get_mut(id.cell as usize).filter(|cell| cell.generation == id.generation);
        cell.and_then(|cell| cell.check.as_mut()).expect(KEPT)
    }
}

#[cfg(test)]
mod tests {
    use super::super::check_state::Activity;
    use super::*;
    use crate::clock::Moment;
    use crate::config::implicit_check;

    const NOW: Moment = Moment { mono_us: 1_000_000_000, wall_ms: 1_790_000_000_000 };

    fn on_demand(name: &str) -> CheckState {
        CheckState::on_demand(Arc::new(implicit_check(name)))
    }

    fn defined(name: &str) -> CheckState {
        CheckState::defined(Arc::new(implicit_check(name)), "host", NOW)
    }

    #[test]
    fn an_id_never_finds_another_check() {
        let mut checks = Checks::default();
        let first = checks.add(defined("a"));
        checks.end(first);
        assert_eq!((checks.len(), checks.id("a"), checks.next_due_us()), (0, None, None));
        let second = checks.add(defined("b"));
        assert_eq!(second.cell, first.cell);
        assert!(checks.get(first).is_none());
        assert_eq!(&*checks[second].name, "b");
        // Whoever still names the first ends nothing.
        checks.forget(first);
        assert_eq!(checks.len(), 1);
    }

    #[test]
    fn a_check_is_kept_while_anything_of_it_is_under_way() {
        let mut checks = Checks::default();
        let id = checks.add(defined("a"));
        checks[id].activity = Activity::Running;
        checks.end(id);
        assert_eq!((checks.id("a"), checks.next_due_us()), (Some(id), None));
        checks[id].activity = Activity::Idle;
        checks[id].lines = 1;
        checks.forget_if_over(id);
        assert_eq!(checks.len(), 1);
        checks[id].lines = 0;
        checks.forget_if_over(id);
        assert_eq!(checks.len(), 0);
    }

    #[test]
    fn what_is_only_asked_for_is_bounded_and_the_oldest_goes_first() {
        let mut checks = Checks::with_room_for(8);
        checks.add(on_demand(AGENT_CHECK));
        let kept = checks.add(defined("defined"));
        for number in 0..100_i64 {
            let id = checks.add(on_demand(&format!("c{number}")));
            let run = custos_store::Run { time_ms: 1000 - number, ..custos_store::Run::default() };
            checks[id].last = Some(Arc::new(run));
        }
        assert!(checks.len() <= 9, "{}", checks.len());
        assert_eq!(checks.forgotten(), 102 - checks.len() as u64);
        assert!(checks.get(kept).is_some() && checks.id(AGENT_CHECK).is_some());
        // The first ones came with the newest runs.
        assert!(checks.id("c0").is_some() && checks.id("c98").is_none());
    }
}
