//! A store that is taken away while it is written to: the writer notices, and the next one goes on with every run that was
//! stored since, each of them once.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use custos_store::disk::SimDisk;
use custos_store::{Error, Leftover, Options, Position, Reader, Run, Writer};

fn run(n: u64) -> Run {
    Run { time_ms: 1000 * n as i64, text: format!("run {n}"), ..Run::default() }
}

fn options() -> Options {
    Options { log_bytes: 64 << 10, reserve_bytes: 0, background: false, ..Options::default() }
}

fn open(dir: &Path) -> Writer {
    Writer::open(dir, options()).unwrap()
}

fn append(writer: &mut Writer, numbers: impl IntoIterator<Item = u64>) -> custos_store::Result<Position> {
    let runs: Vec<Run> = numbers.into_iter().map(run).collect();
    let batch: Vec<(&str, &Run)> = runs.iter().map(|run| ("x", run)).collect();
    writer.append(&batch)
}

/// The runs in order of arrival.
fn read(dir: &Path) -> Vec<u64> {
    let reader = Reader::open(dir).unwrap();
    assert!(reader.damages().is_empty(), "{:?}", reader.damages());
    reader.since(Position::START).map(|found| found.unwrap().run.time_ms as u64 / 1000).collect()
}

fn sorted(dir: &Path) -> Vec<u64> {
    let mut found = read(dir);
    found.sort();
    found
}

/// The writer notices, takes no more, and is given up.
fn given_up(mut writer: Writer) -> Leftover {
    let error = writer.look().unwrap_err();
    assert!(matches!(error, Error::Displaced { .. }), "{error}");
    assert!(matches!(append(&mut writer, [999]), Err(Error::Refusing { .. })));
    assert!(writer.health().refusing.is_some_and(|why| why.contains("taken away")));
    let mut leftover = Leftover::new();
    assert_eq!(writer.give_up(&mut leftover), 0);
    leftover
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[test]
fn a_writer_whose_store_is_there_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store");
    let mut writer = open(&store);
    writer.look().unwrap();
    append(&mut writer, 0..3).unwrap();
    writer.look().unwrap();
    writer.seal().unwrap();
    writer.settle().unwrap();
    writer.look().unwrap();
    append(&mut writer, 3..5).unwrap();
    writer.sync().unwrap();
    writer.close().unwrap();
    assert_eq!(read(&store), [0, 1, 2, 3, 4]);
}

#[test]
fn the_lock_is_removed_and_a_second_writer_seals_the_log() {
    for seals_late in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let store = dir.path().join("store");
        let mut writer = open(&store);
        append(&mut writer, 0..5).unwrap();
        fs::remove_file(store.join("lock")).unwrap();
        let mut second = open(&store);
        append(&mut writer, 5..8).unwrap();
        if seals_late {
            append(&mut second, 100..103).unwrap();
            append(&mut writer, 8..10).unwrap();
            second.compact().unwrap();
        } else {
            second.compact().unwrap();
            append(&mut writer, 8..10).unwrap();
            append(&mut second, 100..103).unwrap();
        }
        second.close().unwrap();
        assert!(sorted(&store).len() < 13);
        let mut leftover = given_up(writer);
        let mut third = open(&store);
        assert!(third.take_over(&mut leftover).unwrap() >= 2);
        assert!(leftover.is_empty());
        append(&mut third, [10]).unwrap();
        third.compact().unwrap();
        third.close().unwrap();
        assert_eq!(sorted(&store), (0..11).chain(100..103).collect::<Vec<_>>(), "late: {seals_late}");
    }
}

#[test]
fn upkeep_does_nothing_once_the_lock_is_another_s() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store");
    let mut writer = open(&store);
    append(&mut writer, 0..5).unwrap();
    writer.seal().unwrap();
    fs::remove_file(store.join("lock")).unwrap();
    let second = open(&store);
    let before = fs::read_dir(&store).unwrap().count();
    let error = writer.settle().unwrap_err();
    assert!(error.to_string().contains("taken away"), "{error}");
    assert_eq!(fs::read_dir(&store).unwrap().count(), before);
    assert_eq!(read(&store), [0, 1, 2, 3, 4]);
    drop(second);
}

#[test]
fn the_directory_is_removed() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store");
    let mut writer = open(&store);
    append(&mut writer, 0..5).unwrap();
    writer.sync().unwrap();
    let identity = writer.identity();
    fs::remove_dir_all(&store).unwrap();
    append(&mut writer, 5..8).unwrap();
    assert!(matches!(writer.sync(), Err(Error::Displaced { .. })));
    let mut leftover = given_up(writer);
    let mut next = open(&store);
    assert_ne!(next.identity(), identity);
    assert_eq!(next.take_over(&mut leftover).unwrap(), 8);
    append(&mut next, [8]).unwrap();
    next.close().unwrap();
    assert_eq!(read(&store), (0..9).collect::<Vec<_>>());
}

#[test]
fn an_older_copy_takes_the_place_of_the_directory() {
    let dir = tempfile::tempdir().unwrap();
    let [store, backup] = ["store", "backup"].map(|name| dir.path().join(name));
    let mut writer = open(&store);
    append(&mut writer, 0..3).unwrap();
    writer.compact().unwrap();
    append(&mut writer, 3..6).unwrap();
    copy(&store, &backup);
    append(&mut writer, 6..9).unwrap();
    fs::rename(&store, dir.path().join("away")).unwrap();
    fs::rename(&backup, &store).unwrap();
    append(&mut writer, 9..12).unwrap();
    let mut leftover = given_up(writer);
    let mut next = open(&store);
    assert_eq!(next.take_over(&mut leftover).unwrap(), 6);
    append(&mut next, [12]).unwrap();
    next.close().unwrap();
    assert_eq!(read(&store), (0..13).collect::<Vec<_>>());
}

#[test]
fn the_log_is_removed_and_a_log_is_full_before_that_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store");
    let mut writer = open(&store);
    append(&mut writer, 0..5).unwrap();
    let log = fs::read_dir(&store).unwrap().map(|entry| entry.unwrap().path());
    let log = log.into_iter().find(|path| path.extension().is_some_and(|end| end == "log")).unwrap();
    fs::remove_file(log).unwrap();
    // At the latest when the log is full.
    let mut stored = 5;
    let error = loop {
        match append(&mut writer, [stored]) {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, Error::Displaced { .. }) && stored > 100, "{error}");
    let mut leftover = given_up(writer);
    let mut next = open(&store);
    assert_eq!(next.take_over(&mut leftover).unwrap(), stored);
    next.close().unwrap();
    assert_eq!(read(&store), (0..stored).collect::<Vec<_>>());
}

#[test]
fn what_could_not_be_taken_over_is_tried_again_and_nothing_is_twice() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store");
    let mut writer = open(&store);
    append(&mut writer, 0..1000).unwrap();
    fs::remove_dir_all(&store).unwrap();
    let mut leftover = given_up(writer);
    // The first disk takes some of it, then no more.
    let disk = SimDisk::new();
    let on = |disk: &SimDisk| Writer::open_on(Arc::new(disk.clone()), options()).unwrap();
    let mut next = on(&disk);
    disk.fail_a_write(3, 0);
    next.take_over(&mut leftover).unwrap_err();
    assert!(!leftover.is_empty());
    next.take_over(&mut leftover).unwrap();
    assert!(leftover.is_empty());
    next.close().unwrap();
    let reader = Reader::open_on(Arc::new(disk)).unwrap();
    let found: Vec<Run> = reader.since(Position::START).map(|found| found.unwrap().run).collect();
    assert!(found.into_iter().eq((0..1000).map(run)));
}

#[test]
fn what_was_refused_and_could_not_be_said_is_known_to_the_next_writer() {
    let disk = SimDisk::new();
    let on = |disk: &SimDisk| Writer::open_on(Arc::new(disk.clone()), options()).unwrap();
    let mut writer = on(&disk);
    append(&mut writer, 0..3).unwrap();
    // All of a batch reaches the disk, which reports a failure; nothing can be cut off, and no log be begun.
    disk.fail_a_write(0, usize::MAX);
    disk.fail_next_cut();
    disk.set_capacity(0);
    append(&mut writer, 100..103).unwrap_err();
    disk.set_capacity(u64::MAX);
    assert!(matches!(append(&mut writer, [999]), Err(Error::Refusing { .. })));
    let mut leftover = Leftover::new();
    writer.give_up(&mut leftover);
    assert!(!leftover.is_empty());
    let mut next = on(&disk);
    assert_eq!(next.take_over(&mut leftover).unwrap(), 0);
    assert_eq!(next.acknowledged(), Position(3));
    append(&mut next, 3..5).unwrap();
    let read = |disk: &SimDisk| -> Vec<u64> {
        let reader = Reader::open_on(Arc::new(disk.clone())).unwrap();
        reader.since(Position::START).map(|found| found.unwrap().run.time_ms as u64 / 1000).collect()
    };
    assert_eq!(read(&disk), [0, 1, 2, 3, 4]);
    next.compact().unwrap();
    assert_eq!(read(&disk), [0, 1, 2, 3, 4]);
}
