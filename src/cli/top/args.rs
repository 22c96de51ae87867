//! The options of `custos top`.

use std::time::Duration;

use custos_promql::parse_duration;

use super::sort::SortBy;
use crate::cli::read::ReadArgs;
use crate::limits::TOP_EVERY_MIN;

/// Shows all checks live, worst first: state, age, the last ten minutes, cost and text.
///
/// Enter opens a check: why it is in its state, a graph, its runs with what they wrote to stderr, its changes of state. It can
/// be acknowledged, silenced and run from there. ? shows the keys; the mouse works, too.
/// Without a running agent it shows what is stored, says so, and goes on when the agent is back.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct TopArgs {
    /// How often it is drawn anew
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = every)]
    pub(super) every: Duration,
    /// By what checks are sorted
    #[arg(long, value_name = "COLUMN", value_enum, default_value_t)]
    pub(super) sort: SortBy,
    /// Only checks that are not OK
    #[arg(long)]
    pub(super) problems: bool,
    /// ASCII characters only
    #[arg(long)]
    pub(super) ascii: bool,
    #[command(flatten)]
    pub(super) read: ReadArgs,
}

/// A length of time as PromQL writes it.
fn every(text: &str) -> Result<Duration, String> {
    let length = parse_duration(text).and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let long_enough = length.filter(|length| *length >= TOP_EVERY_MIN);
    long_enough.ok_or_else(|| "expected a length of time of 100ms or more, such as 1s or 5s".to_owned())
}
