//! What people read about a group of alerts: what, since when, against which limit, what happened before, and a graph.

mod background;
mod compose;
mod style;
mod subject;
mod text;

pub use background::{Background, Known};
pub use compose::Message;
pub use style::MessageStyle;
