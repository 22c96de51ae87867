//! The command: what is read of the store, and where the report goes.

use std::io::Write;

use custos_query::ReadContext;
use jiff::Zoned;

use super::args::ReportArgs;
use super::block::{Format, Report};
use super::capacity::Capacity;
use super::gather::{Gathering, titled};
use super::html::html;
use super::markdown::markdown;
use super::words::words;
use crate::cli::read::{Failure, finish, now, time, time_or_now};
use crate::exit_code::ExitCode;

/// Runs the command.
pub(in crate::cli) fn run(args: &ReportArgs) -> ExitCode {
    finish(|out| answer(args, &now(), out))
}

/// The command at a time.
pub(super) fn answer(args: &ReportArgs, now: &Zoned, out: &mut dyn Write) -> Result<(), Failure> {
    let since_ms = time("--since", &args.since, now)?;
    let until_ms = time_or_now("--until", args.until.as_deref(), now)?;
    let span = since_ms..until_ms;
    if span.is_empty() {
        return Err(Failure::usage("--since is not before --until"));
    }
    let format = match (args.html, args.md) {
        (true, _) => Format::Html,
        (_, true) => Format::Markdown,
        _ => Format::Text,
    };
    let mut opened = args.read.open()?;
    let mut damage = std::mem::take(&mut opened.damage);
    let mut on_damage = |error: &custos_store::Error| damage.note(error);
    let mut context = ReadContext::new(&mut on_damage);
    let report = match args.capacity {
        true => {
            let title = titled("capacity", &span, now);
            let blocks = Capacity { opened: &opened, zone: now.time_zone(), span }.blocks(&mut context)?;
            Report { title, blocks }
        }
        false => Gathering { opened: &opened, now, span, format }.report(&mut context)?,
    };
    let written = match format {
        Format::Html => html(&report),
        Format::Markdown => markdown(&report),
        Format::Text => words(&report),
    };
    match &args.output {
        Some(path) => std::fs::write(path, written)
            .map_err(|error| Failure::new(format!("failed to write {}: {error}", path.display())))?,
        None => out.write_all(written.as_bytes())?,
    }
    damage.finish(out)
}
