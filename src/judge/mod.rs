//! The thread that judges rules: it sees every recorded run in the order in which the agent recorded it, judges the groups that
//! the agent wants judged, and answers each order, in the order in which they came.

mod counts;
mod group;
mod handle;
mod older;
mod queue;
mod restore;
mod settings;
mod stop;
mod thread;

pub use handle::Judge;
pub use settings::Settings;
