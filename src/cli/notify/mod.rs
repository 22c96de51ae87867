//! `custos ack`, `custos unack`, `custos silence` and `custos notify`.

mod ack;
mod ask;
mod show;
mod silence;
mod status;

pub(super) use ack::{AckArgs, UnackArgs, ack, unack};
pub(super) use ask::author;
pub(super) use silence::{SilenceArgs, long, silence};
pub(super) use status::{NotifyArgs, notify};
