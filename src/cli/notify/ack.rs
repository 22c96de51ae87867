//! `custos ack` and `custos unack`.

use std::time::Duration;

use clap_complete::engine::ArgValueCompleter;

use super::ask::{ask, author, chosen, done};
use crate::cli::completion;
use crate::cli::read::{Failure, ReadArgs, finish};
use crate::cli::style::printable;
use crate::control::NotifyRequest;
use crate::exit_code::ExitCode;

/// How long the agent may take.
const PATIENCE: Duration = Duration::from_secs(5);

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
    /// Why, at most 256 bytes
    #[arg(long, short = 'm', value_name = "TEXT", default_value = "")]
    comment: String,
    /// Who, at most 64 bytes; without it the user who gives the command
    #[arg(long, value_name = "NAME")]
    author: Option<String>,
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
    let author = author(args.author.as_deref());
    let request =
        |matchers| NotifyRequest::Ack { matchers, author: author.clone(), comment: args.comment.clone() };
    for_each(&args.chosen, &args.read, "ack", request)
}

/// Runs `custos unack`.
pub(in crate::cli) fn unack(args: &UnackArgs) -> ExitCode {
    for_each(&args.chosen, &args.read, "unack", |matchers| NotifyRequest::Unack { matchers })
}

fn for_each(
    chosen_by: &Chosen,
    read: &ReadArgs,
    command: &str,
    request: impl Fn(Vec<String>) -> NotifyRequest,
) -> ExitCode {
    finish(|out| {
        let words: Vec<_> = chosen_by.words.iter().map(|word| shell_words::quote(word)).collect();
        let typed = format!("{command} {}", words.join(" "));
        for matchers in chosen(&chosen_by.words)? {
            let said = done(ask(read, request(matchers), &typed, PATIENCE)?)?;
            writeln!(out, "{}", printable(&said)).map_err(Failure::from)?;
        }
        Ok(())
    })
}
