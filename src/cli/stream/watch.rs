//! `custos stream --watch`: what the agent shows of checks that are watched, and the time of this host.

use std::io::{BufRead, Write};
use std::thread;
use std::time::Duration;

use crossbeam::channel::{Receiver, Sender, bounded, select, tick};

use super::args::StreamArgs;
use crate::cli::read::Failure;
use crate::clock;
use crate::control::{self, AskError, Watched};
use crate::limits::{WATCH_OUT_MAX, WATCH_PAST_MAX, WATCH_TIME_INTERVAL};
use crate::live::{LiveLine, Wish, past};

/// Longest line that is read from stdin, in bytes; what it answers is no longer.
const ECHO_MAX_BYTES: usize = 128;

/// Writes the lines until stdout is closed, or nothing is watched any more.
pub(super) fn watch(args: &StreamArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let (dir, _) = args.read.locate()?;
    let every_ms = args.every.map(|every| u64::try_from(every.as_millis()).unwrap_or(u64::MAX));
    let wish = |check: &String| Wish { check: check.clone(), every_ms };
    let watched = control::watch(&dir, args.selectors.iter().map(wish).collect()).map_err(failed)?;
    // Read after the watching has begun, it has no hole before what comes now.
    if let Some(length) = args.past {
        write_past(args, length, out)?;
    }
    let (lines, said) = (read_lines(watched), read_stdin());
    let seconds = tick(WATCH_TIME_INTERVAL);
    let (mut is_watched, mut why_not) = (false, None);
    loop {
        select! {
            recv(lines) -> line => match line {
                Ok(line) => {
                    let line = line?;
                    // After the first check that is watched there is nothing more to find out.
                    if !is_watched {
                        match serde_json::from_str(&line) {
                            Ok(LiveLine::Watching { .. }) => is_watched = true,
                            Ok(LiveLine::Ended { why, .. }) => why_not = Some(why.into_owned()),
                            _ => {}
                        }
                    }
                    writeln!(out, "{line}")?;
                }
                Err(_) => return why_not.filter(|_| !is_watched).map_or(Ok(()), |why| Err(Failure::new(why))),
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
fn write_past(args: &StreamArgs, length: Duration, out: &mut dyn Write) -> Result<(), Failure> {
    let opened = args.read.open()?;
    let length_ms = i64::try_from(length.min(WATCH_PAST_MAX).as_millis()).unwrap_or(i64::MAX);
    let since_ms = clock::now_ms().saturating_sub(length_ms);
    for line in past(&opened.reader.snapshot(), &args.selectors, since_ms..i64::MAX) {
        out.write_all(line.as_bytes())?;
    }
    Ok(out.flush()?)
}

fn time(echo: Option<&str>) -> std::sync::Arc<str> {
    LiveLine::of_time(clock::now_ms(), echo)
}

fn failed(error: AskError) -> Failure {
    Failure::new(error.to_string())
}

/// The lines of the agent, read by a thread of its own.
fn read_lines(mut watched: Watched) -> Receiver<Result<String, Failure>> {
    let (sender, lines) = bounded(WATCH_OUT_MAX);
    thread::spawn(move || {
        while let Some(line) = watched.next_line().map_err(failed).transpose() {
            let is_last = line.is_err();
            if sender.send(line).is_err() || is_last {
                break;
            }
        }
    });
    lines
}

/// The lines of stdin, read by a thread of its own. That stdin ends says nothing.
fn read_stdin() -> Receiver<String> {
    let (sender, lines) = bounded(WATCH_OUT_MAX);
    thread::spawn(move || say(&sender));
    lines
}

fn say(sender: &Sender<String>) {
    let short = |line: &String| line.len() <= ECHO_MAX_BYTES;
    let lines = std::io::stdin().lock().lines().map_while(Result::ok).filter(short);
    for line in lines {
        if sender.send(line).is_err() {
            return;
        }
    }
    // The other end of the channel must not see its end.
    loop {
        thread::park();
    }
}
