//! The terminal of the programs that fill it: keys and the mouse come in, pages go out, and it is left as it was found.
//!
//! Invariants: only the cells that changed are written; what is drawn is muted to the characters and colours that were
//! decided on, whatever it holds; whatever ends the program, but SIGKILL, the terminal is restored before.

mod decode;
mod device;
mod event;
mod ink;
mod look;
mod paint;
mod screen;
mod signals;
mod size;

pub use event::{End, Event, Key, Mouse, MouseKind};
pub use ink::{state_style, styled};
pub use look::Look;
pub use screen::{Screen, Waker};
