//! Events: every change of state, of every check.
//!
//! Nothing is stored for this: each run keeps where its check stood after it, so the changes follow from the runs, and
//! an event has the same identity whenever it is looked up.

mod event;
mod request;
mod walk;

pub use event::{Event, EventFold, EventKind, PENDING};
pub use request::EventRequest;
