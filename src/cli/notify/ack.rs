//! `custos ack` and `custos unack`.

use clap_complete::engine::ArgValueCompleter;

use super::ask::{RemarkArgs, ask_each};
use crate::cli::completion;
use crate::cli::read::{ReadArgs, finish};
use crate::control::NotifyRequest;
use crate::exit_code::ExitCode;

#[derive(Clone, Debug, clap::Args)]
struct Chosen {
    /// Names of checks, and conditions on labels such as severity=warning or 'path=~/var.*'
    #[arg(value_name = "CHECK|CONDITION", required = true, add = ArgValueCompleter::new(completion::defined_check))]
    words: Vec<String>,
}

/// Acknowledges alerts that fire: nobody is told of them again until they are over.
///
/// Then they are armed again: what fires anew is told. An acknowledgement outlives a restart of the agent.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct AckArgs {
    #[command(flatten)]
    chosen: Chosen,
    #[command(flatten)]
    remark: RemarkArgs,
    #[command(flatten)]
    read: ReadArgs,
}

/// Takes acknowledgements back: alerts that still fire are told again.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct UnackArgs {
    #[command(flatten)]
    chosen: Chosen,
    #[command(flatten)]
    read: ReadArgs,
}

/// Runs `custos ack`.
pub(in crate::cli) fn ack(args: &AckArgs) -> ExitCode {
    let (author, comment) = (args.remark.author(), &args.remark.comment);
    let request =
        |matchers| NotifyRequest::Ack { matchers, author: author.clone(), comment: comment.clone() };
    finish(|out| ask_each(&args.read, "ack", &args.chosen.words, request, out))
}

/// Runs `custos unack`.
pub(in crate::cli) fn unack(args: &UnackArgs) -> ExitCode {
    let request = |matchers| NotifyRequest::Unack { matchers };
    finish(|out| ask_each(&args.read, "unack", &args.chosen.words, request, out))
}
