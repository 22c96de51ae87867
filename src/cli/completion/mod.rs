//! Completion of command lines in the shell, down to the names of checks and metrics.
//!
//! The shell runs this program for each press of the tab key. So what is offered is what the store has now.

mod answer;
mod bash;
mod expression;
mod names;
mod script;

pub(super) use answer::answer;
pub(super) use names::{check_names as check, check_or_metric, defined_check, graph_target, query, target};
pub(super) use script::{CompletionsArgs, run};
