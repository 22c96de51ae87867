//! The options of `custos report`.

use std::path::PathBuf;

use crate::cli::read::ReadArgs;

/// Writes what happened in a time as one file, for those who were not there: problems, what changed, all events and what people wrote in
/// one order, graphs, and what was not observed.
///
/// An HTML file has its graphs in it and loads nothing from elsewhere. What plugins printed and people wrote is shown as it is, and
/// never as markup. Acknowledgements that no longer hold, and what was told to whom, are not in the store, and not in the report.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct ReportArgs {
    /// Start: -24h, 'yesterday 03:00', 2026-03-01, RFC 3339
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(super) since: String,
    /// End [default: now]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(super) until: Option<String>,
    /// The long view instead: how much each metric grows, its peaks by week, when it is busiest and when it is full
    #[arg(long)]
    pub(super) capacity: bool,
    /// As HTML, with graphs
    #[arg(long, conflicts_with_all = ["md", "text"])]
    pub(super) html: bool,
    /// As Markdown
    #[arg(long, conflicts_with = "text")]
    pub(super) md: bool,
    /// As plain text; that is how it is without any of these
    #[arg(long)]
    pub(super) text: bool,
    /// Write to a file and not to stdout
    #[arg(long, short = 'o', value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    #[command(flatten)]
    pub(super) read: ReadArgs,
}
