//! `custos status`: where every check stands, worst first.

mod args;
mod defined;
mod gather;
mod row;
mod show;
mod table;

pub(super) use args::StatusArgs;
pub(super) use defined::Defined;
pub(super) use row::StatusRow;
pub(super) use show::run;
pub(super) use table::{ago, short};
