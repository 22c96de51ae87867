//! How a long read reports to whoever asked: what it could not read, and whether it is still wanted.

use crate::error::{Error, Result};
use crate::limits::RUNS_PER_LOOK;

/// What a read reports to while it goes on.
///
/// A damaged part of the store is handed over and passed over; it never ends a read.
pub struct ReadContext<'a> {
    on_damage: &'a mut dyn FnMut(&custos_store::Error),
    is_cancelled: &'a dyn Fn() -> bool,
    runs: u64,
}

impl<'a> ReadContext<'a> {
    /// A read that nobody cancels.
    pub fn new(on_damage: &'a mut dyn FnMut(&custos_store::Error)) -> ReadContext<'a> {
        ReadContext { on_damage, is_cancelled: &|| false, runs: 0 }
    }

    /// The same, asking now and then whether it is to stop.
    pub fn cancellable(self, is_cancelled: &'a dyn Fn() -> bool) -> ReadContext<'a> {
        ReadContext { is_cancelled, ..self }
    }

    /// Reports a part that cannot be read.
    pub fn damage(&mut self, error: &custos_store::Error) {
        (self.on_damage)(error);
    }

    /// Looks whether the read is still wanted.
    ///
    /// # Errors
    /// [`Error::Cancelled`] if it is not.
    pub fn look(&self) -> Result<()> {
        if (self.is_cancelled)() { Err(Error::Cancelled) } else { Ok(()) }
    }

    /// Counts a run, and looks now and then.
    ///
    /// # Errors
    /// [`Error::Cancelled`] if the read is no longer wanted.
    pub fn count_run(&mut self) -> Result<()> {
        self.runs += 1;
        if self.runs.is_multiple_of(RUNS_PER_LOOK) { self.look() } else { Ok(()) }
    }
}
