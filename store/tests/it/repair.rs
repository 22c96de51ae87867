//! Damage is found, set aside and repaired; what is elsewhere stays, and what can be read out is.

use std::path::Path;

use custos_store::{
    Importer, Metric, Options, Position, Reader, Run, SeriesKey, Value, Writer, repair, salvage, verify,
};

const RUNS: i64 = 3000;

fn run(n: i64) -> Run {
    let metric = |label: &str, value: Value| Metric::new(label, value);
    let metrics = vec![metric("a", Value::from(n * 7919 % 1000)), metric("b", Value::from(n as f64 / 3.0))];
    Run { time_ms: n * 1000, text: format!("text {n}"), metrics, ..Run::default() }
}

fn options() -> Options {
    Options { reserve_bytes: 0, background: false, ..Options::default() }
}

/// Two checks in one segment, and a log.
fn fill(dir: &Path) {
    let mut writer = Writer::open(dir, options()).unwrap();
    for n in 0..RUNS {
        if n == RUNS - 100 {
            writer.compact().unwrap();
        }
        writer.append(&[(["x", "y"][(n % 2) as usize], &run(n))]).unwrap();
    }
    writer.close().unwrap();
}

fn file(dir: &Path, end: &str) -> std::path::PathBuf {
    let mut names = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    names.find(|path| path.to_str().unwrap().ends_with(end)).unwrap()
}

fn flip(path: &Path, at: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[at] ^= 0x10;
    std::fs::write(path, bytes).unwrap();
}

fn count(dir: &Path) -> (usize, usize) {
    let reader = Reader::open(dir).unwrap();
    let found: Vec<_> = reader.since(Position::START).collect();
    let good = found.iter().flatten().inspect(|found| {
        let expected = run(found.run.time_ms / 1000);
        assert!(found.run.metrics.iter().all(|metric| expected.metrics.contains(metric)));
    });
    (good.count(), found.iter().filter(|found| found.is_err()).count())
}

fn damages(dir: &Path) -> usize {
    let reports = verify(dir, &mut |_| {}).unwrap();
    reports.iter().flat_map(|report| &report.findings).filter(|finding| finding.is_damage()).count()
}

#[test]
fn a_damaged_column_costs_that_column_only() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path());
    assert_eq!((damages(dir.path()), count(dir.path())), (0, (RUNS as usize, 0)));
    let segment = file(dir.path(), ".seg");
    // Well within the values of the last series of the second check.
    flip(&segment, std::fs::metadata(&segment).unwrap().len() as usize - 400);
    assert_eq!(damages(dir.path()), 1);
    let (good, bad) = count(dir.path());
    assert_eq!((good, bad), (RUNS as usize - (RUNS as usize - 100) / 2, 1));
    let repaired = repair(dir.path()).unwrap();
    assert_eq!((repaired.set_aside.len(), repaired.lost_series, repaired.lost_chunks), (1, 1, 0));
    assert_eq!((damages(dir.path()), count(dir.path())), (0, (RUNS as usize, 0)));
    let reader = Reader::open(dir.path()).unwrap();
    let samples = |label: &str| -> usize {
        let samples = reader.samples("y", &SeriesKey::new(label), i64::MIN..i64::MAX);
        samples.map(|batch| batch.unwrap().len()).sum()
    };
    let mut left = [samples("a"), samples("b")];
    left.sort();
    assert_eq!(left, [50, RUNS as usize / 2]);
    assert!(file(dir.path(), ".damaged").exists());
    assert_eq!(repair(dir.path()).unwrap().set_aside, Vec::<String>::new());
}

#[test]
fn a_lost_directory_is_rebuilt_from_the_chunks() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path());
    let segment = file(dir.path(), ".seg");
    flip(&segment, std::fs::metadata(&segment).unwrap().len() as usize - 20);
    assert_eq!(Reader::open(dir.path()).unwrap().damages().len(), 1);
    let mut salvaged = 0;
    let found = salvage(&segment, &mut |_, found| {
        assert_eq!(found, run(found.time_ms / 1000));
        salvaged += 1;
        Ok(())
    });
    assert_eq!((found.unwrap().lost_parts, salvaged), (0, RUNS - 100));
    assert_eq!(repair(dir.path()).unwrap().kept_runs, RUNS as u64 - 100);
    assert_eq!((damages(dir.path()), count(dir.path())), (0, (RUNS as usize, 0)));
}

#[test]
fn a_damaged_entry_of_the_directory_costs_one_check_until_it_is_repaired() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path());
    let segment = file(dir.path(), ".seg");
    let bytes = std::fs::read(&segment).unwrap();
    let directory_at = u64::from_le_bytes(bytes[bytes.len() - 32..bytes.len() - 24].try_into().unwrap());
    // The last byte before the directory is of the entry of the last check.
    flip(&segment, directory_at as usize - 1);
    assert_eq!(damages(dir.path()), 1);
    let reader = Reader::open(dir.path()).unwrap();
    assert!(reader.damages().is_empty());
    let catalogue = reader.catalogue();
    let runs: Vec<_> = catalogue.checks.iter().map(|of| (of.check.name.as_str(), of.check.runs)).collect();
    assert_eq!(runs, [("x", RUNS as u64 / 2), ("y", RUNS as u64 / 2)]);
    let samples: Vec<_> = catalogue.checks.iter().map(|of| of.series[0].samples).collect();
    assert_eq!(samples, [RUNS as u64 / 2, 50]);
    let [damage] = &catalogue.damages[..] else { panic!("{:?}", catalogue.damages) };
    assert_eq!((damage.check.as_deref(), damage.runs), (Some("y"), Some(RUNS as u64 / 2 - 50)));
    assert!(damage.start < damage.end && damage.samples == Some(RUNS as u64 - 100));
    assert!(reader.series("y").is_err() && reader.series("x").is_ok());
    let all = i64::MIN..i64::MAX;
    assert!(reader.runs("x", all.clone()).all(|found| found.is_ok()));
    let of_y: Vec<_> = reader.runs("y", all.clone()).map(|found| found.is_ok()).collect();
    assert_eq!((of_y.len(), of_y[0]), (51, false));
    assert_eq!(reader.samples("y", &SeriesKey::new("a"), all).filter(Result::is_err).count(), 1);
    assert_eq!(repair(dir.path()).unwrap().kept_runs, RUNS as u64 - 100);
    assert_eq!((damages(dir.path()), count(dir.path())), (0, (RUNS as usize, 0)));
    assert!(Reader::open(dir.path()).unwrap().catalogue().damages.is_empty());
}

#[test]
fn a_damaged_log_costs_a_frame_and_is_set_aside() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path());
    let log = file(dir.path(), ".log");
    let len = std::fs::metadata(&log).unwrap().len() as usize;
    flip(&log, len / 2);
    assert_eq!(damages(dir.path()), 1);
    assert_eq!(count(dir.path()).0, RUNS as usize - 1);
    let mut salvaged = 0;
    salvage(&log, &mut |_, _| {
        salvaged += 1;
        Ok(())
    })
    .unwrap();
    assert_eq!(salvaged, 99);
    assert_eq!(repair(dir.path()).unwrap().set_aside.len(), 1);
    assert_eq!((damages(dir.path()), count(dir.path())), (0, (RUNS as usize - 1, 0)));
    // Writing goes on.
    let mut writer = Writer::open(dir.path(), options()).unwrap();
    writer.append(&[("x", &run(RUNS))]).unwrap();
    writer.compact().unwrap();
    assert_eq!(count(dir.path()), (RUNS as usize, 0));
}

#[test]
fn importing_twice_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(dir.path(), options()).unwrap();
    // Every third run is there already, one of them twice.
    for n in (0..300).step_by(3).chain([30]) {
        writer.append(&[("x", &run(n))]).unwrap();
    }
    writer.compact().unwrap();
    let mut import = |runs: &mut dyn Iterator<Item = i64>| {
        let reader = Reader::open(dir.path()).unwrap();
        let mut importer = Importer::new(&reader, &mut writer);
        runs.for_each(|n| importer.add("x", run(n)).unwrap());
        let done = importer.finish().unwrap();
        (done.added, done.known)
    };
    assert_eq!(import(&mut (100..400)), (300 - 66, 66));
    assert_eq!(import(&mut (100..400)), (0, 300));
    // Backwards, then forwards again to a run that the store has twice.
    assert_eq!(import(&mut (0..40).rev().chain([30, 30])), (40 - 14, 14 + 2));
    let reader = Reader::open(dir.path()).unwrap();
    let times: Vec<i64> =
        reader.runs("x", i64::MIN..i64::MAX).map(|run| run.unwrap().time_ms / 1000).collect();
    assert!(times.is_sorted());
    assert_eq!(times.iter().filter(|n| **n == 30).count(), 2);
    // What was there before is as it was, and what came says so.
    let imported: Vec<bool> = reader.runs("x", 0..i64::MAX).map(|run| run.unwrap().imported).collect();
    let native = times.iter().filter(|n| **n < 300 && **n % 3 == 0).count();
    assert_eq!(imported.iter().filter(|imported| !**imported).count(), native);
}

#[test]
fn what_is_no_number_is_imported_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(dir.path(), options()).unwrap();
    // The last but one has the bits by which others mark that a series ends.
    let values = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::from_bits(0x7ff0_0000_0000_0002), 1.0];
    for expected in [(5, 0), (0, 5)] {
        let reader = Reader::open(dir.path()).unwrap();
        let mut importer = Importer::new(&reader, &mut writer);
        for (n, value) in values.into_iter().enumerate() {
            let metrics = vec![Metric::new("x", Value::from(value))];
            importer.add("x", Run { time_ms: n as i64, metrics, ..Run::default() }).unwrap();
        }
        let done = importer.finish().unwrap();
        assert_eq!((done.added, done.known), expected);
        writer.compact().unwrap();
    }
    let reader = Reader::open(dir.path()).unwrap();
    let samples = reader.samples("x", &SeriesKey::new("x"), i64::MIN..i64::MAX).flat_map(Result::unwrap);
    let bits: Vec<u64> = samples.map(|(_, value)| value.unwrap().to_f64().to_bits()).collect();
    let expected = values.map(|value| if value.is_nan() { f64::NAN } else { value });
    assert_eq!(bits, expected.map(f64::to_bits));
}
