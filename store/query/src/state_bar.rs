//! The states of a check over time, as a bar of cells.

use custos_store::State;

use crate::columns::part_of;

/// Of every cell of a span the worst state, none where there was no run.
#[derive(Clone, Debug, PartialEq)]
pub struct StateBar {
    start_ms: i64,
    end_ms: i64,
    cells: Vec<Option<State>>,
}

impl StateBar {
    /// So many empty cells for a span of time, end excluded.
    pub fn new(start_ms: i64, end_ms: i64, count: usize) -> StateBar {
        let end_ms = end_ms.max(start_ms.saturating_add(1));
        StateBar { start_ms, end_ms, cells: vec![None; count.max(1)] }
    }

    /// A state that lasted from one time to before another.
    pub fn cover(&mut self, from_ms: i64, to_ms: i64, state: State) {
        let last_ms = to_ms.saturating_sub(1).max(from_ms).min(self.end_ms - 1);
        let at = |time_ms| part_of(time_ms, self.start_ms, self.end_ms, self.cells.len());
        if let (Some(first), Some(last)) = (at(from_ms.max(self.start_ms)), at(last_ms)) {
            for cell in self.cells.iter_mut().take(last + 1).skip(first) {
                *cell = Some(cell.map_or(state, |worst| worst.worst(state)));
            }
        }
    }

    /// The cells from the earliest to the latest.
    pub fn cells(&self) -> &[Option<State>] {
        &self.cells
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_keeps_the_worst() {
        let mut bar = StateBar::new(0, 100, 10);
        bar.cover(-50, 30, State::Ok);
        bar.cover(20, 21, State::Critical);
        bar.cover(25, 30, State::Warning);
        bar.cover(95, 500, State::Unknown);
        bar.cover(500, 600, State::Critical);
        let shown: String = bar
            .cells()
            .iter()
            .map(|cell| cell.map_or('-', |state| state.name().chars().next().unwrap()))
            .collect();
        assert_eq!(shown, "OOC------U");
    }
}
