//! The options of `custos backtest`.

use std::ffi::OsStr;

use clap_complete::engine::{ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter};

use crate::cli::completion;
use crate::cli::listing::SpanArgs;
use crate::cli::read::ReadArgs;

/// Shows what a check or a rule would have said over all that is stored, as it is or changed.
///
/// The same functions judge as in the agent. Each alert that would have fired is a line, with when it began, how long it fired, the
/// worst value and the words of the plugin; then totals. Stretches in which nobody looked are shown as such.
///
/// A check is judged by its thresholds and the state that its plugin gave; --for, --warning and --critical change them, those of
/// METRIC only where one is given. A rule file is one of Prometheus; --for changes its alerting rules. An option may be given
/// several times or have several values with commas: then each is tried, and only the totals are shown.
///
/// The exit status is 1 if --fail-if holds, or cannot be told as nothing was observed.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct BacktestArgs {
    /// A check, perhaps with one of its metrics, or a rule file: load, load:load1, rules/disks.yml
    #[arg(value_name = "CHECK[:METRIC]|FILE", add = ArgValueCompleter::new(target))]
    pub(super) target: String,
    #[command(flatten)]
    pub(super) span: SpanArgs,
    /// How long it must last: 5m, 1h30m, 0s
    #[arg(long = "for", value_name = "TIME", value_delimiter = ',')]
    pub(super) pending_for: Vec<String>,
    /// Range for WARNING: 80, 10:, @5:10, 90%
    #[arg(long, value_name = "RANGE", value_delimiter = ',', allow_hyphen_values = true)]
    pub(super) warning: Vec<String>,
    /// Range for CRITICAL
    #[arg(long, value_name = "RANGE", value_delimiter = ',', allow_hyphen_values = true)]
    pub(super) critical: Vec<String>,
    /// Only these rules of a file
    #[arg(long, value_name = "NAME")]
    pub(super) rule: Vec<String>,
    /// How often and how long it would have fired with every other threshold
    #[arg(long)]
    pub(super) curve: bool,
    /// Draw when it would have fired
    #[arg(long)]
    pub(super) graph: bool,
    /// Only the newest N alerts [default: 50; all as JSON]
    #[arg(long, short = 'n', value_name = "N")]
    pub(super) limit: Option<usize>,
    /// Fail if one of these holds: 'alerts > 3/week', 'hours >= 2', 'flaps > 0/day'; by /hour, /day, /week, /month
    #[arg(long, value_name = "CONDITION")]
    pub(super) fail_if: Vec<String>,
    /// One JSON object
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) read: ReadArgs,
}

/// Checks with their metrics, and files.
fn target(typed: &OsStr) -> Vec<CompletionCandidate> {
    let mut found = completion::check_or_metric(typed);
    found.extend(PathCompleter::file().complete(typed));
    found
}
