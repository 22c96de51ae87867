//! Whatever becomes of the bytes of a store: no reader panics, what is handed out was written or is named as damaged, and a
//! repair leaves a store in which nothing is.

use std::path::Path;
use std::sync::Arc;

use custos_store::disk::{Disk as _, SimDisk};
use custos_store::{Cursors, Finding, Notes, Options, Position, Reader, Run, Writer, repair_on, verify_on};
use proptest::prelude::*;

/// Time of the run whose write was refused though all of it reached the disk. Only the header of the next log says so, and
/// without that it is read.
const REFUSED_MS: i64 = 1_700_001_250_001;

#[derive(Clone, Debug)]
enum Change {
    Flip(u8),
    Cut,
    /// So many zeros.
    Blank(usize),
    /// A stretch of that length is there twice.
    Double(usize),
    /// The bytes of another file.
    Swap(usize),
    Remove,
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => (1..=255_u8).prop_map(Change::Flip),
        1 => Just(Change::Cut),
        1 => (1..2000_usize).prop_map(Change::Blank),
        1 => (1..2000_usize).prop_map(Change::Double),
        1 => (0..100_usize).prop_map(Change::Swap),
        1 => Just(Change::Remove),
    ]
}

/// The store of the fixture, without what was set aside.
fn store() -> (SimDisk, Vec<String>) {
    let disk = SimDisk::new();
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/format-1-troubled");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let name = entry.as_ref().unwrap().file_name().into_string().unwrap();
        if !name.ends_with(".damaged") && name != "lock" {
            disk.put(&name, &std::fs::read(entry.unwrap().path()).unwrap());
            names.push(name);
        }
    }
    names.sort();
    (disk, names)
}

fn apply(disk: &SimDisk, names: &[String], (file, at, change): (usize, f64, Change)) {
    let name = &names[file % names.len()];
    let Some(mut bytes) = disk.bytes(name) else { return };
    // Logs end in zeros, where a change is of little interest.
    let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
    let at = (used as f64 * at) as usize;
    let stretch = |len: usize| at..(at + len).min(used);
    match change {
        Change::Flip(mask) => bytes[at..used].iter_mut().take(1).for_each(|byte| *byte ^= mask),
        Change::Cut => bytes.truncate(at),
        Change::Blank(len) => bytes[stretch(len)].fill(0),
        Change::Double(len) => {
            let twice = bytes[stretch(len)].to_vec();
            bytes.splice(at..at, twice);
        }
        Change::Swap(other) => bytes = disk.bytes(&names[other % names.len()]).unwrap_or_default(),
        Change::Remove => return disk.remove(name).unwrap(),
    }
    disk.put(name, &bytes);
}

fn readable(disk: &SimDisk) -> Vec<(u64, String, Run)> {
    let Ok(reader) = Reader::open_on(Arc::new(disk.clone())) else { return Vec::new() };
    let arrived = reader.since(Position::START).flatten();
    arrived.map(|arrived| (arrived.position.0, arrived.check.to_string(), arrived.run)).collect()
}

/// Every way of reading, for what panics.
fn read_all(disk: &SimDisk) {
    if let Ok(reader) = Reader::open_on(Arc::new(disk.clone())) {
        let catalogue = reader.catalogue();
        for of in &catalogue.checks {
            reader.runs(&of.check.name, i64::MIN..i64::MAX).for_each(drop);
            for series in &of.series {
                let _ = reader.envelope(&of.check.name, &series.key, i64::MIN..i64::MAX, 5);
            }
        }
        let _ = (reader.amendments(), reader.synced(), reader.identity());
    }
    let disk: Arc<SimDisk> = Arc::new(disk.clone());
    let _ = Cursors::on(disk.clone()).read("nats");
    let _ = Notes::on(disk).read("snmp");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]
    #[test]
    fn nothing_panics_and_a_repair_leaves_no_damage(
        changes in prop::collection::vec((0..100_usize, 0.0..1.0, change()), 1..5)
    ) {
        let (disk, names) = store();
        let written = readable(&disk);
        for change in changes {
            apply(&disk, &names, change);
        }
        read_all(&disk);
        let before = readable(&disk);
        let strange = before.iter().find(|run| !written.contains(run) && run.2.time_ms != REFUSED_MS);
        prop_assert!(strange.is_none(), "never written: {strange:?}");
        repair_on(Arc::new(disk.clone())).unwrap();
        for report in verify_on(&disk, &mut |_| {}).unwrap() {
            prop_assert!(!report.findings.iter().any(Finding::is_damage), "{report:?}");
        }
        let after = readable(&disk);
        let back = |run: &&(u64, String, Run)| after.iter().any(|found| (found.0, &found.1) == (run.0, &run.1));
        let missing = before.iter().find(|run| !back(run));
        prop_assert!(missing.is_none(), "a repair lost {missing:?}");
        read_all(&disk);
        let options = Options { log_bytes: 4096, reserve_bytes: 0, background: false, ..Options::default() };
        let mut writer = Writer::open_on(Arc::new(disk.clone()), options).unwrap();
        writer.append(&[("new", &Run::default())]).unwrap();
        writer.compact().unwrap();
        prop_assert!(readable(&disk).iter().any(|(_, check, _)| check == "new"));
    }
}
