//! `custos similar`: when it was like this before.

mod answer;
mod args;
mod json;
mod run;
mod show;
#[cfg(test)]
mod tests;

pub(super) use args::SimilarArgs;
pub(super) use run::run;
