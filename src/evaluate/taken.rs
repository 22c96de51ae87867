//! When the values of a run were taken.

use std::time::Duration;

/// When the values of a run were taken. Times are monotonic, in microseconds, and signed because history that is replayed
/// is older than boot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// The slot that the run was due at: `for` goes by it, so that it is not shaken by how long a plugin takes.
    pub slot_us: i64,
    /// When the run began: rates go by it, as counters do.
    pub started_us: i64,
    /// For how long whatever has the counters had been up, if it says.
    pub uptime: Option<Duration>,
}

impl Taken {
    /// Taken in its slot, of something that does not say how long it has been up.
    pub fn at(time_us: i64) -> Taken {
        Taken { slot_us: time_us, started_us: time_us, uptime: None }
    }
}
