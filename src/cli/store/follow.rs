//! `custos store import --follow`: takes in a stream of another Custos, and acknowledges what is durable here.

use std::io::Write;
use std::path::Path;
use std::thread;

use crossbeam::channel::{Receiver, bounded};
use custos_store::{Importer, Options, Reader, Run, Writer};
use serde::Deserialize;

use super::directory::{failed, not_opened};
use super::import_line::{bad_line, parse};
use crate::cli::read::{Failure, tell};
use crate::limits::IMPORT_FOLLOW_RUNS;
use crate::text::human::counted;

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
    let lines = lines();
    let (mut number, mut added, mut known) = (0, 0, 0);
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
        (added, known) = (added + done.added, known + done.known);
        if let Some(position) = last {
            writeln!(out, "{position}")?;
            out.flush()?;
        }
    }
    writer.close().map_err(|error| failed("close the store", &error))?;
    tell(&format!("{} added, {known} there already", counted(added, "run")));
    Ok(())
}

/// The lines of stdin, read on a thread of their own, so that what has come is known without waiting for more.
fn lines() -> Receiver<std::io::Result<String>> {
    let (sender, lines) = bounded(IMPORT_FOLLOW_RUNS);
    thread::spawn(move || {
        for line in std::io::stdin().lines() {
            let failed = line.is_err();
            if sender.send(line).is_err() || failed {
                break;
            }
        }
    });
    lines
}

/// What is taken in at once.
#[derive(Default)]
struct Batch {
    runs: Vec<(String, Run)>,
    /// The position behind it, if the last line has one; none at the end of the input.
    last: Option<Option<u64>>,
}

/// Waits for a line, and takes those with it that have come, too.
fn batch(lines: &Receiver<std::io::Result<String>>, number: &mut u64) -> Result<Batch, Failure> {
    let mut batch = Batch::default();
    loop {
        // Until there is something to take in, more is waited for.
        let next = match batch.last {
            None => lines.recv().ok(),
            Some(_) if batch.runs.len() < IMPORT_FOLLOW_RUNS => lines.try_recv().ok(),
            Some(_) => None,
        };
        let Some(line) = next else { return Ok(batch) };
        *number += 1;
        let line = line.map_err(|error| bad_line(*number, &error.to_string()))?;
        if !line.trim().is_empty() {
            let around: Around =
                serde_json::from_str(&line).map_err(|error| bad_line(*number, &error.to_string()))?;
            batch.last = Some(around.position);
            match around.gap {
                Some(gap) => tell(&format!("the stream has a gap: {gap}")),
                None => batch.runs.push(parse(&line, *number)?),
            }
        }
    }
}
