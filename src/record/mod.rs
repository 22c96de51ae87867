//! Recording: hands runs to the store on a thread of its own, so that a slow disk delays no check.

mod backlog;
mod health;
mod queue;
mod recorder;
mod writing;
mod written;

pub use health::StoreHealth;
pub use recorder::{Opening, Recorder};
pub use written::Written;
