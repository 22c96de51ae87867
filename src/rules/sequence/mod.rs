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
mod slot;
mod state;

pub use happened::{Happened, HappenedStep};
pub use model::{Condition, Recovery, Sequence, Step, StepKind};
pub(crate) use keys::SEQUENCE;
pub(crate) use read::sequence;
pub use state::{Matched, SequenceFailure, SequenceState};
