//! Telling somebody: which alerts are owed to whom, and how each medium is told.

mod addressee;
mod alert;
mod beginning;
mod checked;
mod following;
mod handler;
mod ledger;
pub mod message;
mod muted;
mod note;
mod noted;
mod notification;
mod notifier;
mod orders;
mod plan;
mod pseudo;
mod quiet;
mod receiver;
mod report;
pub mod send;
mod silence;
mod standing;
mod telling;
#[cfg(test)]
mod tests;
mod trouble;
mod withheld;

pub use note::{ACKS_NOTE, NoteText, SILENCES_NOTE};
pub use noted::Noted;
pub use notification::{Notification, NotifiedAlert, NotifiedCheck, Status, Why};
pub use notifier::{Effect, Note, Notifier};
pub use quiet::{Acknowledged, Held, Quiet, Silenced};
pub use receiver::{receiver_names, target_note};
pub use report::{MutedAlert, NotifyReport, OwedAlert, TargetReport};
pub use silence::{Ack, Remark, Silence};
pub use telling::Telling;
