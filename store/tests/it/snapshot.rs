//! A snapshot stays as it is and is read by any thread, whatever the writer does.

use std::sync::mpsc;

use custos_store::{Metric, Options, Reader, Run, SeriesKey, Snapshot, Value, Writer};

const RUNS: usize = 6_000;

fn run(n: usize) -> Run {
    let metric = Metric::new("n", Value::from(n as i64));
    // Now and then a run that is larger than what is read at first, or than a frame.
    let text = if n % 1500 == 700 { "x".repeat(300 << 10) } else { format!("text {n}") };
    Run { time_ms: n as i64 * 1000, text, metrics: vec![metric], ..Run::default() }
}

/// Every run of the snapshot, which has so many, in every way.
fn read(snapshot: &Snapshot, runs: usize) {
    let all = i64::MIN..i64::MAX;
    assert!(snapshot.damages().is_empty());
    assert_eq!(snapshot.checks().iter().map(|check| check.runs).sum::<u64>(), runs as u64);
    assert!(snapshot.runs("x", all.clone()).map(Result::unwrap).eq((0..runs).map(run)));
    assert_eq!(snapshot.last_arrived("x").unwrap().map(|found| found.run), runs.checked_sub(1).map(run));
    let samples = snapshot.samples("x", &SeriesKey::new("n"), all).flat_map(Result::unwrap);
    assert!(samples.eq((0..runs).map(|n| (n as i64 * 1000, Some(Value::from(n as i64))))));
}

#[test]
fn snapshots_are_read_by_other_threads_while_the_writer_seals_and_merges() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { log_bytes: 64 << 10, ..Options::default() };
    let mut writer = Writer::open(dir.path(), options).unwrap();
    std::thread::scope(|scope| {
        let (to_reader, snapshots) = mpsc::channel::<(Snapshot, usize)>();
        let reading = scope.spawn(move || {
            let mut kept: Vec<(Snapshot, usize)> = Vec::new();
            for (snapshot, runs) in snapshots {
                read(&snapshot, runs);
                kept.push((snapshot, runs));
            }
            kept.iter().for_each(|(snapshot, runs)| read(snapshot, *runs));
            kept.len()
        });
        let mut reader = Reader::open(dir.path()).unwrap();
        for n in 0..RUNS {
            writer.append(&[("x", &run(n))]).unwrap();
            if n % 7 == 0 {
                reader.refresh().unwrap();
            }
            if n % 601 == 0 {
                reader.refresh().unwrap();
                to_reader.send((reader.snapshot(), n + 1)).unwrap();
            }
        }
        drop(to_reader);
        assert_eq!(reading.join().unwrap(), RUNS.div_ceil(601));
    });
    writer.close().unwrap();
}

#[test]
fn the_run_that_arrived_last_is_the_newest_whatever_its_time() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(dir.path(), Options { background: false, ..Options::default() }).unwrap();
    // A clock that was two hours ahead, then corrected.
    for n in [5, 7200, 7201, 6, 7] {
        writer.append(&[("x", &run(n))]).unwrap();
        writer.append(&[("y", &run(n + 1))]).unwrap();
    }
    let newest = |dir| {
        let snapshot = Reader::open(dir).unwrap().snapshot();
        assert_eq!(snapshot.last("x").unwrap(), Some(run(7201)));
        assert_eq!(snapshot.last_arrived("z").unwrap(), None);
        let found = snapshot.arrived_rev("x").map(|found| found.unwrap().run.time_ms / 1000);
        found.collect::<Vec<_>>()
    };
    assert_eq!(newest(dir.path()), [7, 6, 7201, 7200, 5]);
    writer.compact().unwrap();
    assert_eq!(newest(dir.path()), [7, 6, 7201, 7200, 5]);
}
