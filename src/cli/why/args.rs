//! The options of `custos why`.

use clap_complete::engine::ArgValueCompleter;

use crate::cli::completion;
use crate::cli::read::ReadArgs;

/// Shows what was unlike its own past when a check got its problem: of all metrics of all checks, which checks changed their state, which
/// said something for the first time, and what people wrote about it: notes, incidents and acknowledgements.
///
/// Each metric is compared with where it usually is, at the same time of other days where it follows the day, and takes its
/// place among its own earlier stretches of the same length: what is often so is not listed. The most unlike come first, each
/// with when it left where it was. What changed first need not be why; what is not measured here is not seen here.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct WhyArgs {
    /// The check that has the problem; none to look at the host
    #[arg(value_name = "CHECK", add = ArgValueCompleter::new(completion::check))]
    pub(super) check: Option<String>,
    /// From when on something is unlike [default: a quarter of an hour before the problem began, or an hour ago]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(super) since: Option<String>,
    /// Look as if it were this time; nothing of later counts
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(super) at: Option<String>,
    /// How many metrics to show at most
    #[arg(long, short = 'n', value_name = "N", default_value_t = 10)]
    pub(super) limit: usize,
    /// One JSON object for each metric, also those that are not listed otherwise, for each change of state and new text, and for what people wrote
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) read: ReadArgs,
}
