//! `custos store`: looking after the store itself.

mod args;
mod directory;
mod export;
mod forecast;
mod import;
mod progress;
mod restore;
mod upkeep;
mod usable;

pub(super) use args::{StoreArgs, run};
