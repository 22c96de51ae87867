//! `custos graph`: charts of metrics with the states beneath, and of queries.

mod consolidated;
mod draw;
mod query;
mod target;

pub(super) use draw::{GraphArgs, is_reported, run};
pub(super) use target::{Target, target};
