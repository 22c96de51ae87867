//! `custos changes`: what changed on this machine in a time, by itself.

mod args;
mod group;
mod json;
mod run;
mod show;
#[cfg(test)]
mod tests;

pub(super) use args::ChangesArgs;
pub(super) use run::run;
