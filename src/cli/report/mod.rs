//! `custos report`: what happened in a time, in one file that needs nothing else.

mod args;
mod block;
mod capacity;
mod gather;
mod html;
mod markdown;
mod problems;
mod run;
#[cfg(test)]
mod tests;
mod words;

pub(super) use args::ReportArgs;
pub(super) use run::run;
