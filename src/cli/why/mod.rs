//! `custos why`: what else was unlike its past when a check was.

mod args;
mod json;
mod run;
mod show;
#[cfg(test)]
mod tests;
mod turns;
mod written;

pub(super) use args::WhyArgs;
pub(super) use run::{run, told};
