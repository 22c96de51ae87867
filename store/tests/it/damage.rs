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

/// Frame headers without payload, one behind the other; each claims the rest of a log as its own.
fn empty_promises(bytes: usize, seq: u64) -> Vec<u8> {
    let mut promises = Vec::new();
    while promises.len() < bytes {
        let mut header = Vec::new();
        header.extend_from_slice(&((bytes - promises.len()) as u32).to_le_bytes());
        header.extend_from_slice(&0x0bad_cafe_u32.to_le_bytes());
        header.extend_from_slice(&seq.to_le_bytes());
        header.extend_from_slice(&crc32c::crc32c(&header).to_le_bytes());
        promises.extend_from_slice(&header);
    }
    promises
}

/// To hash what each of them claims would take hours.
#[test]
fn frames_are_found_among_headers_that_claim_the_rest_of_the_log() {
    const FILE_HEADER_LEN: usize = 40;
    const FRAME_HEADER_LEN: usize = 20;
    let disk = SimDisk::new();
    let options = Options { reserve_bytes: 0, background: false, ..Options::default() };
    let mut writer = Writer::open_on(Arc::new(disk.clone()), options).unwrap();
    for n in 0..4 {
        writer.append(&[("x", &run(n * 2))]).unwrap();
    }
    let name = disk.list().unwrap().into_iter().find(|name| name.ends_with(".log")).unwrap();
    let log = disk.bytes(&name).unwrap();
    let (mut crafted, mut at) = (log[..FILE_HEADER_LEN].to_vec(), FILE_HEADER_LEN);
    for frame in 0..4_u64 {
        let len = u32::from_le_bytes(log[at..at + 4].try_into().unwrap()) as usize + FRAME_HEADER_LEN;
        crafted.extend_from_slice(&log[at..at + len]);
        at += len;
        // Few, so that there are many frames behind, and many.
        crafted.extend(empty_promises(if frame % 2 == 0 { 1 << 20 } else { 100 }, frame + 2));
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(&name);
    std::fs::write(&path, &crafted).unwrap();
    let mut found = Vec::new();
    let mut take = |_: &str, run: Run| {
        found.push(run.time_ms);
        Ok(())
    };
    custos_store::salvage(&path, &mut take).unwrap();
    assert_eq!(found, [0, 2, 4, 6].map(|n| run(n).time_ms));
    let reader = Reader::open(directory.path()).unwrap();
    assert_eq!(reader.runs("x", i64::MIN..i64::MAX).count(), 4);
    assert!(!reader.damages().is_empty());
}
