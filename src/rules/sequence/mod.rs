//! Sequences: steps that have to happen one after the other before an alert comes of them.
//!
//! What a sequence says is in [`Sequence`]; [`SequenceState`] is a pure fold over what its queries returned at each time at
//! which it was judged, the same for what happens now, after a restart and for the past. Of each key it keeps one match under
//! way for each step, which is enough: of two matches that are as far, the newer one can always go on where the older one can.

mod happened;
mod keys;
mod model;
mod progress;
mod read;
mod read_condition;
mod seen;
mod shown;
mod slot;
mod state;
#[cfg(test)]
mod tests;

pub use happened::{Happened, HappenedStep};
pub(crate) use keys::SEQUENCE;
pub use model::{Condition, Recovery, Sequence, Step, StepKind};
pub use read::read_sequence;
pub(crate) use read::sequence;
pub use state::{Matched, SequenceFailure, SequenceState};
