//! Taking in history from elsewhere, older than, between and newer than what is there, without doubling anything.
//!
//! Each check has a cursor into what the store held when the import began. Imported runs that come in order of time,
//! as an export does, move it forward once; others move it back at the cost of a search.

use std::collections::HashMap;
use std::ops::{AddAssign, Range};

use crate::error::Result;
use crate::limits::{IMPORT_BATCH_BYTES, IMPORT_CURSORS_MAX};
use crate::provenance::Provenance;
use crate::reader::{Reader, Runs};
use crate::run::{Metric, Run};
use crate::value::Value;
use crate::writer::Writer;

/// What an import did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Runs that were added.
    pub added: u64,
    /// Runs that were there already.
    pub known: u64,
}

impl AddAssign for Imported {
    fn add_assign(&mut self, more: Imported) {
        self.added += more.added;
        self.known += more.known;
    }
}

/// An import under way.
///
/// Two runs are the same if check, time, duration, states, reason, exit status, signal, missed slots, text, long text and the
/// metrics' names and values are, and of consolidated ones span and function. A run that the store has n times is known n times.
pub struct Importer<'a> {
    reader: &'a Reader,
    writer: &'a mut Writer,
    cursors: HashMap<String, Cursor<'a>>,
    batch: Vec<(String, Run)>,
    batch_bytes: usize,
    /// The runs stay what they were.
    restores: bool,
    done: Imported,
}

struct Cursor<'a> {
    runs: std::iter::Peekable<Runs<'a>>,
    /// The time at which `here` is, and the runs of that time that have not been matched.
    at_ms: Option<i64>,
    here: Vec<Run>,
}

fn same_metric(a: &Metric, b: &Metric) -> bool {
    // What is not a number does not equal itself.
    let bits = |value: Option<Value>| match value {
        Some(Value::Float(float)) => (1, float.to_bits()),
        Some(Value::Integer(integer)) => (2, integer as u64),
        None => (0, 0),
    };
    a.label == b.label && a.labels == b.labels && bits(a.value) == bits(b.value)
}

fn same(a: &Run, b: &Run) -> bool {
    let key = |run: &Run| {
        (
            run.time_ms,
            run.duration_us,
            run.state,
            run.plugin_state,
            run.reason,
            run.exit_code,
            run.signal,
            run.missed_slots,
            // A row of five minutes and one of an hour may end at one time with one value.
            match run.provenance {
                Provenance::Consolidated { span_ms, function } => Some((span_ms, function)),
                _ => None,
            },
        )
    };
    key(a) == key(b)
        && a.text == b.text
        && a.long_text == b.long_text
        && a.metrics.len() == b.metrics.len()
        && a.metrics.iter().zip(&b.metrics).all(|(a, b)| same_metric(a, b))
}

/// From a time on, the last millisecond there is included.
fn from(time_ms: i64) -> Range<i64> {
    time_ms..i64::MAX
}

impl<'a> Importer<'a> {
    /// Begins an import into the store that both have open.
    pub fn new(reader: &'a Reader, writer: &'a mut Writer) -> Importer<'a> {
        Importer {
            reader,
            writer,
            cursors: HashMap::new(),
            batch: Vec::new(),
            batch_bytes: 0,
            restores: false,
            done: Imported::default(),
        }
    }

    /// Begins an import of runs of this very store, or of one that is made anew: they are not marked as imported, and so stay
    /// what they were.
    pub fn restoring(reader: &'a Reader, writer: &'a mut Writer) -> Importer<'a> {
        Importer { restores: true, ..Importer::new(reader, writer) }
    }

    /// Takes in a run, unless it is known, and marks it as imported, unless it is restored.
    ///
    /// # Errors
    /// Those of reading what is there and of [`Writer::append`].
    pub fn add(&mut self, check: &str, mut run: Run) -> Result<()> {
        run.imported |= !self.restores;
        if self.is_known(check, &run)? {
            self.done.known += 1;
            return Ok(());
        }
        let texts = [&run.text, &run.long_text, &run.stderr, &run.origin, &run.judgement];
        let texts: usize = texts.iter().map(|text| text.len()).sum();
        self.batch_bytes += 128 + run.metrics.len() * 64 + texts + run.instances.bytes();
        self.batch.push((check.to_owned(), run));
        if self.batch_bytes >= IMPORT_BATCH_BYTES { self.flush() } else { Ok(()) }
    }

    fn is_known(&mut self, check: &str, run: &Run) -> Result<bool> {
        let reader = self.reader;
        let open = |time_ms| Cursor {
            runs: reader.runs(check, from(time_ms)).peekable(),
            at_ms: None,
            here: Vec::new(),
        };
        if self.cursors.len() >= IMPORT_CURSORS_MAX && !self.cursors.contains_key(check) {
            self.cursors.clear();
        }
        let cursor = match self.cursors.get_mut(check) {
            Some(cursor) => cursor,
            None => self.cursors.entry(check.to_owned()).or_insert_with(|| open(run.time_ms)),
        };
        if cursor.at_ms.is_some_and(|at| run.time_ms < at) {
            *cursor = open(run.time_ms);
        }
        if cursor.at_ms != Some(run.time_ms) {
            cursor.here.clear();
            while let Some(next) =
                cursor.runs.next_if(|next| next.as_ref().map_or(true, |next| next.time_ms <= run.time_ms))
            {
                let next = next?;
                if next.time_ms == run.time_ms {
                    cursor.here.push(next);
                }
            }
            cursor.at_ms = Some(run.time_ms);
        }
        let found = cursor.here.iter().position(|known| same(known, run));
        if let Some(at) = found {
            cursor.here.swap_remove(at);
        }
        Ok(found.is_some())
    }

    fn flush(&mut self) -> Result<()> {
        let batch: Vec<(&str, &Run)> = self.batch.iter().map(|(check, run)| (check.as_str(), run)).collect();
        self.writer.append(&batch)?;
        self.writer.wait_for_backlog(2);
        self.done.added += batch.len() as u64;
        self.batch.clear();
        self.batch_bytes = 0;
        Ok(())
    }

    /// Ends the import; all runs are durable then.
    ///
    /// # Errors
    /// Those of [`Writer::append`] and [`Writer::sync`].
    pub fn finish(mut self) -> Result<Imported> {
        self.flush()?;
        self.writer.sync()?;
        Ok(self.done)
    }
}
