//! `custos store export`: the history for elsewhere.

mod args;
mod csv;
mod open_metrics;
mod runs;
mod series;
mod vm_json;

pub(super) use args::{ExportArgs, export};
