//! The options of `custos changes`.

use crate::cli::read::ReadArgs;

/// Shows what changed on this machine: metrics that were unlike all of the eight days before, for longer, and changes of state beside them.
///
/// A change of a metric counts if a quarter of an hour, an hour or six hours lie beyond the farthest that as long a stretch lay in the
/// eight days before; at the same time of other days where it follows the day. What comes again and again is no change. Changes that began
/// within half an hour of one another are one group, with what first changed on top. Mostly nothing changed, and then it says so.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct ChangesArgs {
    /// From when on something changed [default: -24h]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(super) since: Option<String>,
    /// Until when [default: now]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(super) until: Option<String>,
    /// How many groups to show at most: those in which the most changed
    #[arg(long, short = 'n', value_name = "N", default_value_t = 10)]
    pub(super) limit: usize,
    /// One JSON object for each change
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) read: ReadArgs,
}
