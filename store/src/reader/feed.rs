//! The runs of one segment in order of arrival, each chunk decoded once where memory allows.
//!
//! A chunk is decoded when its first run is due, and its rows stay in memory, as small as they can be, until the last of
//! them has been handed out, and with them the set of instances that the last run had. When all chunks that are open at once
//! take more than [`ARRIVALS_BYTES`], they are closed, and from then on only the runs of a window of numbers are taken out of
//! each: a chunk is decoded again for each window that it reaches into, and a window is as long as memory allows.
//!
//! A chunk in which the clock went back remembers up to
//! [`INSTANCE_SETS_RECENT`](crate::limits::INSTANCE_SETS_RECENT) sets, of which the largest counts, as they share what they
//! have in common.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use super::arrival_range::{ArrivalRange, Unread};
use crate::chunk::CompactRows;
use crate::damage::Damage;
use crate::error::{Error, Result};
use crate::limits::ARRIVALS_WINDOW_MIN;
use crate::position::Position;
use crate::run::Run;
use crate::segment::{ChunkRef, Segment};

/// A chunk, or the whole entry of a check that is damaged.
struct Source {
    check: Arc<str>,
    index: usize,
    chunk: Option<ChunkRef>,
    /// The number at which it is due to be opened; other entries of it in the queue do not count.
    due: Option<u64>,
    /// A run has that number. Before its numbers have been looked at, one may have.
    exact: bool,
    open: Option<Box<Open>>,
}

/// A chunk that has been decoded.
struct Open {
    rows: CompactRows,
    /// The position of the next run in `rows`.
    next: usize,
}

/// See the head of this file.
pub(super) struct Feed {
    segment: Arc<Segment>,
    sources: Vec<Source>,
    /// (number, source) of what is due to be opened.
    waiting: BinaryHeap<Reverse<(u64, usize)>>,
    /// (number of the next run, source) of what is open.
    ready: BinaryHeap<Reverse<(u64, usize)>>,
    /// What is open takes so many bytes.
    bytes: usize,
    bytes_max: usize,
    /// The most it took in this window.
    peak: usize,
    /// The last number of the window, and how many numbers the next one has beside its first.
    last: u64,
    window: u64,
    /// The runs end before this number.
    until: u64,
    /// How often a chunk was decoded.
    decoded: u64,
}

impl Feed {
    /// The runs of a range from a number on.
    pub(super) fn new(segment: &Arc<Segment>, from: u64, range: &ArrivalRange) -> Feed {
        let mut sources = Vec::new();
        let only = range.check.as_deref().map(|check| segment.find(check));
        for (index, (check, extent)) in segment.checks().enumerate() {
            let other = only.is_some_and(|only| only != Some(index));
            if other || extent.seq_max < from || extent.seq_min >= range.until.0 || !range.has_times(extent) {
                continue;
            }
            let check: Arc<str> = Arc::from(check);
            let source = |chunk: Option<ChunkRef>, seq_min: u64| Source {
                check: Arc::clone(&check),
                index,
                chunk,
                due: Some(seq_min.max(from)),
                exact: seq_min >= from,
                open: None,
            };
            match segment.chunks_at(index) {
                Ok(chunks) => {
                    let wanted = |chunk: &&ChunkRef| {
                        chunk.seq_max >= from && chunk.seq_min < range.until.0 && range.has_times(chunk)
                    };
                    let chunks = chunks.iter().filter(wanted);
                    sources.extend(chunks.map(|chunk| source(Some(*chunk), chunk.seq_min)));
                }
                Err(_) => sources.push(source(None, extent.seq_min)),
            }
        }
        let due = sources.iter().enumerate().filter_map(|(at, source)| Some(Reverse((source.due?, at))));
        Feed {
            waiting: due.collect(),
            segment: Arc::clone(segment),
            sources,
            ready: BinaryHeap::new(),
            bytes: 0,
            bytes_max: range.bytes_max,
            peak: 0,
            last: range.until.0.saturating_sub(1),
            window: u64::MAX,
            until: range.until.0,
            decoded: 0,
        }
    }

    /// What an error in reading a source costs.
    fn unread(&self, at: usize, error: Error) -> Unread {
        let source = &self.sources[at];
        let damage = matches!(error, Error::Damaged { .. }).then(|| match &source.chunk {
            Some(chunk) => self.segment.damage_of_chunk(&source.check, chunk, &error),
            None => self.segment.damage_of(source.index, &error),
        });
        Unread { error, damage }
    }

    /// How often a chunk was decoded so far.
    pub(super) fn decoded(&self) -> u64 {
        self.decoded
    }

    /// What an error in reading one row costs.
    fn unread_row(&self, seq: u64, at: usize, error: Error) -> Unread {
        let unread = self.unread(at, error);
        let (start, end) = (Position(seq), Position(seq.saturating_add(1)));
        let of_one = |damage| Damage { start, end, runs: Some(1), samples: None, ..damage };
        Unread { damage: unread.damage.map(of_one), ..unread }
    }

    /// Opens a source whose run with this number is due.
    fn open(&mut self, due: u64, at: usize) -> Result<()> {
        let segment = Arc::clone(&self.segment);
        let source = &mut self.sources[at];
        let Some(chunk) = &source.chunk else { return segment.chunks_at(source.index).map(drop) };
        let bytes = segment.chunk(chunk)?;
        let bad = segment.bad(chunk);
        let header = bytes.header().map_err(&bad)?;
        if !source.exact {
            let seqs = bytes.seqs(&header).map_err(&bad)?;
            source.exact = true;
            let until = self.until;
            let within = |seq: &u64| (due..until).contains(seq);
            self.wait(seqs.into_iter().map(|seq| seq as u64).filter(within).min(), at);
            return Ok(());
        }
        if due > self.last {
            self.begin_window(due);
        }
        let rows = bytes.rows(&header).map_err(&bad)?;
        self.decoded += 1;
        let later = |seq: &u64| *seq > self.last && *seq < self.until;
        let later = rows.seqs.iter().map(|seq| *seq as u64).filter(later).min();
        let rows = CompactRows::of(rows, due..=self.last);
        self.wait(later, at);
        let Some(first) = rows.seq(0) else { return Ok(()) };
        self.bytes += rows.bytes();
        self.ready.push(Reverse((first, at)));
        self.sources[at].open = Some(Box::new(Open { rows, next: 0 }));
        if self.bytes > self.bytes_max {
            self.narrow(first, at);
        }
        self.peak = self.peak.max(self.bytes);
        Ok(())
    }

    /// A source is due at this number.
    fn wait(&mut self, number: Option<u64>, at: usize) {
        self.sources[at].due = number;
        self.waiting.extend(number.map(|number| Reverse((number, at))));
    }

    fn begin_window(&mut self, from: u64) {
        if self.peak < self.bytes_max / 4 {
            self.window = self.window.saturating_mul(2);
        }
        self.peak = self.bytes;
        self.last = self.window_end(from);
    }

    /// The last number of a window.
    fn window_end(&self, from: u64) -> u64 {
        from.saturating_add(self.window).min(self.until.saturating_sub(1))
    }

    /// Closes all but the source that was opened last, and takes less of each from now on.
    fn narrow(&mut self, from: u64, keep: usize) {
        let open: Vec<(u64, usize)> = self.ready.drain().map(|Reverse(next)| next).collect();
        let lasts = open.iter().filter_map(|(_, at)| self.sources[*at].open.as_ref()?.rows.last_seq());
        let reached = lasts.max().unwrap_or(from).saturating_sub(from);
        self.window = (self.window.min(reached) / 2).max(ARRIVALS_WINDOW_MIN);
        self.last = self.window_end(from);
        for (next, at) in open {
            if at == keep {
                self.ready.push(Reverse((next, at)));
            } else {
                self.close(at);
                self.wait(Some(next), at);
            }
        }
    }

    fn close(&mut self, at: usize) {
        let open = self.sources[at].open.take();
        self.bytes -= open.map_or(0, |open| open.rows.bytes());
    }

    /// The next run of what is open.
    fn take(&mut self, seq: u64, at: usize) -> Result<(u64, Arc<str>, Run)> {
        let source = &mut self.sources[at];
        let malformed = || source.chunk.as_ref().map(|chunk| self.segment.malformed(chunk));
        let Some(open) = &mut source.open else { return Err(self.segment.damaged_entry(source.index)) };
        self.bytes -= open.rows.bytes();
        let run = open.rows.run(open.next);
        self.bytes += open.rows.bytes();
        open.next += 1;
        let run = run.map_err(|_| malformed().unwrap_or_else(|| self.segment.damaged_entry(source.index)));
        let check = Arc::clone(&source.check);
        match open.rows.seq(open.next) {
            Some(next) => {
                self.ready.push(Reverse((next, at)));
                // The sets of instances that this run has may be larger than those before.
                if self.bytes > self.bytes_max && self.ready.len() > 1 {
                    self.narrow(next, at);
                }
            }
            None => self.close(at),
        }
        self.peak = self.peak.max(self.bytes);
        Ok((seq, check, run?))
    }
}

impl Iterator for Feed {
    /// Number, check and run.
    type Item = std::result::Result<(u64, Arc<str>, Run), Unread>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let ready = self.ready.peek().map(|Reverse(next)| *next);
            let due = self.waiting.peek().map(|Reverse(next)| *next);
            match (due, ready) {
                (Some((due, at)), ready) if ready.is_none_or(|(seq, _)| due <= seq) => {
                    self.waiting.pop();
                    if self.sources[at].due != Some(due) {
                        continue;
                    }
                    self.sources[at].due = None;
                    if let Err(error) = self.open(due, at) {
                        return Some(Err(self.unread(at, error)));
                    }
                }
                (_, Some((seq, at))) => {
                    self.ready.pop();
                    return Some(self.take(seq, at).map_err(|error| self.unread_row(seq, at, error)));
                }
                (_, None) => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::SimDisk;
    use crate::instances::{Instance, Instances};
    use crate::options::Options;
    use crate::reader::Reader;
    use crate::reader::snapshot::Part;
    use crate::run::Metric;
    use crate::value::Value;
    use crate::writer::Writer;

    const CHECKS: u64 = 50;
    const RUNS: u64 = 10_000;

    /// All checks take turns. One's clock goes back now and then, one has instances, one has series that come and go.
    fn run(n: u64) -> (String, Run) {
        let (check, turn) = (n % CHECKS, n / CHECKS);
        let mut metrics = vec![Metric::new("v", Some(Value::from(n as f64 / 100.0)))];
        if check == 1 && turn.is_multiple_of(3) {
            metrics
                .push(Metric::new("w", (!turn.is_multiple_of(2)).then(|| Value::from(i64::MAX - n as i64))));
        }
        let instance = |row: u64| Instance {
            since_ms: turn.saturating_sub((turn + row) % 7) as i64,
            ..Instance::new(vec![("row".to_owned(), row.to_string())])
        };
        let rows = if check == 2 || (check == 3 && turn > 9) { 20 } else { 0 };
        let back = if check > 2 && check < 5 && turn.is_multiple_of(13) { 900_000 } else { 0 };
        let run = Run {
            time_ms: 1_700_000_000_000 + n as i64 * 1000 - back,
            text: if check == 5 { format!("OK {n}") } else { "OK".to_owned() },
            duration_us: n * 7919 % 100_000,
            metrics,
            instances: Instances::new((0..rows).map(instance)).unwrap(),
            ..Run::default()
        };
        (format!("check {check}"), run)
    }

    fn reader() -> Reader {
        let disk = Arc::new(SimDisk::new());
        let options = Options { reserve_bytes: 0, background: false, ..Options::default() };
        let mut writer = Writer::open_on(Arc::clone(&disk) as _, options).unwrap();
        for batch in 0..RUNS / 1000 {
            let runs: Vec<(String, Run)> = (batch * 1000..(batch + 1) * 1000).map(run).collect();
            let runs: Vec<(&str, &Run)> = runs.iter().map(|(check, run)| (check.as_str(), run)).collect();
            writer.append(&runs).unwrap();
        }
        writer.compact().unwrap();
        writer.close().unwrap();
        Reader::open_on(disk).unwrap()
    }

    fn within(segment: &Arc<Segment>, from: u64, bytes_max: usize) -> Feed {
        Feed::new(segment, from, &ArrivalRange { bytes_max, ..ArrivalRange::default() })
    }

    fn segment(reader: &Reader) -> &Arc<Segment> {
        match reader.parts() {
            [Part::Segment(segment)] => segment,
            other => panic!("{} files", other.len()),
        }
    }

    fn same((seq, check, found): &(u64, Arc<str>, Run)) {
        let (expected_check, expected) = run(*seq);
        assert!(**check == *expected_check && *found == expected, "{seq}: {found:?}\n{expected:?}");
    }

    #[test]
    fn each_chunk_of_50_interleaved_checks_is_decoded_once() {
        let reader = reader();
        let segment = segment(&reader);
        let chunks: usize = (0..CHECKS as usize).map(|index| segment.chunks_at(index).unwrap().len()).sum();
        for from in [0, 6_789] {
            let mut arrivals = reader.since(Position(from));
            let mut next = from;
            for found in arrivals.by_ref() {
                let found = found.unwrap();
                assert_eq!(found.position, Position(next + 1));
                same(&(next, found.check, found.run));
                next += 1;
            }
            assert_eq!((next, arrivals.chunks_decoded()), (RUNS, chunks as u64));
        }
    }

    #[test]
    fn with_little_memory_chunks_are_decoded_again_and_the_same_runs_come() {
        let reader = reader();
        let segment = segment(&reader);
        let mut one = within(segment, 0, usize::MAX);
        one.nth(CHECKS as usize);
        let all = one.bytes;
        for (from, bytes_max) in [(0, all * 9 / 10), (4_000, all * 2 / 3), (0, 0)] {
            let mut feed = within(segment, from, bytes_max);
            let (mut next, mut largest) = (from, 0);
            while let Some(found) = feed.next() {
                let found = found.unwrap();
                assert_eq!(found.0, next);
                same(&found);
                next += 1;
                let open = feed.sources.iter().filter_map(|source| source.open.as_ref());
                let bytes: Vec<usize> = open.map(|open| open.rows.bytes()).collect();
                largest = bytes.iter().copied().fold(largest, usize::max);
                assert_eq!(feed.bytes, bytes.iter().sum::<usize>());
                assert!(feed.bytes <= bytes_max.max(largest));
                if bytes_max == 0 && next == from + 2_000 {
                    break;
                }
            }
            assert!(next == RUNS || bytes_max == 0);
            let decoded = feed.decoded();
            assert!(decoded > CHECKS && (bytes_max == 0 || decoded < 8 * CHECKS), "{decoded} of {bytes_max}");
        }
    }

    #[test]
    fn the_instances_of_the_last_run_count() {
        let reader = reader();
        let mut feed = within(segment(&reader), 0, usize::MAX);
        let runs: Vec<Run> = (0..CHECKS).map(|_| feed.next().unwrap().unwrap().2).collect();
        let open = |check: &str| {
            let source = feed.sources.iter().find(|source| *source.check == *check).unwrap();
            source.open.as_ref().unwrap().rows.bytes()
        };
        let instances = runs[2].instances.bytes();
        assert!(instances > 1_000);
        // That check has what another has, and its instances.
        assert!(open("check 2") > open("check 6") + instances);
    }

    #[test]
    fn the_first_run_after_a_position_costs_one_chunk() {
        let reader = reader();
        let mut arrivals = reader.since(Position(6_789));
        assert_eq!(arrivals.next().unwrap().unwrap().run, run(6_789).1);
        assert_eq!(arrivals.chunks_decoded(), 1);
    }
}
