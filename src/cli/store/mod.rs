//! `custos store`: looking after the store itself.

mod args;
mod directory;
mod export;
mod forecast;
mod import;
mod progress;
mod upkeep;

pub(super) use args::{StoreArgs, run};
