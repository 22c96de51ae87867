//! `custos init`: a first configuration, by what this host has.

mod args;
mod attempt;
mod question;
mod write;

pub(super) use args::{InitArgs, run};
