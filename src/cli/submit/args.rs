//! The command line of `custos submit`.

use std::time::Duration;

use clap::ValueEnum;
use clap_complete::engine::ArgValueCompleter;
use custos_store::State;

use crate::cli::completion;
use crate::cli::read::ReadArgs;

/// Submits a result of a check that has `passive` in the configuration, to the running agent.
///
/// The agent records it as a run of the check, with the metrics that stand behind a `|`, judges it by the check's thresholds, and tells about
/// it as about any other. Nothing is printed if that succeeds.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct SubmitArgs {
    /// The check
    #[arg(add = ArgValueCompleter::new(completion::defined_check))]
    pub(super) check: String,
    /// Its state
    #[arg(value_enum, ignore_case = true)]
    pub(super) state: StateWord,
    /// What there is to say, in one word or several, as a plugin prints it: `text | label=value` [default: what stdin has]
    #[arg(value_name = "TEXT")]
    pub(super) words: Vec<String>,
    /// How long it took to find out, in seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(super) took: Option<Duration>,
    #[command(flatten)]
    pub(super) read: ReadArgs,
}

/// A state, by its word or the exit status of a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum StateWord {
    /// All is well
    #[value(alias = "0")]
    Ok,
    /// Somebody should look at it
    #[value(alias = "1")]
    Warning,
    /// It does not work
    #[value(alias = "2")]
    Critical,
    /// It is not known
    #[value(alias = "3")]
    Unknown,
}

impl StateWord {
    pub(super) fn state(self) -> State {
        match self {
            StateWord::Ok => State::Ok,
            StateWord::Warning => State::Warning,
            StateWord::Critical => State::Critical,
            StateWord::Unknown => State::Unknown,
        }
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "expected seconds, such as 12.5".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}
