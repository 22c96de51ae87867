//! What damage takes and a repair brings back is handed out as data, and found by a consumer that has passed it.

use std::sync::Arc;

use custos_store::disk::{Disk, Fate, SimDisk};
use custos_store::{
    Amendment, AmendmentKind, Damage, Error, Finding, Metric, Options, Position, Reader, Run, Value, Writer,
    repair_on, verify_on,
};

const RUNS: u64 = 60;

fn run(n: u64) -> Run {
    let metrics = vec![Metric::new("m", Value::from((n * 7919 % 1000) as f64 / 7.0))];
    Run { time_ms: 1000 * n as i64, text: format!("run {n}"), metrics, ..Run::default() }
}

fn check(n: u64) -> &'static str {
    ["x", "y"][(n % 2) as usize]
}

fn options() -> Options {
    Options { log_bytes: 64 << 10, reserve_bytes: 0, background: false, ..Options::default() }
}

fn open(disk: &SimDisk) -> custos_store::Result<Writer> {
    Writer::open_on(Arc::new(disk.clone()), options())
}

/// A segment of the checks `x` and `y` by turns, or a log.
fn store(sealed: bool) -> SimDisk {
    let disk = SimDisk::new();
    let mut writer = open(&disk).unwrap();
    for n in 0..RUNS {
        writer.append(&[(check(n), &run(n))]).unwrap();
    }
    if sealed {
        writer.compact().unwrap();
    }
    writer.close().unwrap();
    disk
}

fn reader(disk: &SimDisk) -> Reader {
    Reader::open_on(Arc::new(disk.clone())).unwrap()
}

fn damages(disk: &SimDisk) -> Vec<Damage> {
    let reports = verify_on(disk, &mut |_| {}).unwrap();
    let damage = |finding: Finding| match finding {
        Finding::Damage(damage) => Some(damage),
        Finding::Torn { .. } => None,
    };
    reports.into_iter().flat_map(|report| report.findings).filter_map(damage).collect()
}

fn file(disk: &SimDisk, end: &str) -> String {
    disk.list().unwrap().into_iter().find(|name| name.ends_with(end)).unwrap()
}

fn flip(disk: &SimDisk, name: &str, at: usize) {
    let mut bytes = disk.bytes(name).unwrap();
    bytes[at] ^= 0x10;
    disk.put(name, &bytes);
}

fn find(bytes: &[u8], what: &[u8], nth: usize) -> usize {
    bytes.windows(what.len()).enumerate().filter(|(_, window)| *window == what).nth(nth).unwrap().0
}

fn readable(disk: &SimDisk) -> Vec<u64> {
    reader(disk).since(Position::START).flatten().map(|found| found.run.time_ms as u64 / 1000).collect()
}

#[test]
fn a_damaged_chunk_says_which_runs_it_costs_and_a_repair_that_they_are_back() {
    let disk = store(true);
    let name = file(&disk, ".seg");
    // The values of a metric, without which the runs of the second check are read all the same.
    let chunk = find(&disk.bytes(&name).unwrap(), b"CHNK", 1);
    let last = disk.bytes(&name).unwrap().len();
    let at = (chunk..last)
        .find(|at| {
            let copy = disk.restart(Fate::Kept);
            flip(&copy, &name, *at);
            damages(&copy).len() == 1
                && repair_on(Arc::new(copy.clone())).unwrap().kept_runs == RUNS
                && readable(&copy).len() == RUNS as usize
        })
        .unwrap();
    flip(&disk, &name, at);
    let found = damages(&disk);
    let damage = &found[0];
    assert_eq!((damage.check.as_deref(), damage.start, damage.end), (Some("y"), Position(1), Position(RUNS)));
    assert_eq!((damage.runs, found.len()), (Some(RUNS / 2), 1));
    assert_eq!(reader(&disk).amendments().count(), 0);
    repair_on(Arc::new(disk.clone())).unwrap();
    let restored = Amendment {
        kind: AmendmentKind::Restored,
        check: Some("y".to_owned()),
        start: damage.start,
        end: damage.end,
        runs: Some(RUNS / 2),
        samples: None,
    };
    assert_eq!(reader(&disk).amendments().list, [restored]);
    assert_eq!((damages(&disk), readable(&disk)), (Vec::new(), (0..RUNS).collect()));
}

#[test]
fn a_whole_segment_that_is_back_is_found_by_whoever_had_passed_it() {
    let disk = store(true);
    let name = file(&disk, ".seg");
    flip(&disk, &name, disk.bytes(&name).unwrap().len() - 20);
    let damage = &damages(&disk)[0];
    assert_eq!((&damage.check, damage.start, damage.end), (&None, Position(0), Position(RUNS)));
    // A consumer passes it, with what it knows: nothing came.
    let reader = reader(&disk);
    assert_eq!((readable(&disk), reader.damages().len()), (Vec::new(), 1));
    let (position, dealt_with) = (reader.end().max(reader.damages()[0].end), reader.amendments().count());
    repair_on(Arc::new(disk.clone())).unwrap();
    let reader = self::reader(&disk);
    let new = reader.amendments().after(dealt_with);
    assert_eq!(new.len(), 1);
    assert_eq!((new[0].kind, new[0].runs), (AmendmentKind::Restored, Some(RUNS)));
    assert!(new[0].start < position);
    let again: Vec<Run> = reader
        .since(new[0].start)
        .map(Result::unwrap)
        .take_while(|found| found.position <= new[0].end)
        .map(|found| found.run)
        .collect();
    assert!(again.into_iter().eq((0..RUNS).map(run)));
    assert!(reader.amendments().after(dealt_with + 1).is_empty());
}

#[test]
fn what_a_damaged_log_costs_is_known_when_it_is_sealed() {
    let disk = store(false);
    let log = file(&disk, ".log");
    let frame = find(&disk.bytes(&log).unwrap(), b"run 30", 0);
    flip(&disk, &log, frame);
    let found = damages(&disk);
    assert_eq!(
        (found.len(), found[0].start, found[0].end, found[0].runs),
        (1, Position(30), Position(31), Some(1))
    );
    let before = disk.bytes(&log).unwrap();
    // The power goes at any moment while it is sealed: the bytes are kept, and what is lost is known.
    let seal = |disk: &SimDisk| {
        let mut writer = open(disk)?;
        writer.compact()?;
        writer.close()
    };
    let whole = disk.restart(Fate::Kept);
    seal(&whole).unwrap();
    for cut in 0..whole.ops() {
        let cut_short = disk.restart(Fate::Kept);
        cut_short.cut_power_after(cut);
        let _ = seal(&cut_short);
        for fate in [Fate::Kept, Fate::Lost, Fate::Mixed(cut)] {
            let after = cut_short.restart(fate);
            seal(&after).unwrap();
            let aside = after.bytes(&format!("{log}.damaged"));
            assert!(
                aside == Some(before.clone()),
                "cut {cut}, {fate:?}: {:?}",
                aside.map(|aside| aside.len())
            );
            let lost = reader(&after).amendments().list.clone();
            assert_eq!(lost.len(), 1, "cut {cut}, {fate:?}: {lost:?}");
            assert_eq!(
                (lost[0].kind, lost[0].start, lost[0].end),
                (AmendmentKind::Lost, Position(30), Position(31))
            );
            assert_eq!(readable(&after).len() as u64, RUNS - 1);
        }
    }
}

#[test]
fn the_power_goes_while_a_segment_is_repaired() {
    let disk = store(true);
    let name = file(&disk, ".seg");
    flip(&disk, &name, disk.bytes(&name).unwrap().len() - 20);
    let before = disk.bytes(&name).unwrap();
    let whole = disk.restart(Fate::Kept);
    repair_on(Arc::new(whole.clone())).unwrap();
    for cut in 0..whole.ops() {
        let cut_short = disk.restart(Fate::Kept);
        cut_short.cut_power_after(cut);
        let ended: Result<_, Error> = repair_on(Arc::new(cut_short.clone()));
        assert!(ended.is_err());
        for fate in [Fate::Kept, Fate::Lost, Fate::Mixed(cut)] {
            let after = cut_short.restart(fate);
            let was_back = !readable(&after).is_empty();
            drop(open(&after).unwrap());
            let known =
                reader(&after).amendments().list.iter().any(|known| known.kind == AmendmentKind::Restored);
            assert!(known || !was_back, "cut {cut}, {fate:?}: nobody is told that the runs are back");
            repair_on(Arc::new(after.clone())).unwrap();
            assert_eq!(readable(&after).len() as u64, RUNS);
            assert!(!reader(&after).amendments().list.is_empty());
            assert_eq!(after.bytes(&format!("{name}.damaged")), Some(before.clone()));
        }
    }
}

#[test]
fn damage_to_the_small_files_is_found_and_set_aside() {
    let disk = store(true);
    flip(&disk, "identity", 20);
    disk.put("sink.cursor", b"no cursor");
    disk.put("snmp.note", b"no note");
    disk.put("amendments", b"");
    let found = damages(&disk);
    assert_eq!(found.len(), 4, "{found:?}");
    assert_eq!(readable(&disk).len() as u64, RUNS);
    let mut aside = repair_on(Arc::new(disk.clone())).unwrap().set_aside;
    aside.sort();
    assert_eq!(aside, ["amendments.damaged", "identity.damaged", "sink.cursor.damaged", "snmp.note.damaged"]);
    assert_eq!(damages(&disk), Vec::new());
}

#[test]
fn a_repaired_log_ends_where_its_durable_runs_did() {
    // A frame in between, which is damage, and the last one, which looks like one that was not written to its end.
    let damaged = || {
        let disk = store(false);
        let name = file(&disk, ".log");
        for text in ["run 30", "run 59"] {
            let at = find(&disk.bytes(&name).unwrap(), text.as_bytes(), 0);
            flip(&disk, &name, at);
        }
        disk
    };
    let disk = damaged();
    let repaired = repair_on(Arc::new(disk.clone())).unwrap();
    let lost = |n: u64| Amendment {
        kind: AmendmentKind::Lost,
        check: None,
        start: Position(n),
        end: Position(n + 1),
        runs: Some(1),
        samples: None,
    };
    assert_eq!(repaired.amendments, [lost(30), lost(59)]);
    assert_eq!(reader(&disk).end(), Position(RUNS));
    assert_eq!(readable(&disk), (0..59).filter(|n| *n != 30).collect::<Vec<u64>>());
    // Without a mark nothing is known of the last one.
    let disk = damaged();
    disk.remove("synced").unwrap();
    assert_eq!(repair_on(Arc::new(disk.clone())).unwrap().amendments, [lost(30)]);
    assert_eq!(reader(&disk).end(), Position(59));
}
