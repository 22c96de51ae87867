//! Evaluation: from a run's result to the state of its check. Pure functions of the definition, the run and the previous
//! state.

mod flapping;
mod instances;
mod normal;
mod rate;
mod standing;
mod taken;
#[cfg(test)]
mod tests;
mod threshold;
mod verdict;

pub use custos_query::{Change, ChangeKind, PENDING, PreviousState, is_judged, stored_change};
pub use flapping::{FLAP_STATES, percent as flap_percent};
pub use instances::{CheckInstances, Labels, Report, instance_name};
pub use normal::normal_metrics;
pub use standing::{Counting, advance};
pub use taken::Taken;
pub use threshold::{Pending, judge, judges};
pub use verdict::{evaluate, judge_run, stand};
