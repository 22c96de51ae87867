//! Rules over times that are past: what they would have come to at each of them, by the same functions as live.

mod alike;
mod dependence;
mod fold;
mod judge;
mod kept;
mod overlay;
mod past;
mod peak;
mod record;
mod side_by_side;
mod silence;
mod steps;
#[cfg(test)]
mod tests;
mod times;
mod told;
mod unseen;
mod written;

pub use dependence::writer_for;
pub use judge::{Replay, Surroundings, Watch};
pub use kept::Kept;
pub use past::{Past, Recorded};
pub use peak::{Ended, Peak, Worse};
pub use times::{JudgementStretch, JudgementStretches, judgement_times};
pub use told::Judged;
pub use unseen::Unseen;
