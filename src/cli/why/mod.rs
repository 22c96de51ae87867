//! `custos why`: what else was unlike its past when a check was.

mod args;
mod found;
mod json;
mod run;
mod show;
#[cfg(test)]
mod tests;
mod window;
mod written;

pub(super) use args::WhyArgs;
pub(super) use run::{run, told};
