//! What records the runs of a world: the store's own writer on a simulated disk, which fills up and loses power.
//!
//! It does what the agent's recorder does, without a thread and at more leisure, so that there is more to be lost: runs
//! are gathered and written together, one that cannot be stored waits and is tried again, and now and then what was
//! written is synced.

use std::collections::BTreeMap;
use std::sync::Arc;

use custos_store::disk::{Disk, Fate, SimDisk};
use custos_store::{Error, Options, Position, Reader, Run, Writer};

/// Between two writes, and between two attempts at a store that refuses.
const WRITE_US: u64 = 5_000_000;
/// Between two syncs.
const SYNC_US: u64 = 60_000_000;
/// Runs between two looks at whether there is something to be sealed or merged.
const SETTLE_RUNS: u64 = 10_000;

pub struct Recorder {
    log_bytes: u64,
    disk: SimDisk,
    writer: Option<Writer>,
    waiting: Vec<(String, Run)>,
    write_us: u64,
    synced_us: u64,
    /// Runs of each check that the writer has taken, and how many of them are safe from a power cut.
    taken: BTreeMap<String, usize>,
    synced: BTreeMap<String, usize>,
    /// Up to where the store was read, and how many runs of each check that was.
    read: Position,
    read_runs: BTreeMap<String, usize>,
    since_settled: u64,
    /// When the disk has room again.
    full_until_us: u64,
    /// How often a run was refused.
    pub refusals: u64,
}

/// What is there of the runs since the last death, after the agent or the machine died.
pub struct Survivors {
    /// Of each check, in order of arrival.
    pub runs: BTreeMap<String, Vec<Run>>,
    /// How many of each check had survived before.
    pub before: BTreeMap<String, usize>,
    /// How many of each check had to survive in all: they were synced, or only the agent died.
    pub safe: BTreeMap<String, usize>,
}

impl Recorder {
    /// A store of so many checks, whose log is full after about twenty minutes.
    pub fn new(checks: u64) -> Recorder {
        let mut recorder = Recorder {
            log_bytes: (checks * 500).max(4096),
            disk: SimDisk::new(),
            writer: None,
            waiting: Vec::new(),
            write_us: 0,
            synced_us: 0,
            taken: BTreeMap::new(),
            synced: BTreeMap::new(),
            read: Position::START,
            read_runs: BTreeMap::new(),
            since_settled: 0,
            full_until_us: 0,
            refusals: 0,
        };
        recorder.open();
        recorder
    }

    fn open(&mut self) {
        let log_bytes = self.log_bytes;
        let options = Options { log_bytes, reserve_bytes: 0, background: false, ..Options::default() };
        self.writer = Writer::open_on(Arc::new(self.disk.clone()), options).ok();
    }

    pub fn record(&mut self, check: &str, run: &Run) {
        self.waiting.push((check.to_owned(), run.clone()));
    }

    /// Stores what waits, if that is possible. Returns whether every run that was recorded is in the store.
    pub fn catch_up(&mut self, now_us: u64) -> bool {
        self.make_room(now_us);
        self.store();
        self.waiting.is_empty()
    }

    /// Stores and syncs what is due.
    pub fn turn(&mut self, now_us: u64) {
        self.make_room(now_us);
        if now_us >= self.write_us {
            self.write_us = now_us + WRITE_US;
            self.store();
        }
        if now_us >= self.synced_us + SYNC_US
            && let Some(writer) = &mut self.writer
        {
            self.synced_us = now_us;
            writer.sync().expect("no sync of this disk fails");
            self.synced.clone_from(&self.taken);
        }
    }

    fn make_room(&mut self, now_us: u64) {
        if now_us >= self.full_until_us {
            self.disk.set_capacity(u64::MAX);
        }
    }

    fn store(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        if self.writer.is_none() {
            self.open();
        }
        let Some(writer) = &mut self.writer else { return };
        let batch: Vec<(&str, &Run)> =
            self.waiting.iter().map(|(check, run)| (check.as_str(), run)).collect();
        match writer.append(&batch) {
            Ok(_) => {
                self.since_settled += batch.len() as u64;
                for (check, _) in self.waiting.drain(..) {
                    *self.taken.entry(check).or_default() += 1;
                }
            }
            Err(error) => {
                assert!(error.is_no_space() || matches!(error, Error::Refusing { .. }), "{error}");
                self.refusals += 1;
                if matches!(error, Error::Refusing { .. }) {
                    self.writer = None;
                }
            }
        }
        if self.since_settled >= SETTLE_RUNS
            && let Some(writer) = &mut self.writer
        {
            self.since_settled = 0;
            // On a full disk it is tried again later; the runs are safe in any case.
            let _ = writer.settle();
        }
    }

    /// The disk is full until a time: what others write has taken the rest.
    pub fn fill(&mut self, until_us: u64) {
        let free_bytes = self.disk.free_bytes().unwrap();
        // Room for one more log and a bit, so that it runs out in the middle of something.
        self.disk.set_capacity((u64::MAX - free_bytes).saturating_add(self.log_bytes * 5 / 4));
        self.full_until_us = until_us;
    }

    /// The agent dies, and with it what waited. If the machine loses its power, `fate` says what becomes of what was not
    /// synced. Then the store is opened again.
    pub fn die(&mut self, fate: Fate) -> Survivors {
        self.disk.cut_power_after(self.disk.ops());
        self.writer = None;
        self.waiting.clear();
        self.disk = self.disk.restart(fate);
        (self.write_us, self.full_until_us) = (0, 0);
        let safe = if fate == Fate::Kept { self.taken.clone() } else { self.synced.clone() };
        let before = self.read_runs.clone();
        let mut runs: BTreeMap<String, Vec<Run>> = BTreeMap::new();
        self.read = self.each_since(self.read, |check, run| {
            runs.entry(check.to_owned()).or_default().push(run);
        });
        for (check, runs) in &runs {
            *self.read_runs.entry(check.clone()).or_default() += runs.len();
        }
        self.taken.clone_from(&self.read_runs);
        self.synced.clone_from(&self.read_runs);
        self.open();
        Survivors { runs, before, safe }
    }

    /// Reads every run in the store, in order of arrival.
    pub fn each(&self, take: impl FnMut(&str, Run)) {
        self.each_since(Position::START, take);
    }

    fn each_since(&self, mut position: Position, mut take: impl FnMut(&str, Run)) -> Position {
        let reader = Reader::open_on(Arc::new(self.disk.clone())).unwrap();
        for arrived in reader.since(position) {
            let arrived = arrived.unwrap();
            position = arrived.position;
            take(&arrived.check, arrived.run);
        }
        position
    }
}
