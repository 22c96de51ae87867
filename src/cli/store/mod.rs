//! `custos store`: looking after the store itself.

mod args;
mod directory;
mod forecast;
mod progress;
mod transfer;
mod upkeep;

pub(super) use args::{StoreArgs, run};
