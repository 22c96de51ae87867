//! Every byte of every file flipped, and every file cut at every length: an error or intact data, never a panic,
//! never a wrong run.

use std::collections::BTreeMap;
use std::sync::Arc;

use custos_store::disk::{Disk, SimDisk};
use custos_store::{
    Instance, Instances, Metric, Options, Position, Provenance, Reader, Run, SeriesKey, Value, Writer,
};

const RUNS: i64 = 36;

/// Two of the check `y`, one of which changes with each of its runs; the other check has none.
fn instances(n: i64) -> Instances {
    let instance = |row: i64| Instance {
        since_ms: if row == 1 { n } else { 5 },
        value: Some(Value::from(n / 12)),
        ..Instance::new(vec![("row".to_owned(), row.to_string())])
    };
    Instances::new((0..2).filter(|_| n % 2 == 1).map(instance)).unwrap()
}

fn run(n: i64) -> Run {
    let metric = |label: &str, value: Option<Value>| Metric {
        labels: vec![("row".to_owned(), "1".to_owned())],
        unit: "B".to_owned(),
        printed_unit: "KB".to_owned(),
        min: Some(0.0),
        ..Metric::new(label, value)
    };
    let mut metrics =
        vec![metric("a", Some(Value::from(n as f64 / 7.0))), metric("b", Some(Value::from(n * n % 50)))];
    if n % 9 == 0 {
        metrics.push(metric("c", None));
    }
    Run {
        time_ms: n * 1000 + n % 3,
        duration_us: n as u64,
        text: format!("text {n}"),
        instances: instances(n),
        partial: n % 5 == 1,
        imported: n % 7 == 1,
        provenance: if n % 7 == 1 { Provenance::Watched } else { Provenance::Scheduled },
        metrics,
        ..Run::default()
    }
}

/// A store of one segment with two chunks of different checks, and one log.
fn store() -> SimDisk {
    let disk = SimDisk::new();
    let options = Options { log_bytes: 16 << 10, reserve_bytes: 0, background: false, ..Options::default() };
    let mut writer = Writer::open_on(Arc::new(disk.clone()), options).unwrap();
    for n in 0..RUNS {
        if n == RUNS * 2 / 3 {
            writer.compact().unwrap();
        }
        writer.append(&[(["x", "y"][(n % 2) as usize], &run(n))]).unwrap();
    }
    writer.close().unwrap();
    disk
}

/// Reads everything in every way. What comes is compared with what was written; `true` if all came.
fn read(disk: &SimDisk, may_end_early: bool) -> bool {
    let Ok(reader) = Reader::open_on(Arc::new(disk.clone())) else { return false };
    let mut complete = reader.damages().is_empty() && reader.torn_tails().is_empty();
    let mut seen = 0;
    for check in ["x", "y"] {
        for found in reader.runs(check, i64::MIN..i64::MAX) {
            match found {
                Ok(found) => {
                    assert_eq!(found, run(found.time_ms / 1000));
                    seen += 1;
                }
                Err(error) => {
                    assert!(error.to_string().contains("at offset"), "{error}");
                    complete = false;
                }
            }
        }
        complete &= reader.last(check).is_ok() && reader.series(check).is_ok();
        let key = SeriesKey { label: "a".to_owned(), labels: vec![("row".to_owned(), "1".to_owned())] };
        for batch in reader.samples(check, &key, i64::MIN..i64::MAX) {
            match batch {
                Ok(batch) => batch.iter().for_each(|(time, value)| {
                    assert_eq!(value, run(time / 1000).metrics[0].value);
                }),
                Err(_) => complete = false,
            }
        }
        for batch in reader.scan(check, std::slice::from_ref(&key), i64::MIN..i64::MAX) {
            let read = |batch: custos_store::Result<custos_store::Batch<'_>>| {
                let batch = batch?;
                let (times, column) = (batch.times()?, batch.column(0)?);
                for (row, value) in column.iter() {
                    assert_eq!(value, run(times[row] / 1000).metrics[0].value);
                }
                let silent = batch.silent()?;
                let partial = |row: &usize| run(times[*row] / 1000).partial;
                assert!(silent.iter().map(|row| *row as usize).eq((0..times.len()).filter(partial)));
                assert!(column.rows().is_none());
                let sum = batch.windows(0)?.sum_up(0..batch.len())?;
                assert!(batch.statistics(0).is_none_or(|known| known.count == sum.count));
                Ok::<_, custos_store::Error>(())
            };
            complete &= read(batch).is_ok();
        }
        match reader.envelope(check, &key, 0..RUNS * 1000, 7) {
            Ok(buckets) => assert!(buckets.iter().map(|bucket| bucket.count).sum::<u64>() <= RUNS as u64 / 2),
            Err(_) => complete = false,
        }
    }
    let mut arrived = 0;
    for found in reader.since(Position::START) {
        match found {
            Ok(found) => {
                assert_eq!(found.run, run(found.run.time_ms / 1000));
                arrived += 1;
            }
            Err(_) => complete = false,
        }
    }
    // Without an error nothing may be missing.
    let all = seen == RUNS && arrived == RUNS;
    assert!(!complete || all || may_end_early, "{seen} and {arrived} of {RUNS} runs, and no error");
    complete
}

/// All files that can be damaged. The mark can only be out of date, and says nothing if it does not check out.
fn files(disk: &SimDisk) -> BTreeMap<String, Vec<u8>> {
    let names = disk.list().unwrap().into_iter().filter(|name| name != "synced");
    names.map(|name| (name.clone(), disk.bytes(&name).unwrap())).collect()
}

fn with(files: &BTreeMap<String, Vec<u8>>, name: &str, bytes: &[u8]) -> SimDisk {
    let disk = SimDisk::new();
    files.iter().for_each(|(other, content)| disk.put(other, if other == name { bytes } else { content }));
    disk
}

#[test]
fn every_byte_is_flipped() {
    let files = files(&store());
    assert_eq!(files.len(), 3, "{:?}", files.keys());
    assert!(read(&with(&files, "", &[]), false));
    for (name, content) in &files {
        for at in 0..content.len() {
            let mut bytes = content.clone();
            bytes[at] ^= 1 << (at % 8);
            let disk = with(&files, name, &bytes);
            assert!(!read(&disk, false), "{name}: byte {at} flipped, and nobody noticed");
        }
    }
}

#[test]
fn every_file_is_cut_at_every_length() {
    let files = files(&store());
    for (name, content) in &files {
        for len in 0..content.len() {
            let disk = with(&files, name, &content[..len]);
            // A log that is cut between two frames looks like one that was ended there.
            let log = name.ends_with(".log");
            let complete = read(&disk, log);
            assert!(!complete || log, "{name}: cut to {len} bytes, and nobody noticed");
        }
    }
}
