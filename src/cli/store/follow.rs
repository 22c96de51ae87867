//! `custos store import --follow`: takes in a stream of another Custos, and acknowledges what is durable here.

use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;

use crossbeam::channel::{Receiver, bounded};
use custos_store::{Imported, Importer, Options, Reader, Run, Writer};
use serde::Deserialize;

use super::directory::{failed, not_opened, taken_in};
use super::import_line::{bad_line, parse, text_of};
use crate::cli::bounded_lines::{Line, next_line, quoted};
use crate::cli::read::{Failure, tell};
use crate::limits::{IMPORT_FOLLOW_BYTES, IMPORT_FOLLOW_RUNS, IMPORT_LINE_MAX_BYTES, INPUT_ECHO_MAX_BYTES};

/// What a line of a stream has beside a run.
#[derive(Deserialize)]
struct Around {
    position: Option<u64>,
    gap: Option<serde_json::Value>,
}

/// Takes in lines until the input ends.
pub(super) fn follow(dir: &Path, out: &mut dyn Write) -> Result<(), Failure> {
    let mut writer =
        Writer::open(dir, Options::default()).map_err(|error| failed("take the runs in", &error))?;
    let mut reader = Reader::open(dir).map_err(|error| not_opened(dir, &error))?;
    let lines = Lines::read();
    let (mut number, mut all) = (0, Imported::default());
    loop {
        let batch = batch(&lines, &mut number)?;
        let Some(last) = batch.last else { break };
        reader.refresh().map_err(|error| not_opened(dir, &error))?;
        let mut importer = Importer::new(&reader, &mut writer);
        for (check, run) in batch.runs {
            importer.add(&check, run).map_err(|error| failed("import", &error))?;
        }
        let done = importer.finish().map_err(|error| failed("import", &error))?;
        writer.sync().map_err(|error| failed("make the runs durable", &error))?;
        all += done;
        if let Some(position) = last {
            writeln!(out, "{position}")?;
            out.flush()?;
        }
    }
    writer.close().map_err(|error| failed("close the store", &error))?;
    tell(&taken_in(&all));
    Ok(())
}

/// The lines of stdin, read on a thread of their own, so that what has come is known without waiting for more.
struct Lines {
    queue: Receiver<io::Result<Line>>,
    ahead: Arc<Ahead>,
}

/// How many bytes were read ahead.
#[derive(Default)]
struct Ahead {
    bytes: Mutex<usize>,
    taken: Condvar,
}

impl Lines {
    fn read() -> Lines {
        let (sender, queue) = bounded(IMPORT_FOLLOW_RUNS);
        let ahead = Arc::new(Ahead::default());
        let own = Arc::clone(&ahead);
        thread::spawn(move || {
            let mut stdin = io::stdin().lock();
            while let Some(line) = next_line(&mut stdin, IMPORT_LINE_MAX_BYTES).transpose() {
                own.add(length(&line));
                let failed = line.is_err();
                if sender.send(line).is_err() || failed {
                    break;
                }
            }
        });
        Lines { queue, ahead }
    }

    /// The next line, which is waited for if so wished.
    fn next(&self, is_awaited: bool) -> Option<io::Result<Line>> {
        let line = if is_awaited { self.queue.recv().ok() } else { self.queue.try_recv().ok() }?;
        self.ahead.remove(length(&line));
        Some(line)
    }
}

fn length(line: &io::Result<Line>) -> usize {
    match line {
        Ok(Line::Whole(text)) => text.len(),
        _ => 0,
    }
}

impl Ahead {
    /// Waits until so many bytes more may be there.
    fn add(&self, bytes: usize) {
        let mut there = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        while *there > 0 && *there + bytes > IMPORT_FOLLOW_BYTES {
            there = self.taken.wait(there).unwrap_or_else(PoisonError::into_inner);
        }
        *there += bytes;
    }

    fn remove(&self, bytes: usize) {
        *self.bytes.lock().unwrap_or_else(PoisonError::into_inner) -= bytes;
        self.taken.notify_one();
    }
}

/// What is taken in at once.
#[derive(Default)]
struct Batch {
    runs: Vec<(String, Run)>,
    /// The position behind it, if the last line has one; none at the end of the input.
    last: Option<Option<u64>>,
}

/// Waits for a line, and takes those with it that have come, too.
fn batch(lines: &Lines, number: &mut u64) -> Result<Batch, Failure> {
    let (mut batch, mut bytes) = (Batch::default(), 0);
    loop {
        let is_full = batch.runs.len() >= IMPORT_FOLLOW_RUNS || bytes >= IMPORT_FOLLOW_BYTES;
        // Until there is something to take in, more is waited for.
        let next = if is_full { None } else { lines.next(batch.last.is_none()) };
        let Some(line) = next else { return Ok(batch) };
        *number += 1;
        let line = text_of(line.map_err(|error| bad_line(*number, &error.to_string()))?, *number)?;
        bytes += line.len();
        if !line.trim().is_empty() {
            let around: Around =
                serde_json::from_str(&line).map_err(|error| bad_line(*number, &error.to_string()))?;
            batch.last = Some(around.position);
            match around.gap {
                Some(gap) => {
                    tell(&format!(
                        "the stream has a gap: {}",
                        quoted(&gap.to_string(), INPUT_ECHO_MAX_BYTES)
                    ));
                }
                None => batch.runs.push(parse(&line, *number)?),
            }
        }
    }
}
