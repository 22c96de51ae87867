//! The order of the checks.

use std::cmp::{Ordering, Reverse};

use super::check::Check;

/// By what checks are sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum SortBy {
    /// The worst first.
    #[default]
    State,
    /// By name.
    Name,
    /// The one that has not run for longest first.
    Age,
    /// The run that took longest first.
    Time,
    /// The run that took most processor time first.
    Cpu,
}

impl SortBy {
    /// All of them, in the order of the columns.
    pub(super) const ALL: [SortBy; 5] = [SortBy::State, SortBy::Age, SortBy::Time, SortBy::Cpu, SortBy::Name];

    /// The next or the one before.
    pub(super) fn turn(self, forward: bool) -> SortBy {
        let at = SortBy::ALL.iter().position(|one| *one == self).unwrap_or(0);
        let count = SortBy::ALL.len();
        SortBy::ALL[(at + if forward { 1 } else { count - 1 }) % count]
    }

    /// Which of two checks comes first. Where it does not matter, the name tells.
    pub(super) fn compare(self, one: &Check, other: &Check) -> Ordering {
        let by = match self {
            SortBy::State => one.gravity().cmp(&other.gravity()),
            SortBy::Name => Ordering::Equal,
            SortBy::Age => {
                let age = |check: &Check| check.row.last_run_ms.unwrap_or(i64::MIN);
                age(one).cmp(&age(other))
            }
            SortBy::Time => {
                let time =
                    |check: &Check| Reverse(check.row.duration_ms.map_or(-1, |ms| (ms * 1000.0) as i64));
                time(one).cmp(&time(other))
            }
            SortBy::Cpu => Reverse(one.cpu_us).cmp(&Reverse(other.cpu_us)),
        };
        by.then_with(|| one.row.check.cmp(&other.row.check))
    }
}
