//! Telling somebody: which alerts are owed to whom, and how each medium is told.

pub mod message;
mod notification;
pub mod send;

pub use notification::{Notification, NotifiedAlert, NotifiedCheck, Status, Why};
