//! Files that somebody has put into a store under the names of logs and segments: they are named, and hide and cost nothing.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use custos_store::{Error, Options, Reader, Run, Writer, repair, verify};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

const RUNS: u64 = 40;

fn options() -> Options {
    Options { log_bytes: 1 << 20, reserve_bytes: 0, background: false, ..Options::default() }
}

fn run(number: u64) -> Run {
    Run { time_ms: number as i64 * 1000, text: format!("run {number}"), ..Run::default() }
}

fn append(writer: &mut Writer, numbers: std::ops::Range<u64>) {
    for number in numbers {
        writer.append(&[("x", &run(number))]).unwrap();
    }
}

fn texts(store: &Path) -> Vec<String> {
    let reader = Reader::open(store).unwrap();
    reader.runs("x", i64::MIN..i64::MAX).map(|run| run.unwrap().text).collect()
}

fn expected(runs: u64) -> Vec<String> {
    (0..runs).map(|number| format!("run {number}")).collect()
}

/// The files that are reported as damaged.
fn named(store: &Path) -> Vec<String> {
    let reports = verify(store, &mut |_| {}).unwrap();
    let damaged = reports.into_iter().filter(|report| report.findings.iter().any(|found| found.is_damage()));
    damaged.map(|report| report.name).collect()
}

/// Puts a file into a store that is being written, and then again and again opens the store, writes, seals and merges.
/// Nothing may be lost, and the file stays and is named.
fn hides_nothing(name: &str, put: impl Fn(&Path)) {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store");
    let mut writer = Writer::open(&store, options()).unwrap();
    append(&mut writer, 0..RUNS);
    let mut reader = Reader::open(&store).unwrap();
    put(&store.join(name));
    // Who follows the writer goes on following it.
    append(&mut writer, RUNS..RUNS + 5);
    reader.refresh().unwrap();
    assert_eq!(reader.runs("x", i64::MIN..i64::MAX).count() as u64, RUNS + 5, "{name}");
    assert!(reader.damages().iter().any(|damage| damage.file.ends_with(name)), "{name}");
    assert_eq!((texts(&store), named(&store)), (expected(RUNS + 5), vec![name.to_owned()]));
    // As after a kill: nothing was sealed.
    drop(writer);
    let mut runs = RUNS + 5;
    for _ in 0..3 {
        let mut writer = Writer::open(&store, options()).unwrap();
        assert!(writer.health().damages > 0, "{name}");
        append(&mut writer, runs..runs + 5);
        runs += 5;
        let error = writer.compact().unwrap_err().to_string();
        assert!(error.contains(name), "{name}: {error}");
        append(&mut writer, runs..runs + 5);
        runs += 5;
        writer.close().unwrap();
        assert_eq!((texts(&store), named(&store)), (expected(runs), vec![name.to_owned()]));
    }
    assert_eq!(repair(&store).unwrap().set_aside, [format!("{name}.damaged")]);
    assert_eq!((texts(&store), named(&store)), (expected(runs), vec![]));
}

#[test]
fn an_empty_file_with_the_name_of_a_log_hides_nothing() {
    for name in
        ["0000000000000005.log", "0000000000000029.log", "00000000000fffff.log", "7fffffffffffffff.log"]
    {
        hides_nothing(name, |path| fs::write(path, "").unwrap());
    }
}

#[test]
fn zeros_with_the_name_of_a_log_hide_nothing() {
    hides_nothing("0000000000000005.log", |path| fs::write(path, vec![0; 20 << 20]).unwrap());
}

#[test]
fn other_bytes_with_the_name_of_a_log_hide_nothing() {
    hides_nothing("0000000000000005.log", |path| fs::write(path, [7; 5000]).unwrap());
}

#[test]
fn what_is_no_file_and_has_the_name_of_a_log_hides_nothing() {
    let name = "0000000000000005.log";
    hides_nothing(name, |path| mkfifo(path, Mode::from_bits_truncate(0o640)).unwrap());
    hides_nothing(name, |path| fs::create_dir(path).unwrap());
    hides_nothing(name, |path| symlink("/dev/zero", path).unwrap());
}

#[test]
fn a_file_with_the_name_of_a_segment_hides_nothing() {
    for name in ["0000000000000000-00000000000003e8.seg", "0000000000000005-00000000000003e8.seg"] {
        hides_nothing(name, |path| fs::write(path, "").unwrap());
        hides_nothing(name, |path| fs::write(path, [7; 5000]).unwrap());
        hides_nothing(name, |path| mkfifo(path, Mode::from_bits_truncate(0o640)).unwrap());
    }
}

#[test]
fn a_name_does_not_use_up_the_numbers() {
    for name in ["ffffffffffffffff.log", "fffffffffffffff0.log", "0000000000000000-ffffffffffffffff.seg"] {
        hides_nothing(name, |path| fs::write(path, "").unwrap());
    }
    hides_nothing("ffffffffffffffff.log", |path| mkfifo(path, Mode::from_bits_truncate(0o640)).unwrap());
    hides_nothing("3fffffffffffff00.log", |path| mkfifo(path, Mode::from_bits_truncate(0o640)).unwrap());
    hides_nothing("3fffffffffffff00-3ffffffffffffff0.seg", |path| fs::write(path, "").unwrap());
}

#[test]
fn a_name_that_is_none_of_the_stores_is_named() {
    hides_nothing("000000000000000A.log", |path| fs::write(path, "").unwrap());
    hides_nothing("5.log", |path| fs::write(path, "").unwrap());
    hides_nothing("0000000000000009-0000000000000001.seg", |path| fs::write(path, "").unwrap());
}

#[test]
fn a_log_in_the_range_of_a_segment_that_has_not_its_runs_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let (store, other) = (dir.path().join("store"), dir.path().join("other"));
    let log = "0000000000000000.log";
    let mut writer = Writer::open(&other, options()).unwrap();
    for number in 100..120 {
        writer.append(&[("y", &run(number))]).unwrap();
    }
    drop(writer);
    let mut writer = Writer::open(&store, options()).unwrap();
    append(&mut writer, 0..RUNS);
    fs::copy(store.join(log), dir.path().join("own")).unwrap();
    writer.compact().unwrap();
    writer.close().unwrap();
    // What a crash leaves behind is removed, and nothing said.
    fs::copy(dir.path().join("own"), store.join(log)).unwrap();
    assert_eq!(named(&store), Vec::<String>::new());
    let mut writer = Writer::open(&store, options()).unwrap();
    writer.compact().unwrap();
    assert!(!store.join(log).exists());
    // The log of another store is not.
    fs::copy(other.join(log), store.join(log)).unwrap();
    let bytes = fs::read(store.join(log)).unwrap();
    assert_eq!(named(&store), [log]);
    append(&mut writer, RUNS..RUNS + 5);
    let error = writer.compact().unwrap_err().to_string();
    assert!(error.contains(log), "{error}");
    writer.close().unwrap();
    assert_eq!(texts(&store), expected(RUNS + 5));
    assert_eq!(fs::read(store.join(log)).unwrap(), bytes);
    assert_eq!(repair(&store).unwrap().set_aside, [format!("{log}.damaged")]);
    assert_eq!(fs::read(store.join(format!("{log}.damaged"))).unwrap(), bytes);
    assert_eq!(named(&store), Vec::<String>::new());
}

#[test]
fn a_log_whose_runs_another_log_claims_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let (store, other) = (dir.path().join("store"), dir.path().join("other"));
    let mut writer = Writer::open(&store, options()).unwrap();
    append(&mut writer, 0..RUNS);
    drop(writer);
    let mut writer = Writer::open(&other, options()).unwrap();
    append(&mut writer, 0..5);
    writer.seal().unwrap();
    append(&mut writer, 5..6);
    drop(writer);
    let (log, foreign) = ("0000000000000000.log", "0000000000000005.log");
    let bytes = fs::read(store.join(log)).unwrap();
    fs::copy(other.join(foreign), store.join(foreign)).unwrap();
    assert_eq!(named(&store), [log]);
    let mut writer = Writer::open(&store, options()).unwrap();
    append(&mut writer, RUNS..RUNS + 5);
    writer.compact().unwrap();
    writer.close().unwrap();
    let kept = fs::read(store.join(format!("{log}.damaged"))).unwrap();
    assert!(kept == bytes, "the log was not kept");
}

#[test]
fn a_file_where_the_next_log_would_be_is_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store");
    let mut writer = Writer::open(&store, options()).unwrap();
    append(&mut writer, 0..RUNS);
    let name = format!("{RUNS:016x}.log");
    fs::write(store.join(&name), "mine").unwrap();
    writer.seal().unwrap();
    append(&mut writer, RUNS..RUNS + 5);
    writer.close().unwrap();
    assert_eq!(fs::read_to_string(store.join(&name)).unwrap(), "mine");
    assert_eq!((texts(&store), named(&store)), (expected(RUNS + 5), vec![name]));
}

#[test]
fn a_store_whose_numbers_are_used_up_says_so() {
    let disk = std::sync::Arc::new(custos_store::disk::SimDisk::new());
    let end = custos_store::limits::SEQ_MAX;
    let mut header = b"CUSTLOG\0".to_vec();
    header.extend([1, 0, 0, 0, 0, 0, 0, 0]);
    header.extend((end - 1).to_le_bytes());
    header.extend((end - 1).to_le_bytes());
    header.extend(crc32c::crc32c(&header).to_le_bytes());
    header.extend([0; 4]);
    disk.put(&format!("{:016x}.log", end - 1), &header);
    let mut writer = Writer::open_on(disk, options()).unwrap();
    let error = writer.append(&[("x", &run(0))]).unwrap_err();
    assert!(matches!(error, Error::NumbersUsedUp { .. }), "{error}");
    assert!(writer.health().refusing.is_some());
}
