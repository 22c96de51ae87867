//! `custos stream --watch`: what the agent shows of checks that are watched, and the time of this host.

use std::collections::BTreeSet;
use std::io::Write;
use std::thread;
use std::time::Duration;

use crossbeam::channel::{Receiver, Sender, bounded, select, tick};

use super::args::StreamArgs;
use crate::cli::bounded_lines::{Line, next_line, skip_line};
use crate::cli::read::Failure;
use crate::clock;
use crate::control::{self, AskError, WatchedChannel};
use crate::limits::{WATCH_ECHO_MAX_BYTES, WATCH_OUT_MAX, WATCH_PAST_MAX, WATCH_TIME_INTERVAL};
use crate::live::{LiveLine, Queries, Wish, past, pump};

/// Writes the lines until stdout is closed, or nothing is watched any more.
pub(super) fn watch(args: &StreamArgs, out: &mut dyn Write) -> Result<(), Failure> {
    if args.selectors.is_empty() && args.queries.is_empty() {
        return Err(Failure::usage("--watch wants a check, or an expression with --query"));
    }
    let (dir, _) = args.read.locate()?;
    let mut queries = begin(args, out)?;
    let checks = queries.as_ref().map_or_else(|| args.selectors.clone(), Queries::checks);
    if checks.is_empty() {
        return Err(Failure::new("nothing is selected that could be watched"));
    }
    let every_ms = args.every.map(|every| u64::try_from(every.as_millis()).unwrap_or(u64::MAX));
    let wish = |check: &String| Wish { check: check.clone(), every_ms };
    let watched = control::watch(&dir, checks.iter().map(wish).collect()).map_err(failed)?;
    // Read after the watching has begun, it has no hole before what comes now.
    if let Some(length) = args.past {
        write_past(args, length, queries.as_mut(), out)?;
    }
    let watched = WatchedChannel::of(watched).map_err(failed)?;
    match queries {
        None => write_lines(watched.lines(), out),
        Some(queries) => write_lines(&pumped(queries, watched), out),
    }
}

/// Begins with the expressions, if there are some, and writes the lines that say so.
fn begin(args: &StreamArgs, out: &mut dyn Write) -> Result<Option<Queries>, Failure> {
    if args.queries.is_empty() {
        return Ok(None);
    }
    let mut reader = args.read.open()?.reader;
    let snapshot = reader.snapshot();
    let look = Box::new(move || {
        // As it was last, where it cannot be looked at.
        let _ = reader.refresh();
        Some(reader.snapshot())
    });
    let (queries, lines) = Queries::begin(&args.queries, args.selectors.clone(), look, &snapshot);
    for line in lines {
        out.write_all(line.as_bytes())?;
    }
    out.flush()?;
    Ok(Some(queries))
}

/// The lines of the agent, and what expressions come to with them.
fn pumped(queries: Queries, watched: WatchedChannel) -> Receiver<Result<String, AskError>> {
    let (sender, lines) = bounded(WATCH_OUT_MAX);
    thread::spawn(move || {
        let ended = pump(queries, watched.lines(), |line| sender.send(Ok(line.to_owned())).is_ok());
        if let Err(error) = ended {
            // Nobody is there any more to be told.
            let _ = sender.send(Err(error));
        }
    });
    lines
}

fn write_lines(lines: &Receiver<Result<String, AskError>>, out: &mut dyn Write) -> Result<(), Failure> {
    let said = read_stdin();
    let seconds = tick(WATCH_TIME_INTERVAL);
    let mut fate = Fate::default();
    loop {
        select! {
            recv(lines) -> line => match line {
                Ok(line) => {
                    let line = line.map_err(failed)?;
                    fate.note(&line);
                    writeln!(out, "{line}")?;
                }
                Err(_) => {
                    out.flush()?;
                    return fate.verdict().map_or(Ok(()), |why| Err(Failure::new(why)));
                }
            },
            recv(said) -> line => if let Ok(line) = line {
                out.write_all(time(Some(&line)).as_bytes())?;
            },
            recv(seconds) -> _ => out.write_all(time(None).as_bytes())?,
        }
        if lines.is_empty() {
            out.flush()?;
        }
    }
}

/// Writes what the store has of the time before now.
fn write_past(
    args: &StreamArgs,
    length: Duration,
    queries: Option<&mut Queries>,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let opened = args.read.open()?;
    let length_ms = i64::try_from(length.min(WATCH_PAST_MAX).as_millis()).unwrap_or(i64::MAX);
    let span = clock::now_ms().saturating_sub(length_ms)..i64::MAX;
    let snapshot = opened.reader.snapshot();
    let mut lines = past(&snapshot, &args.selectors, span.clone());
    if let Some(queries) = queries {
        lines.extend(queries.past(&snapshot, span));
    }
    for line in lines {
        out.write_all(line.as_bytes())?;
    }
    Ok(out.flush()?)
}

/// What became of the checks that were to be watched.
#[derive(Default)]
struct Fate {
    /// Those that are watched.
    watched: BTreeSet<String>,
    /// Whether any was.
    any_watched: bool,
    /// Why the last one that ended did.
    why_not: Option<String>,
}

impl Fate {
    fn note(&mut self, line: &str) {
        // Most lines are runs, of which nothing but the beginning has to be looked at.
        if !line.starts_with("{\"watching\"") && !line.starts_with("{\"ended\"") {
            return;
        }
        match serde_json::from_str(line) {
            Ok(LiveLine::Watching { check, .. }) => {
                self.any_watched = true;
                self.watched.insert(check.into_owned());
            }
            Ok(LiveLine::Ended { check, why }) => {
                self.watched.remove(&*check);
                self.why_not = Some(why.into_owned());
            }
            _ => {}
        }
    }

    /// What is wrong, once nothing more comes: nothing was watched, or the agent did not say that watching ends.
    fn verdict(self) -> Option<String> {
        if let Some(check) = self.watched.first() {
            let others = match self.watched.len() - 1 {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            return Some(format!(
                "the running agent is gone without a word, as if it was killed, while {check}{others} was watched"
            ));
        }
        self.why_not.filter(|_| !self.any_watched)
    }
}

fn time(echo: Option<&str>) -> std::sync::Arc<str> {
    LiveLine::of_time(clock::now_ms(), echo)
}

fn failed(error: AskError) -> Failure {
    Failure::new(error.to_string())
}

/// The lines of stdin, read by a thread of its own. That stdin ends says nothing.
fn read_stdin() -> Receiver<String> {
    let (sender, lines) = bounded(WATCH_OUT_MAX);
    thread::spawn(move || say(&sender));
    lines
}

fn say(sender: &Sender<String>) {
    let mut stdin = std::io::stdin().lock();
    while let Ok(Some(line)) = next_line(&mut stdin, WATCH_ECHO_MAX_BYTES) {
        let (is_gone, is_over) = match line {
            Line::Whole(line) => (sender.send(line).is_err(), false),
            Line::TooLong => (false, skip_line(&mut stdin).is_err()),
        };
        if is_gone {
            return;
        }
        if is_over {
            break;
        }
    }
    // The other end of the channel must not see its end.
    loop {
        thread::park();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(lines: &[&str]) -> Option<String> {
        let mut fate = Fate::default();
        lines.iter().for_each(|line| fate.note(line));
        fate.verdict()
    }

    fn watching(check: &str) -> String {
        let line =
            LiveLine::Watching { check: check.into(), interval_ms: None, every_ms: None, note: "".into() };
        line.text().trim_end().to_owned()
    }

    fn ended(check: &str) -> String {
        LiveLine::Ended { check: check.into(), why: "so".into() }.text().trim_end().to_owned()
    }

    #[test]
    fn an_end_that_was_not_told_is_a_failure() {
        assert_eq!(verdict(&[&ended("a")]).as_deref(), Some("so"));
        assert_eq!(verdict(&[&watching("a"), &ended("b"), &ended("a")]), None);
        let gone = verdict(&[&watching("a"), &watching("b"), &ended("a")]).unwrap();
        assert!(gone.ends_with("while b was watched"), "{gone}");
        let gone = verdict(&[&watching("a"), &watching("b")]).unwrap();
        assert!(gone.ends_with("while a and 1 more was watched"), "{gone}");
    }
}
