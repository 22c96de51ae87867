//! `custos store import`: JSON Lines, a run a line.

use std::io::{BufRead, Write};

use custos_query::RunJson;
use custos_store::{Importer, Options, Reader, Run, Writer};
use jiff::Timestamp;

use super::directory::{StoreDir, failed, not_opened};
use super::follow;
use super::progress::{Progress, STATUS_LINES};
use crate::cli::read::Failure;
use crate::config::CheckNameFault;
use crate::text::human::counted;

#[derive(Clone, Debug, clap::Args)]
pub(super) struct ImportArgs {
    #[command(flatten)]
    directory: StoreDir,
    /// Take what `custos stream` writes as it comes, and answer each position once its runs are durable
    #[arg(long)]
    follow: bool,
}

pub(super) fn import(args: &ImportArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let dir = args.directory.dir_to_write()?;
    if args.follow {
        return follow::follow(&dir, out);
    }
    let mut writer =
        Writer::open(&dir, Options::default()).map_err(|error| failed("take the runs in", &error))?;
    let reader = Reader::open(&dir).map_err(|error| not_opened(&dir, &error))?;
    let mut status = Progress::new();
    let mut importer = Importer::new(&reader, &mut writer);
    let mut input = std::io::stdin().lock();
    let mut line = String::new();
    let mut number = 0_u64;
    loop {
        line.clear();
        number += 1;
        if input.read_line(&mut line).map_err(|error| bad_line(number, &error.to_string()))? == 0 {
            break;
        }
        if line.trim().is_empty() {
            continue;
        }
        let (check, run) = parse(&line, number)?;
        importer.add(&check, run).map_err(|error| failed("import", &error))?;
        if number.is_multiple_of(STATUS_LINES) {
            status.show(&format!("{} read", counted(number, "run")));
        }
    }
    let done = importer.finish().map_err(|error| failed("import", &error))?;
    status.show("sealing");
    writer
        .compact()
        .and_then(|()| writer.close())
        .map_err(|error| failed("seal what was imported", &error))?;
    drop(status);
    Ok(writeln!(out, "{} added, {} there already", counted(done.added, "run"), done.known)?)
}

pub(super) fn bad_line(number: u64, what: &str) -> Failure {
    Failure::new(format!("failed to read line {number} of the input: {what}"))
}

/// The run of a line.
pub(super) fn parse(line: &str, number: u64) -> Result<(String, Run), Failure> {
    let (check, run) = RunJson::parse(line).map_err(|error| match error {
        custos_query::Error::Line { what } => bad_line(number, &what),
        error => error.into(),
    })?;
    match unusable(&check, &run) {
        Some(what) => Err(bad_line(number, &what)),
        None => Ok((check, run)),
    }
}

/// Why a run cannot be taken in, though it can be read: no command could name its check or show its time.
fn unusable(check: &str, run: &Run) -> Option<String> {
    if let Some(fault) = CheckNameFault::of(check) {
        return Some(fault.to_string());
    }
    let time_ms = run.time_ms;
    Timestamp::from_millisecond(time_ms)
        .is_err()
        .then(|| format!("found the time {time_ms}, expected milliseconds in the years -9999 to 9999"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_times_that_no_command_takes_are_refused() {
        let at = |time_ms| Run { time_ms, ..Run::default() };
        let run = at(0);
        for name in ["disk /", "größe", "custos", "custos.traps", "a/b", &"x".repeat(255)] {
            assert_eq!(unusable(name, &run), None, "{name}");
        }
        for name in ["", " a", "-a", "a\u{1b}[31m", "a\nb", "a\0", "a\u{9b}31m", &"x".repeat(100_000)] {
            assert!(unusable(name, &run).is_some_and(|why| why.starts_with("found ")), "{name}");
        }
        for time_ms in [i64::MIN, i64::MAX, 253_402_300_800_000] {
            assert!(unusable("a", &at(time_ms)).is_some_and(|why| why.contains("the years")), "{time_ms}");
        }
        for time_ms in [-62_135_596_800_000, 0, 253_000_000_000_000] {
            assert_eq!(unusable("a", &at(time_ms)), None);
        }
    }
}
