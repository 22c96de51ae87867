//! `custos notify status` and `custos notify test`.

use clap_complete::engine::ArgValueCompleter;

use super::ask::{PATIENCE, standing, write_done};
use super::show::{write_report, write_unreadable};
use crate::cli::completion;
use crate::cli::read::{ReadArgs, finish, json_line, now};
use crate::control::NotifyRequest;
use crate::exit_code::ExitCode;
use crate::limits::NOTIFY_DELIVERY_TIMEOUT;

/// Shows what is owed to whom, or tries a target.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct NotifyArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Action {
    /// Show what is owed to which target, since when, when it was told last, and its last error; what is not told, and why.
    Status(StatusArgs),
    /// Send a target a message that says that nothing is wrong, and wait for what becomes of it.
    Test(TestArgs),
}

#[derive(Clone, Debug, clap::Args)]
struct StatusArgs {
    /// One JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    read: ReadArgs,
}

#[derive(Clone, Debug, clap::Args)]
struct TestArgs {
    /// The name of the target
    #[arg(add = ArgValueCompleter::new(completion::target))]
    target: String,
    #[command(flatten)]
    read: ReadArgs,
}

/// Runs the command.
pub(in crate::cli) fn notify(args: &NotifyArgs) -> ExitCode {
    finish(|out| match &args.action {
        Action::Status(args) => {
            let report = standing(&args.read, "notify status")?;
            write_unreadable(&report);
            if args.json { json_line(&report, out) } else { write_report(&report, &now(), out) }
        }
        Action::Test(args) => {
            let typed = format!("notify test {}", shell_words::quote(&args.target));
            let request = NotifyRequest::Try(args.target.clone());
            write_done(&args.read, request, &typed, NOTIFY_DELIVERY_TIMEOUT + PATIENCE, out)
        }
    })
}
