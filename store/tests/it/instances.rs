//! What a check judges at once: what it costs, and that it comes back right from wherever it lies.

use std::ops::Range;
use std::sync::Arc;

use custos_store::disk::{Disk, SimDisk};
use custos_store::{
    Instance, Instances, Metric, Options, Position, Provenance, Reader, Run, State, Value, Writer, salvage,
    verify_on,
};

type Labels = Vec<(String, String)>;

fn labels(row: u64) -> Labels {
    vec![("ifName".to_owned(), format!("xe-{}/{}/{}", row / 100, row / 10 % 10, row % 10))]
}

fn scattered(n: u64) -> u64 {
    (n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn instance(row: u64, step: u64) -> Instance {
    Instance {
        state: State::ALL[(step % 4) as usize],
        since_ms: time_ms(step),
        text: format!("port {:016x} is {}", scattered(row), ["up", "down"][(step % 2) as usize]),
        ..Instance::new(labels(row))
    }
}

fn time_ms(n: u64) -> i64 {
    1_700_000_000_000 + n as i64 * 1000
}

fn many(rows: u64) -> Instances {
    Instances::new((0..rows).map(|row| instance(row, 0))).unwrap()
}

/// The sets of consecutive runs, each of which changes one instance of the one before.
struct Walk {
    rows: u64,
    n: u64,
    set: Instances,
}

impl Walk {
    fn new(rows: u64) -> Walk {
        Walk { rows, n: 0, set: many(rows) }
    }
}

impl Iterator for Walk {
    type Item = Run;

    fn next(&mut self) -> Option<Run> {
        self.n += 1;
        let row = scattered(self.n) % self.rows;
        self.set.insert(instance(row, self.n)).unwrap();
        Some(Run { time_ms: time_ms(self.n), instances: self.set.clone(), ..Run::default() })
    }
}

fn options(log_bytes: u64) -> Options {
    Options { log_bytes, reserve_bytes: 0, background: false, ..Options::default() }
}

fn open(disk: &SimDisk, log_bytes: u64) -> Writer {
    Writer::open_on(Arc::new(disk.clone()), options(log_bytes)).unwrap()
}

fn bytes(disk: &SimDisk) -> usize {
    disk.list().unwrap().iter().filter_map(|name| disk.bytes(name)).map(|bytes| bytes.len()).sum()
}

/// What a store has grown by with these runs, in its log and then sealed.
fn cost(runs: &[Run]) -> (usize, usize) {
    let disk = SimDisk::new();
    let mut writer = open(&disk, 16 << 20);
    for run in runs {
        writer.append(&[("x", run)]).unwrap();
    }
    writer.seal().unwrap();
    let log = bytes(&disk);
    writer.compact().unwrap();
    let sealed = bytes(&disk);
    let reader = Reader::open_on(Arc::new(disk)).unwrap();
    assert!(reader.runs("x", i64::MIN..i64::MAX).map(Result::unwrap).eq(runs.iter().cloned()));
    (log, sealed)
}

#[test]
fn instances_that_do_not_change_cost_nothing() {
    let run = |n: u64, instances: &Instances| Run {
        time_ms: time_ms(n),
        text: "3 of 10 are down".to_owned(),
        metrics: vec![Metric::new("down", Value::from((n % 7) as f64))],
        instances: instances.clone(),
        ..Run::default()
    };
    let none = Instances::default();
    let plain: Vec<Run> = (0..2000).map(|n| run(n, &none)).collect();
    for rows in [1, 10, 1000] {
        let set = many(rows);
        let with: Vec<Run> = (0..2000).map(|n| run(n, &set)).collect();
        // The same again, made anew each time.
        let equal: Vec<Run> =
            (0..2000).map(|n| run(n, &if n % 50 == 3 { many(rows) } else { set.clone() })).collect();
        let (log, sealed) = cost(&with);
        let one = (cost(&with[..1]), cost(&plain[..1]));
        let plain = cost(&plain);
        // Beyond what the first run costs, not a byte in the log, and next to none in a chunk.
        assert_eq!(log - plain.0, one.0.0 - one.1.0, "{rows}");
        assert!(sealed - plain.1 <= one.0.1 - one.1.1 + 16, "{rows}: {sealed} {plain:?} {one:?}");
        assert_eq!(cost(&equal), (log, sealed));
    }
}

#[test]
fn partial_runs_and_provenance_cost_next_to_nothing() {
    let run =
        |n: u64, partial, provenance| Run { time_ms: time_ms(n), partial, provenance, ..Run::default() };
    let plain: Vec<Run> = (0..2000).map(|n| run(n, false, Provenance::Scheduled)).collect();
    let other: Vec<Run> = (0..2000).map(|n| run(n, true, Provenance::Submitted)).collect();
    let (plain, other) = (cost(&plain), cost(&other));
    // Two bytes of mask and one of kind.
    assert!(other.0 - plain.0 <= 2000 * 3 && other.1 - plain.1 <= 4, "{plain:?} {other:?}");
}

#[test]
fn ten_thousand_instances_of_which_one_changes_with_every_run() {
    const RUNS: u64 = 6000;
    let disk = SimDisk::new();
    let mut writer = open(&disk, 16 << 20);
    let mut runs = Walk::new(10_000);
    let mut first = 0;
    for n in 0..RUNS {
        writer.append(&[("x", &runs.next().unwrap())]).unwrap();
        if n == 0 {
            writer.sync().unwrap();
            let log = Reader::open_on(Arc::new(disk.clone())).unwrap();
            assert_eq!(log.last("x").unwrap().unwrap().instances.len(), 10_000);
            first = disk.bytes("0000000000000000.log").unwrap().iter().rposition(|byte| *byte != 0).unwrap();
        }
    }
    check_walk(&disk, RUNS);
    writer.seal().unwrap();
    let log = bytes(&disk);
    assert!(first < 200_000, "all instances take {first} bytes");
    // A row with its change and its frame; all instances are written again at times.
    let each = (log - first) / RUNS as usize;
    assert!(each <= 100, "{each} bytes a run in the log");
    writer.compact().unwrap();
    let sealed = bytes(&disk);
    assert!(sealed <= 160_000 + 12 * RUNS as usize, "{sealed} bytes sealed");
    check_walk(&disk, RUNS);
}

/// Every run is as it was written, in order, backwards and from the middle, and neighbours share what they have in
/// common.
fn check_walk(disk: &SimDisk, runs: u64) {
    let reader = Reader::open_on(Arc::new(disk.clone())).unwrap();
    assert!(reader.damages().is_empty());
    let mut before = Instances::default();
    let mut expected = Walk::new(10_000);
    for (n, run) in reader.runs("x", i64::MIN..i64::MAX).enumerate() {
        let (run, expected) = (run.unwrap(), expected.next().unwrap());
        let changed = run.instances.changes_since(&before).count();
        assert_eq!(run.time_ms, expected.time_ms);
        assert!(changed <= 1 || n == 0, "run {n}: {changed} changed");
        // Comparing all of them each time would take long.
        assert!(n % 97 != 0 || run == expected);
        if changed == 1 {
            let shared =
                before.iter().zip(run.instances.iter()).filter(|(old, new)| Arc::ptr_eq(old, new)).count();
            assert!(n % 97 != 0 || shared == 9_999, "run {n} shares {shared}");
        }
        before = run.instances;
    }
    let all: Vec<Run> = Walk::new(10_000).take(runs as usize).collect();
    let spot = |range: Range<u64>| {
        let found: Vec<Run> = reader
            .runs_rev("x", time_ms(range.start + 1)..time_ms(range.end + 1))
            .map(Result::unwrap)
            .collect();
        assert!(found.iter().rev().eq(&all[range.start as usize..range.end as usize]), "{range:?}");
    };
    spot(runs - 3..runs);
    spot(runs / 2..runs / 2 + 5);
    spot(0..2);
    assert_eq!(reader.last("x").unwrap().as_ref(), all.last());
    let back = reader.runs_rev("x", i64::MIN..i64::MAX).map(Result::unwrap).enumerate();
    for (n, run) in back.step_by(101) {
        assert_eq!(run, all[runs as usize - 1 - n]);
    }
}

/// More instances than a log has room for: the logs grow, so that all of them are not written again with every run.
#[test]
fn logs_grow_with_the_sets_that_they_begin_with() {
    const CHECKS: usize = 60;
    const RUNS: usize = 120;
    let disk = SimDisk::new();
    let mut writer = open(&disk, 64 << 10);
    let mut walks: Vec<Walk> = (0..CHECKS).map(|_| Walk::new(2000)).collect();
    let names: Vec<String> = (0..CHECKS).map(|check| format!("check{check}")).collect();
    for _ in 0..RUNS {
        for (name, walk) in names.iter().zip(&mut walks) {
            writer.append(&[(name, &walk.next().unwrap())]).unwrap();
        }
    }
    writer.seal().unwrap();
    let logs = bytes(&disk);
    let one = cost(&[Walk::new(2000).next().unwrap()]).0;
    assert!(logs < CHECKS * one * 6, "{logs} bytes, of which all sets take {}", CHECKS * one);
    writer.compact().unwrap();
    let reader = Reader::open_on(Arc::new(disk)).unwrap();
    for name in &names {
        let runs: Vec<Run> = reader.runs(name, i64::MIN..i64::MAX).map(Result::unwrap).collect();
        assert!(runs.len() == RUNS && runs[77] == Walk::new(2000).nth(77).unwrap());
    }
}

#[test]
fn chunks_are_split_merged_and_copied_with_the_right_instances() {
    const RUNS: usize = 40_000;
    let disk = SimDisk::new();
    let mut writer = open(&disk, 256 << 10);
    // Every third run comes late, so that chunks overlap where they meet.
    let runs: Vec<Run> = Walk::new(30)
        .take(RUNS)
        .enumerate()
        .map(|(n, run)| Run {
            time_ms: run.time_ms - if n % 3 == 0 { 2500 } else { 0 },
            instances: if n / 500 % 9 == 4 { Instances::default() } else { run.instances },
            ..run
        })
        .collect();
    let mut by_time: Vec<&Run> = runs.iter().collect();
    by_time.sort_by_key(|run| run.time_ms);
    for (n, batch) in runs.chunks(100).enumerate() {
        let batch: Vec<(&str, &Run)> = batch.iter().map(|run| ("x", run)).collect();
        writer.append(&batch).unwrap();
        if n % 40 == 39 {
            writer.seal().unwrap();
            writer.settle().unwrap();
        }
        if n == 250 {
            writer.compact().unwrap();
        }
    }
    for compacted in [false, true] {
        if compacted {
            writer.compact().unwrap();
        }
        let reader = Reader::open_on(Arc::new(disk.clone())).unwrap();
        assert!(
            reader.runs("x", i64::MIN..i64::MAX).map(Result::unwrap).eq(by_time.iter().copied().cloned())
        );
        assert!(reader.since(Position::START).map(|run| run.unwrap().run).eq(runs.iter().cloned()));
        // From the middle of a chunk.
        let found = reader.runs("x", time_ms(30_000)..i64::MAX).next().unwrap().unwrap();
        assert_eq!(Some(&&found), by_time.iter().find(|run| run.time_ms >= time_ms(30_000)));
    }
    assert!(verify_on(&disk, &mut |_| {}).unwrap().iter().all(|report| report.findings.is_empty()));
}

/// Runs that change everything: chunks are cut where their instances become too large.
#[test]
fn chunks_are_bounded_by_their_instances() {
    let run = |n: u64| {
        let instance = |row: u64| Instance {
            value: Some(Value::from((row * n) as f64 / 7.0)),
            text: format!("{} of {row}", n * 7919 % 1000),
            ..Instance::new(labels(row))
        };
        Run {
            time_ms: time_ms(n),
            instances: Instances::new((0..2000).map(instance)).unwrap(),
            ..Run::default()
        }
    };
    let disk = SimDisk::new();
    let mut writer = open(&disk, 1 << 20);
    for n in 0..200 {
        writer.append(&[("x", &run(n))]).unwrap();
        if n % 20 == 19 {
            writer.settle().unwrap();
        }
    }
    writer.compact().unwrap();
    let reader = Reader::open_on(Arc::new(disk.clone())).unwrap();
    assert!(reader.runs("x", i64::MIN..i64::MAX).map(Result::unwrap).eq((0..200).map(run)));
    let names = disk.list().unwrap();
    let segments: Vec<Vec<u8>> =
        names.iter().filter(|name| name.ends_with(".seg")).map(|name| disk.bytes(name).unwrap()).collect();
    assert_eq!(segments.len(), 1, "{names:?}");
    let chunks = segments[0].windows(4).filter(|bytes| bytes == b"CHNK").count();
    assert!((2..20).contains(&chunks), "{chunks} chunks");
}

/// A log whose middle is lost: what a run has is right, or the run is lost too. Runs without instances are not.
#[test]
fn a_lost_frame_costs_the_runs_whose_instances_it_had() {
    let disk = SimDisk::new();
    let mut writer = open(&disk, 1 << 20);
    let runs: Vec<Run> = Walk::new(20).take(2000).collect();
    let mut offsets = Vec::new();
    for run in &runs {
        let plain = Run { instances: Instances::default(), ..run.clone() };
        writer.append(&[("x", run)]).unwrap();
        let log = disk.bytes("0000000000000000.log").unwrap();
        let from = offsets.last().map_or(0, |last| last + 1);
        let written = log[from..][..8 << 10].iter().rposition(|byte| *byte != 0);
        offsets.push(from + written.unwrap());
        writer.append(&[("plain", &plain)]).unwrap();
    }
    drop(writer);
    let log = disk.bytes("0000000000000000.log").unwrap();
    for lost in [1, 2, 700, 1500, 1999] {
        let mut bytes = log.clone();
        bytes[offsets[lost]] ^= 1;
        let disk = SimDisk::new();
        disk.put("0000000000000000.log", &bytes);
        let reader = Reader::open_on(Arc::new(disk.clone())).unwrap();
        assert_eq!(reader.runs("plain", i64::MIN..i64::MAX).filter(Result::is_ok).count(), 2000);
        let found: Vec<Run> = reader.runs("x", i64::MIN..i64::MAX).filter_map(Result::ok).collect();
        assert!(found.iter().all(|run| {
            runs.binary_search_by_key(&run.time_ms, |run| run.time_ms).is_ok_and(|at| runs[at] == *run)
        }));
        assert!(found[..lost].iter().eq(&runs[..lost]));
        // All are written again after some kilobytes of changes.
        assert!(found.len() > 2000 - 850 && found.len() < 2000, "{lost}: {}", found.len());
        let findings: usize =
            verify_on(&disk, &mut |_| {}).unwrap().iter().map(|report| report.findings.len()).sum();
        assert_eq!(findings, 2000 - found.len());
    }
}

/// Instances that cannot be read cost no more than themselves when a file is salvaged.
#[test]
fn a_damaged_column_of_instances_is_left_out() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(dir.path(), options(1 << 20)).unwrap();
    let runs: Vec<Run> = Walk::new(50).take(300).collect();
    for run in &runs {
        writer.append(&[("x", run)]).unwrap();
    }
    writer.compact().unwrap();
    writer.close().unwrap();
    let files = std::fs::read_dir(dir.path()).unwrap().map(|file| file.unwrap().path());
    let segment = files.into_iter().find(|path| path.extension().is_some_and(|end| end == "seg")).unwrap();
    let mut bytes = std::fs::read(&segment).unwrap();
    // The last frame of zstd is that of the instances.
    let frame = bytes.windows(4).rposition(|magic| magic == [0x28, 0xb5, 0x2f, 0xfd]).unwrap();
    bytes[frame + 20] ^= 4;
    std::fs::write(&segment, &bytes).unwrap();
    let reader = Reader::open(dir.path()).unwrap();
    let read: Vec<_> = reader.runs("x", i64::MIN..i64::MAX).collect();
    assert!(read.len() == 1 && read[0].is_err());
    let mut found = Vec::new();
    let salvaged = salvage(&segment, &mut |_, run| {
        found.push(run);
        Ok(())
    });
    let salvaged = salvaged.unwrap();
    assert_eq!((salvaged.runs, salvaged.lost_parts, salvaged.lost_series), (300, 0, 1));
    assert!(found.into_iter().eq(runs.into_iter().map(|run| Run { instances: Instances::default(), ..run })));
}
