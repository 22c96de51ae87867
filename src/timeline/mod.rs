//! What people write into the history of a machine: incidents and notes, in the store, beside the runs.

mod error;
mod marks;
mod note;

pub use error::MarkError;
pub use marks::{Mark, Marks};
pub use note::{Between, TimelineNote};
