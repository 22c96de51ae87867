//! What is streamed, and in which form.

use std::time::Duration;

use clap_complete::engine::ArgValueCompleter;
use custos_promql::parse_duration;
use custos_store::Position;

use crate::cli::completion;
use crate::cli::read::{Failure, ReadArgs, now, time};
use crate::feed::lines::Form;
use crate::feed::read::From;

/// Writes runs as JSON Lines, in the order in which they were stored, each with its position.
///
/// A line has the position after it: --from that position goes on behind it, months later and whatever was sealed, merged or
/// repaired meanwhile. A line with "gap" tells of runs that cannot be read.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = AFTER)]
pub(crate) struct StreamArgs {
    /// Only these checks and metrics: globs, as in disk or 'net*:if*'
    #[arg(value_name = "CHECK[:METRIC]", add = ArgValueCompleter::new(completion::check))]
    pub(super) selectors: Vec<String>,
    /// Where to begin: a position, start, end, or a time, of which the first run of that time or later counts
    #[arg(long, value_name = "POSITION|TIME", default_value = "start")]
    from: String,
    /// Begin where the cursor of this name is, which moves on by --ack; --from counts where there is none yet
    #[arg(long, value_name = "NAME")]
    pub(super) cursor: Option<String>,
    /// Move the cursor to the positions that are read from stdin, a line each, once the consumer has stored them
    #[arg(long, requires = "cursor")]
    pub(super) ack: bool,
    /// Whole runs, as --json and export write them (the default)
    #[arg(long, group = "form")]
    runs: bool,
    /// One line for each number
    #[arg(long, group = "form")]
    samples: bool,
    /// One line for each change of state
    #[arg(long, group = "form")]
    events: bool,
    /// Whole runs as binary frames, for programs: FORMAT.md of the store describes them
    #[arg(long, group = "form")]
    pub(super) frames: bool,
    /// Go on with what is stored from now on, until stdin or stdout is closed
    #[arg(long, short)]
    pub(super) follow: bool,
    /// Watch these checks instead: every run when it ends, until stdout is closed
    #[arg(long, conflicts_with_all = ["from", "cursor", "form", "follow"])]
    pub(super) watch: bool,
    /// With --watch: have the checks run that often meanwhile, 100ms or longer
    #[arg(long, value_name = "DURATION", requires = "watch", value_parser = length)]
    pub(super) every: Option<Duration>,
    /// With --watch: what this expression of PromQL comes to with each run of the checks that it selects, which are watched
    #[arg(long = "query", value_name = "EXPR", requires = "watch", add = ArgValueCompleter::new(completion::query))]
    pub(super) queries: Vec<String>,
    /// With --watch: begin with the runs of so long before now, 1,024 at most
    #[arg(long, value_name = "DURATION", requires = "watch", value_parser = length)]
    pub(super) past: Option<Duration>,
    #[command(flatten)]
    pub(super) read: ReadArgs,
}

const AFTER: &str = "\
With --ack, answer each line that is stored for good by a line with its position:
  mkfifo acks
  custos stream --cursor copy --ack --follow < acks | custos store import COPY --follow > acks
What was not acknowledged comes again. See custos store cursors for the cursors there are.";

/// A length of time as PromQL writes it.
pub(crate) fn length(text: &str) -> Result<Duration, String> {
    let seconds = parse_duration(text).filter(|seconds| *seconds >= 1e-3);
    let length = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    length.ok_or_else(|| "expected a length of time, such as 200ms or 1s".to_owned())
}

impl StreamArgs {
    pub(super) fn form(&self) -> Form {
        match (self.samples, self.events) {
            (true, _) => Form::Samples,
            (_, true) => Form::Events,
            _ => Form::Runs,
        }
    }

    /// Where it begins.
    pub(super) fn from(&self) -> Result<From, Failure> {
        Ok(match self.from.as_str() {
            "start" => From::Start,
            "end" => From::End,
            text => match text.parse() {
                Ok(position) => From::Position(Position(position)),
                Err(_) => From::Time(time("--from", text, &now())?),
            },
        })
    }
}
