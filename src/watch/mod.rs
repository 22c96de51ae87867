//! Checks of several hosts, and expressions over them, watched side by side: what is held of them, and how it is drawn.
//!
//! Invariants: what is held has bounds, so a terminal that is slow shows the newest and nothing waits for it; a time of
//! another host is drawn shifted only where the screen says so, by how much and how certain that is.

mod answered;
mod curve;
mod held;
mod host;
mod model;
mod offset;
mod screen;
mod source;
mod states;
mod target;
#[cfg(test)]
mod tests;
mod view;

pub use host::Event;
pub use model::{Beginning, Model};
pub use offset::{Asked, Offset, Offsets};
pub use screen::{Looks, Size};
pub use source::{Access, Credentials, Keyring, Sources, Wake};
pub use target::{HttpSite, Kind, Site, SshSite, Target, TargetError};
pub use view::Act;
