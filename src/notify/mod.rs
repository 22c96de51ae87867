//! Telling somebody: which alerts are owed to whom, and how each medium is told.

mod notification;

pub use notification::{Notification, NotifiedAlert, NotifiedCheck, Status, Why};
