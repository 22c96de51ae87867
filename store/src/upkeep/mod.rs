//! Upkeep: logs are sealed into segments, segments merged into larger ones, without the writer waiting for it.

mod merge;
mod permit;
mod plan;
mod seal;
mod worker;

pub(crate) use permit::{Permit, displaced};
pub(crate) use seal::seal;
pub(crate) use worker::{Upkeep, Work};
