//! `custos watch`: checks of several hosts, drawn live in the terminal.

mod args;
mod credentials;
mod keys;
mod show;

pub(super) use args::WatchArgs;
pub(super) use show::run;
