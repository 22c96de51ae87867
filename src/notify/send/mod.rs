//! How each medium is told: a notification goes in, and out comes what became of each of its alerts.

mod alertmanager;
mod body;
mod command;
mod connection;
mod http;
mod icinga;
mod macros;
mod mail;
mod nrdp;
mod nsca;
mod passive;
mod receipt;
mod sender;
mod smtp;
#[cfg(test)]
pub(crate) mod stage;
mod webhook;

pub use body::fingerprint;
pub use receipt::{Receipt, Taken};
pub use sender::Sender;
