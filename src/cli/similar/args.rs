//! The options of `custos similar`.

use clap_complete::engine::ArgValueCompleter;
use custos_query::SimilarForm;

use crate::cli::completion;
use crate::cli::read::ReadArgs;

/// Stretches that are shown unless told otherwise.
pub(super) const LIMIT_DEFAULT: usize = 5;

/// Shows when a metric was like this before, what state its check was in then, and how that ended.
///
/// All of its history is searched, every sample of it, also that after the stretch. What counts is the shape, at any level, also where
/// it is somewhat higher or lower, and a fifth shorter to a quarter longer. Something is always nearest: what is not
/// clearly nearer than the rest is not shown. Stretches of which more than a fifth is missing are left out, and counted.
/// Of a counter the change per second is compared.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct SimilarArgs {
    /// A metric of a check: load:load1, disk:/, 'net:ifInOctets{ifName="eth0"}'
    #[arg(value_name = "CHECK:METRIC", add = ArgValueCompleter::new(completion::check_or_metric))]
    pub(super) target: String,
    /// Where the stretch begins that others are to be like: -2h, 'yesterday 03:00', RFC 3339
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(super) since: String,
    /// Where it ends [default: now]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(super) until: Option<String>,
    /// Search the other metrics of the check, too
    #[arg(long)]
    pub(super) others: bool,
    /// Search all metrics of all checks
    #[arg(long, conflicts_with = "others")]
    pub(super) any: bool,
    /// Only what has the same values
    #[arg(long)]
    pub(super) exact_level: bool,
    /// The height does not matter
    #[arg(long, conflicts_with = "exact_level")]
    pub(super) any_height: bool,
    /// Compare sample by sample, in the place of 96 means with their least and greatest; takes longer
    #[arg(long)]
    pub(super) full_resolution: bool,
    /// Rank the nearest as if time could be bent by a tenth of the stretch
    #[arg(long)]
    pub(super) warp: bool,
    /// How many to show
    #[arg(long, short = 'n', value_name = "N", default_value_t = LIMIT_DEFAULT)]
    pub(super) limit: usize,
    /// Look as if it were this time; nothing of later counts
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(super) at: Option<String>,
    /// Draw it over the best
    #[arg(long, conflicts_with = "json")]
    pub(super) graph: bool,
    /// One JSON object for each, also those that are not clearly nearer than the rest
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) read: ReadArgs,
}

impl SimilarArgs {
    /// What makes stretches alike.
    pub(super) fn form(&self) -> SimilarForm {
        match (self.exact_level, self.any_height) {
            (true, _) => SimilarForm::ExactLevel,
            (_, true) => SimilarForm::AnyHeight,
            _ => SimilarForm::Usual,
        }
    }
}
