//! `custos store`: looking after the store itself.

mod args;
mod cursors;
mod directory;
mod export;
mod follow;
mod forecast;
mod import;
mod import_line;
mod restore;
mod upkeep;

pub(super) use args::{StoreArgs, run};
pub(super) use directory::{failed, not_opened, taken_in};
