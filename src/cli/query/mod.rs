//! `custos query`: PromQL over everything that is stored.

mod args;
mod chart;
mod explain;
mod span;
mod table;

pub(super) use args::{QueryArgs, failed, run};
pub(super) use chart::drawn;
