//! `custos status`: where every check stands, worst first.

mod args;
mod gather;
mod row;
mod table;

pub(super) use args::{StatusArgs, run};
