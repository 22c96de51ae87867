//! `custos top`: where all checks stand, live, with all of one of them behind it.
//!
//! A [`Model`](model::Model) takes keys and data, and `draw` fills a page from it: both are pure. What reads the store, asks
//! the agent and fills the terminal is in `source.rs`, `story.rs`, `asker.rs` and `run.rs`.

mod args;
mod asker;
mod check;
mod draw;
mod keys;
mod model;
mod places;
mod prompt;
mod recent;
mod run;
mod sort;
mod source;
mod story;
#[cfg(test)]
mod tests;

pub(super) use args::TopArgs;
pub(super) use run::run;
