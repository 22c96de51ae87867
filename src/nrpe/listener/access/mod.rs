//! Who may connect (`allowed_hosts`, TCP wrappers), and who may run which command.

mod command;
mod names;
mod reverse;
mod wrappers;

pub use command::CommandAccess;
pub(super) use names::Names;
pub(super) use wrappers::Wrappers;
