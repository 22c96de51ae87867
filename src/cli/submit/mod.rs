//! `custos submit` and `custos cron`: results that the agent did not find out itself.

mod args;
mod cron;
mod job;
mod result;
mod tail;

pub(in crate::cli) use args::SubmitArgs;
pub(in crate::cli) use cron::{CronArgs, run as cron};
pub(in crate::cli) use result::run as submit;
