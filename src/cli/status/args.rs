//! The options of `custos status`.

use clap_complete::engine::ArgValueCompleter;

use crate::cli::completion;
use crate::cli::read::ReadArgs;

/// Shows the state of every check, worst first: soft or hard, since when, and what its last run said.
///
/// A running agent is asked first, and what it does not know is read from the store. The check `custos` is the agent
/// itself. On a terminal that is too low for all checks the worst stay in view, and the rest is counted.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct StatusArgs {
    /// Only these checks
    #[arg(value_name = "NAME", add = ArgValueCompleter::new(completion::check))]
    pub(super) names: Vec<String>,
    /// Only checks that are not OK
    #[arg(long)]
    pub(super) problems: bool,
    /// The whole machine as it stood at this time: -24h, '2h ago', 'yesterday 03:00', 2026-03-01, RFC 3339
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(super) at: Option<String>,
    /// One JSON object for each check
    #[arg(long)]
    pub(super) json: bool,
    /// End with the worst hard state as exit status: 0 to 3
    #[arg(long)]
    pub(super) exit_code: bool,
    /// Also checks that are no longer defined, and all lines however low the terminal is
    #[arg(long)]
    pub(super) all: bool,
    #[command(flatten)]
    pub(super) read: ReadArgs,
}
