//! `custos store`: looking after the store itself.

mod args;
mod cursors;
mod directory;
mod export;
mod follow;
mod forecast;
mod import;
mod import_line;
mod progress;
mod restore;
mod upkeep;
mod usable;

pub(super) use args::{StoreArgs, run};
