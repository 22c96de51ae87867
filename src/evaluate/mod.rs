//! Evaluation: from what a run reported to where its check stands. Pure functions of the definition, the run and
//! what was known before.

mod flapping;
mod instances;
mod rate;
mod standing;
mod taken;
#[cfg(test)]
mod tests;
mod threshold;
mod verdict;

pub use custos_query::{Change, ChangeKind, PreviousState, is_judged, stored_change};
pub use flapping::{FLAP_STATES, percent as flap_percent};
pub use instances::{CheckInstances, Labels, Report, instance_name};
pub use standing::{Counting, advance};
pub use taken::Taken;
pub use threshold::{Pending, judge, judges};
pub use verdict::{evaluate, judge_run, stand};
