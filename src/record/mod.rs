//! Recording: hands runs to the store on a thread of its own, so that a slow disk delays no check.

mod backlog;
mod recorder;

pub use recorder::Recorder;
