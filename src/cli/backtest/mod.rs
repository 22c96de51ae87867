//! `custos backtest`.

mod about;
mod args;
mod curve;
mod drawn;
mod found;
mod json;
mod plan;
mod run;
mod show;
#[cfg(test)]
mod tests;

pub(super) use args::BacktestArgs;
pub(super) use run::run;
