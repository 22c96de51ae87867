//! `custos silence`.

use std::io::Write;

use clap_complete::engine::ArgValueCompleter;
use jiff::Zoned;

use super::ask::{PATIENCE, RemarkArgs, ask_each, remark_unknown, standing, write_done};
use super::show::{write_silences, write_unreadable};
use crate::cli::completion;
use crate::cli::read::{Failure, ReadArgs, finish, json_line, now, time};
use crate::control::NotifyRequest;
use crate::exit_code::ExitCode;

const DAY_MS: i64 = 24 * 3600 * 1000;

/// Keeps alerts from being told for a time, now or at a date.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct SilenceArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Action {
    /// Add a silence.
    ///
    /// What still fires when it ends is told then. That an alert is over which was told is told all the same.
    Add(AddArgs),
    /// List silences, those that have not begun among them.
    List(ListArgs),
    /// End a silence.
    Expire(ExpireArgs),
}

#[derive(Clone, Debug, clap::Args)]
struct AddArgs {
    /// Names of checks, and conditions on labels such as severity=warning or 'path=~/var.*'
    #[arg(value_name = "CHECK|CONDITION", required = true, add = ArgValueCompleter::new(completion::defined_check))]
    words: Vec<String>,
    /// How long: 30m, 2h, 7d
    #[arg(long = "for", value_name = "TIME", conflicts_with = "until")]
    span: Option<String>,
    /// Until when: 18:00, 2026-03-01, '2026-03-01 14:00'
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// From when; without it from now on
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    #[command(flatten)]
    remark: RemarkArgs,
    #[command(flatten)]
    read: ReadArgs,
}

#[derive(Clone, Debug, clap::Args)]
struct ListArgs {
    /// One JSON object for each silence
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    read: ReadArgs,
}

#[derive(Clone, Debug, clap::Args)]
struct ExpireArgs {
    /// Their numbers
    #[arg(value_name = "NUMBER", required = true)]
    ids: Vec<u64>,
    #[command(flatten)]
    read: ReadArgs,
}

/// Runs the command.
pub(in crate::cli) fn silence(args: &SilenceArgs) -> ExitCode {
    finish(|out| match &args.action {
        Action::Add(args) => add(args, &now(), out),
        Action::List(args) => list(args, &now(), out),
        Action::Expire(args) => expire(args, out),
    })
}

fn add(args: &AddArgs, now: &Zoned, out: &mut dyn Write) -> Result<(), Failure> {
    let now_ms = now.timestamp().as_millisecond();
    let from_ms = args.at.as_deref().map(|at| ahead("--at", at, now)).transpose()?;
    let until_ms = match (&args.span, &args.until) {
        (Some(span), _) => from_ms.unwrap_or(now_ms).saturating_add(long("--for", span, now)?),
        (None, Some(until)) => ahead("--until", until, now)?,
        (None, None) => return Err(Failure::usage("for how long? --for TIME or --until TIME is required")),
    };
    let author = args.remark.author();
    let request = |matchers| {
        let (author, comment) = (author.clone(), args.remark.comment.clone());
        NotifyRequest::Silence { matchers, from_ms, until_ms, author, comment }
    };
    ask_each(&args.read, "silence add", &args.words, request, out)?;
    remark_unknown(&args.read, &args.words);
    Ok(())
}

/// How long a time such as `2h` is, in ms.
pub(in crate::cli) fn long(option: &str, text: &str, now: &Zoned) -> Result<i64, Failure> {
    let is_span = |c: char| c.is_ascii_digit() || matches!(c, 's' | 'm' | 'h' | 'd' | 'w' | ' ' | '.');
    if !text.chars().all(is_span) || !text.ends_with(|c: char| c.is_ascii_alphabetic()) {
        return Err(Failure::usage(format!(
            "{option}: found {text:?}, expected a time such as 30m, 2h or 7d"
        )));
    }
    Ok(now.timestamp().as_millisecond().saturating_sub(time(option, text, now)?))
}

/// A time that is to come: `18:00` is the next one, and `2h` is in two hours.
fn ahead(option: &str, text: &str, now: &Zoned) -> Result<i64, Failure> {
    let now_ms = now.timestamp().as_millisecond();
    if let Ok(span) = long(option, text.trim().trim_start_matches('+'), now) {
        return Ok(now_ms.saturating_add(span));
    }
    let at_ms = time(option, text, now)?;
    let is_time_of_day = text.contains(':') && text.trim().len() <= "23:59:59".len();
    match at_ms > now_ms {
        true => Ok(at_ms),
        false if is_time_of_day => Ok(at_ms.saturating_add(DAY_MS)),
        false => Err(Failure::usage(format!("{option}: {text} is past"))),
    }
}

fn list(args: &ListArgs, now: &Zoned, out: &mut dyn Write) -> Result<(), Failure> {
    let report = standing(&args.read, "silence list")?;
    write_unreadable(&report);
    if args.json {
        return report.silences.iter().try_for_each(|silence| json_line(silence, out));
    }
    write_silences(&report, now, out)
}

fn expire(args: &ExpireArgs, out: &mut dyn Write) -> Result<(), Failure> {
    for id in &args.ids {
        write_done(&args.read, NotifyRequest::Expire(*id), &format!("silence expire {id}"), PATIENCE, out)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_to_come_are_read() {
        let now: Zoned = "2026-03-01T12:00:00+00:00[UTC]".parse().unwrap();
        let now_ms = now.timestamp().as_millisecond();
        let hours = |text| ahead("--at", text, &now).ok().map(|at| (at - now_ms) / 3_600_000);
        assert_eq!(
            [hours("18:00"), hours("11:00"), hours("2h"), hours("+1d")],
            [Some(6), Some(23), Some(2), Some(24)]
        );
        assert_eq!([hours("2026-03-02"), hours("2026-02-01"), hours("nonsense")], [Some(12), None, None]);
        assert_eq!(long("--for", "90m", &now).ok(), Some(5_400_000));
        assert!(long("--for", "yesterday", &now).is_err());
    }
}
