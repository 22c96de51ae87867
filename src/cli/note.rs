//! `custos note`: what people and their scripts write into the history.

use std::io::Write;
use std::ops::Range;
use std::path::Path;

use clap_complete::engine::ArgValueCompleter;
use jiff::Zoned;
use serde_json::json;

use super::completion;
use super::listing::SpanArgs;
use super::notify::author;
use super::read::{Failure, ReadArgs, finish, json_line, local_time, now, tell, time_or_now};
use super::style::printable;
use super::unknown::remark;
use crate::exit_code::ExitCode;
use crate::limits::{NOTIFY_AUTHOR_MAX_BYTES, TIMELINE_NOTE_TEXT_MAX_BYTES};
use crate::timeline::{Marks, TimelineNote};

/// Writes a note into the history, of this moment or of another, whether the agent runs or not.
///
/// Notes stand among the events, the runs of custos history, beneath graphs and in custos why. A script that deploys something may
/// write what it does.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct NoteArgs {
    /// What there is to say, in one word or several
    #[arg(value_name = "TEXT", required_unless_present_any = ["list", "rm"], conflicts_with_all = ["list", "rm"])]
    words: Vec<String>,
    /// Of when it is [default: now]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, conflicts_with_all = ["list", "rm"])]
    at: Option<String>,
    /// The check that it is about; without one the machine
    #[arg(long, value_name = "CHECK", add = ArgValueCompleter::new(completion::check), conflicts_with = "rm")]
    check: Option<String>,
    /// Who writes it, at most 64 bytes [default: the user who gives the command]
    #[arg(long, value_name = "NAME", conflicts_with_all = ["list", "rm"])]
    author: Option<String>,
    /// Show the notes, the newest last
    #[arg(long)]
    list: bool,
    #[command(flatten)]
    span: SpanArgs,
    /// One JSON object for each
    #[arg(long, requires = "list")]
    json: bool,
    /// Take away the notes with these numbers
    #[arg(long, value_name = "NUMBER", num_args = 1.., conflicts_with = "list")]
    rm: Vec<u64>,
    #[command(flatten)]
    read: ReadArgs,
}

/// Runs the command.
pub(super) fn run(args: &NoteArgs) -> ExitCode {
    finish(|out| answer(args, &now(), out))
}

fn answer(args: &NoteArgs, now: &Zoned, out: &mut dyn Write) -> Result<(), Failure> {
    if args.list {
        return list(args, now, out);
    }
    if args.span.is_given() {
        return Err(Failure::usage("--since and --until are for --list; --at says of when a note is"));
    }
    let (store, _) = args.read.locate()?;
    if args.rm.is_empty() {
        return add(args, now, out);
    }
    Marks::<TimelineNote>::remove(&store, &args.rm)?;
    let removed: Vec<String> = args.rm.iter().map(ToString::to_string).collect();
    writeln!(out, "removed {}", removed.join(", "))?;
    Ok(())
}

fn add(args: &NoteArgs, now: &Zoned, out: &mut dyn Write) -> Result<(), Failure> {
    let time_ms = time_or_now("--at", args.at.as_deref(), now)?;
    let (text, author) = (args.words.join(" "), author(args.author.as_deref()));
    if text.trim().is_empty() {
        return Err(Failure::usage("a note without a text says nothing"));
    }
    for (what, written, most) in
        [("text", &text, TIMELINE_NOTE_TEXT_MAX_BYTES), ("author", &author, NOTIFY_AUTHOR_MAX_BYTES)]
    {
        if written.len() > most {
            return Err(Failure::usage(format!("the {what} has more than {most} bytes")));
        }
    }
    let (store, _) = args.read.locate()?;
    let check = args.check.clone();
    let of = |number| TimelineNote { number, time_ms, check, author, text };
    let number = Marks::add(&store, of)?;
    if let Some(remark) = args.check.as_ref().and_then(|check| remark(check, &args.read.all_checks())) {
        tell(&remark);
    }
    writeln!(out, "note {number}")?;
    Ok(())
}

fn list(args: &NoteArgs, now: &Zoned, out: &mut dyn Write) -> Result<(), Failure> {
    let checks: Vec<String> = args.check.iter().cloned().collect();
    let span = args.span.range(now)?;
    let (store, _) = args.read.locate()?;
    for note in Marks::<TimelineNote>::read(&store)?.within(&checks, &span) {
        if args.json {
            json_line(note, out)?;
            continue;
        }
        let time = local_time(note.time_ms, now.time_zone());
        writeln!(out, "{:>4}  {time}  {}", note.number, printable(&note.said()))?;
    }
    Ok(())
}

/// The notes of a store, for commands that show other things as well: says on stderr that they cannot be read, and goes on without.
pub(super) fn notes_or_none(store: &Path) -> Marks<TimelineNote> {
    Marks::read(store).unwrap_or_else(|error| {
        tell(&Failure::from(error).message);
        Marks::default()
    })
}

/// A note among changes of state, for programs.
pub(super) fn note_json(note: &TimelineNote) -> serde_json::Value {
    let TimelineNote { number, time_ms, check, author, text } = note;
    let id = format!("note/{number}");
    json!({ "id": id, "kind": "note", "time_ms": time_ms, "check": check, "author": author, "text": text })
}

/// The part of time that what is shown covers, where it is the newest of more.
pub(super) fn from_first(span: &Range<i64>, first_ms: Option<i64>, is_cut: bool) -> Range<i64> {
    match first_ms {
        Some(first_ms) if is_cut => first_ms.max(span.start)..span.end,
        _ => span.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::stage;

    fn shown(store: &tempfile::TempDir, line: &[&str]) -> Result<String, Failure> {
        stage::shown(store, line, |args: &NoteArgs, now, _, out| answer(args, now, out))
    }

    #[test]
    fn a_note_is_written_listed_and_removed() {
        let store = stage::store(|_| {});
        assert_eq!(shown(&store, &["deploy", "4.2", "--author", "anna"]).unwrap(), "note 1\n");
        let line = ["disk added", "--at", "12:30", "--check", "disk", "--author", "\u{1b}[31mx"];
        assert_eq!(shown(&store, &line).unwrap(), "note 2\n");
        assert_eq!(
            shown(&store, &["--list"]).unwrap(),
            "   2  2026-11-22 12:30:00  disk: disk added (\\u{1b}[31mx)\n   1  2026-11-22 13:01:00  deploy 4.2 (anna)\n"
        );
        assert_eq!(shown(&store, &["--list", "--since", "12:45"]).unwrap().lines().count(), 1);
        assert_eq!(shown(&store, &["--list", "--check", "load"]).unwrap().lines().count(), 1);
        let json = shown(&store, &["--list", "--json"]).unwrap();
        assert!(json.starts_with(r#"{"number":2,"time_ms":1795347000000,"check":"disk","#), "{json}");
        assert_eq!(shown(&store, &["--rm", "2"]).unwrap(), "removed 2\n");
        assert!(shown(&store, &["--rm", "2"]).is_err());
        assert_eq!(shown(&store, &["--list"]).unwrap().lines().count(), 1);
    }

    #[test]
    fn what_is_too_long_or_nothing_is_refused() {
        let store = stage::store(|_| {});
        let long = "x".repeat(TIMELINE_NOTE_TEXT_MAX_BYTES + 1);
        for line in [&[long.as_str()][..], &[" "], &["x", "--author", &long], &["x", "--since", "12:00"]] {
            assert!(shown(&store, line).is_err(), "{line:?}");
        }
        assert_eq!(shown(&store, &["--list"]).unwrap(), "");
    }
}
