//! `custos store`: looking after the store itself.

mod args;
mod forecast;
mod transfer;
mod upkeep;

pub(super) use args::{StoreArgs, run};
