//! A store on a simulated disk, a feed of it, and a consumer that counts.

use std::collections::BTreeMap;
use std::sync::Arc;

use custos_store::disk::{Disk, Fate, SimDisk};
use custos_store::{Metric, Options, Position, Reader, Run, Value, Writer};

use crate::clock::Moment;
use crate::feed::read::{Budget, Feed, FeedOptions, Gap, Piece, Progress};

/// A run that was delivered: its number, and which one it is.
pub(super) type Got = (u64, i64);

pub(super) struct Stage {
    pub(super) disk: SimDisk,
    writer: Option<Writer>,
    /// The next run.
    next: i64,
    pub(super) feed: Option<Feed>,
    options: FeedOptions,
    now: Moment,
    /// How often each run was handed out.
    pub(super) got: BTreeMap<Got, u64>,
    pub(super) gaps: Vec<Gap>,
    /// What was handed out and not acknowledged, by lane.
    in_flight: [Vec<Progress>; 2],
    /// Of each check the number that came last, by lane, since the feed was opened.
    last: BTreeMap<(bool, String), u64>,
    /// The most memory that the runs of a piece took.
    pub(super) memory_max: usize,
}

pub(super) const BUDGET: Budget = Budget { runs: 17, bytes: 1 << 20 };

fn options() -> Options {
    Options { log_bytes: 16 << 10, reserve_bytes: 0, background: false, ..Options::default() }
}

pub(super) fn check(n: i64) -> &'static str {
    ["load", "disk", "net", "a check"][(n * 7 % 11 % 4) as usize]
}

/// Each has a time of its own, but not in the order of time.
pub(super) fn run(n: i64) -> Run {
    let back = if n % 13 == 0 { 50_000 } else { 0 };
    let metrics = vec![Metric::new("m", Value::from(n as f64)), Metric::new("other", Value::from(1.0))];
    Run {
        time_ms: n * 1000 - back,
        duration_us: n as u64,
        text: format!("run {n}"),
        metrics,
        ..Run::default()
    }
}

fn which(run: &Run) -> i64 {
    run.duration_us as i64
}

impl Stage {
    pub(super) fn new(options: FeedOptions) -> Stage {
        let mut stage = Stage {
            disk: SimDisk::new(),
            writer: None,
            next: 1,
            feed: None,
            options,
            now: Moment { mono_us: 1, wall_ms: 0 },
            got: BTreeMap::new(),
            gaps: Vec::new(),
            in_flight: [Vec::new(), Vec::new()],
            last: BTreeMap::new(),
            memory_max: 0,
        };
        stage.open_writer();
        stage
    }

    pub(super) fn open_writer(&mut self) {
        self.writer = Some(Writer::open_on(Arc::new(self.disk.clone()), options()).unwrap());
    }

    pub(super) fn writer(&mut self) -> &mut Writer {
        self.writer.as_mut().unwrap()
    }

    pub(super) fn close_writer(&mut self) {
        // It fails where files are damaged.
        let _ = self.writer.take().unwrap().close();
    }

    /// As if it had been killed.
    pub(super) fn drop_writer(&mut self) {
        self.writer = None;
    }

    pub(super) fn append(&mut self, count: i64) {
        let runs: Vec<(i64, Run)> = (self.next..self.next + count).map(|n| (n, run(n))).collect();
        self.next += count;
        let batch: Vec<(&str, &Run)> = runs.iter().map(|(n, run)| (check(*n), run)).collect();
        self.writer().append(&batch).unwrap();
    }

    /// Another disk is in the place of the one that was.
    pub(super) fn replace_disk(&mut self, disk: SimDisk) {
        (self.writer, self.feed) = (None, None);
        self.disk = disk;
        self.lose_in_flight();
    }

    /// A copy of the store as it is.
    pub(super) fn copy(&self) -> SimDisk {
        self.disk.restart(Fate::Kept)
    }

    pub(super) fn open_feed(&mut self) {
        let disk: Arc<dyn Disk> = Arc::new(self.disk.clone());
        self.feed = Some(Feed::open_on(disk, self.options.clone()).unwrap());
        self.lose_in_flight();
    }

    fn lose_in_flight(&mut self) {
        self.in_flight = [Vec::new(), Vec::new()];
        self.last.clear();
    }

    pub(super) fn feed(&mut self) -> &mut Feed {
        self.feed.as_mut().unwrap()
    }

    pub(super) fn pass(&mut self, ms: u64) {
        self.now.mono_us += ms * 1000;
    }

    /// Takes one piece; `false` if there was none.
    pub(super) fn take(&mut self) -> bool {
        let now = self.now;
        let piece = self.feed().next(BUDGET, now).unwrap();
        if !self.feed().take_notices().is_empty() {
            self.lose_in_flight();
        }
        let Some(piece) = piece else { return false };
        self.count(piece);
        true
    }

    /// Takes one piece of what is owed.
    pub(super) fn take_owed(&mut self) -> bool {
        let Some(piece) = self.feed().next_owed(BUDGET).unwrap() else { return false };
        self.count(piece);
        true
    }

    fn count(&mut self, piece: Piece) {
        assert!(piece.runs.len() <= BUDGET.runs);
        self.memory_max = self.memory_max.max(piece.runs.iter().map(|fed| fed.bytes()).sum());
        for fed in &piece.runs {
            let n = which(&fed.run);
            assert_eq!((&*fed.check, &fed.run), (check(n), &run(n)));
            *self.got.entry((fed.number, n)).or_default() += 1;
            let last = self.last.insert((piece.live, fed.check.to_string()), fed.number);
            let is_in_order = piece.again || last.is_none_or(|last| last < fed.number);
            assert!(is_in_order, "{} of {} came after {last:?}", fed.number, fed.check);
        }
        self.gaps.extend(piece.gaps);
        self.in_flight[usize::from(piece.live)].push(piece.progress);
    }

    /// Acknowledges the oldest piece of a lane.
    pub(super) fn acknowledge(&mut self, live: bool) {
        let lane = &mut self.in_flight[usize::from(live)];
        if !lane.is_empty() {
            let (progress, now) = (lane.remove(0), self.now);
            self.feed().acknowledged(&progress, now).unwrap();
        }
    }

    /// Takes and acknowledges all that there is.
    pub(super) fn drain(&mut self) {
        let mut idle = 0;
        while idle < 3 {
            idle = if self.take() { 0 } else { idle + 1 };
            self.pass(700);
            self.acknowledge(true);
            self.acknowledge(false);
        }
        while !self.in_flight.iter().all(Vec::is_empty) {
            self.acknowledge(true);
            self.acknowledge(false);
        }
        self.feed().save().unwrap();
    }

    /// What the store has.
    pub(super) fn stored(&self) -> Vec<Got> {
        let reader = Reader::open_on(Arc::new(self.disk.clone())).unwrap();
        let arrived = reader.since(Position::START).flatten();
        arrived.map(|arrived| (arrived.position.0 - 1, which(&arrived.run))).collect()
    }

    /// All that the store has was delivered.
    pub(super) fn assert_all(&self, what: &str) {
        for got in self.stored() {
            assert!(self.got.contains_key(&got), "{what}: {got:?} was not delivered");
        }
    }

    /// Nothing was delivered twice.
    pub(super) fn assert_once(&self, what: &str) {
        let twice: Vec<_> = self.got.iter().filter(|(_, times)| **times > 1).take(5).collect();
        assert!(twice.is_empty(), "{what}: {twice:?}");
    }
}
