//! A number that every run has, whatever its plugin printed.

use crate::run::Run;

/// A number of a run that is stored in a column of its own, see [`Snapshot::figures`](crate::Snapshot::figures).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// The code of its state.
    State,
    /// The code of the state that was confirmed last.
    HardState,
    /// How long it took, in µs.
    Duration,
    /// How long after its slot it started, in µs.
    Lateness,
    /// Processor time, in µs.
    Cpu,
    /// Peak memory, in bytes.
    MaxRss,
}

impl Figure {
    /// The number of a run, if it is known.
    pub fn of(self, run: &Run) -> Option<u64> {
        match self {
            Figure::State => Some(u64::from(run.state.code())),
            Figure::HardState => Some(u64::from(run.standing.hard_state.code())),
            Figure::Duration => Some(run.duration_us),
            Figure::Lateness => run.lateness_us,
            Figure::Cpu => run.cpu_us,
            Figure::MaxRss => run.max_rss_bytes,
        }
    }
}
