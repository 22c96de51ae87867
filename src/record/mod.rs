//! Recording: hands runs to the store on a thread of its own, so that a slow disk delays no check.

mod backlog;
mod health;
mod pending_note;
mod queue;
mod recorder;
mod shared;
mod writing;
mod written;

pub use health::StoreHealth;
pub use pending_note::{NoteKept, NoteText};
pub use recorder::Recorder;
pub use shared::Opening;
pub use written::Written;
