//! The power goes at every operation; what was synced is there afterwards, in order, and nothing else is.

use std::sync::Arc;

use custos_store::disk::{Fate, SimDisk};
use custos_store::{Instance, Instances, Metric, Options, Position, Reader, Run, Value, Writer};

/// Some for two checks of three, which change now and then and are none at times.
fn instances(n: u64) -> Instances {
    let rows = if n.is_multiple_of(3) || n % 40 < 6 { 0 } else { 3 + n / 30 % 3 };
    Instances::new((0..rows).map(|row| Instance {
        since_ms: (n / 9) as i64,
        text: format!("{} is up", n / (20 + row)),
        ..Instance::new(vec![("row".to_owned(), row.to_string())])
    }))
    .unwrap()
}

fn run(n: u64) -> Run {
    let metric = |label: &str, value: f64| Metric::new(label, Value::from(value));
    Run {
        time_ms: 1000 * n as i64 - if n.is_multiple_of(10) { 25_000 } else { 0 },
        text: format!("run {n}"),
        instances: instances(n),
        metrics: vec![metric("a", n as f64), metric("b", (n * n % 100) as f64 / 10.0)],
        ..Run::default()
    }
}

fn options() -> Options {
    Options { log_bytes: 2048, reserve_bytes: 0, background: false, ..Options::default() }
}

fn check(n: u64) -> &'static str {
    ["x", "y", "z"][(n % 3) as usize]
}

/// What the workload was told is durable, and what it tried to write.
#[derive(Clone, Copy, Default)]
struct Told {
    durable: u64,
    tried: u64,
}

/// Appends, syncs, seals, merges and reopens until done or the power is gone.
fn workload(disk: &SimDisk, from: u64, told: &mut Told) -> custos_store::Result<()> {
    let mut n = from;
    for round in 0..3 {
        let mut writer = Writer::open_on(Arc::new(disk.clone()), options())?;
        for step in 0..14_u64 {
            let batch: Vec<(u64, Run)> = (n..n + 1 + step % 7).map(|n| (n, run(n))).collect();
            let batch: Vec<(&str, &Run)> = batch.iter().map(|(n, run)| (check(*n), run)).collect();
            told.tried = n + batch.len() as u64;
            writer.append(&batch)?;
            n = told.tried;
            if step % 3 == 0 {
                writer.sync()?;
                told.durable = n;
            }
            if step % 5 == 4 {
                writer.settle()?;
            }
        }
        if round == 1 {
            writer.compact()?;
            told.durable = n;
        }
        if round < 2 {
            writer.close()?;
            told.durable = n;
        }
    }
    Ok(())
}

/// The numbers of the runs that are there, in order of arrival; each is compared with what was written.
fn read(disk: &SimDisk) -> Vec<u64> {
    let reader = Reader::open_on(Arc::new(disk.clone())).unwrap();
    let mut numbers = Vec::new();
    for arrived in reader.since(Position::START) {
        let arrived = arrived.unwrap();
        let n: u64 = arrived.run.text["run ".len()..].parse().unwrap();
        assert_eq!((&*arrived.check, &arrived.run), (check(n), &run(n)));
        numbers.push(n);
    }
    let by_check: usize =
        ["x", "y", "z"].iter().map(|check| reader.runs(check, i64::MIN..i64::MAX).count()).sum();
    assert_eq!(by_check, numbers.len());
    numbers
}

/// All that is durable is there, in order; beyond that only what was tried.
fn verify(numbers: &[u64], told: Told, what: &str) {
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{what}: out of order or twice: {numbers:?}");
    let durable: Vec<u64> = numbers.iter().copied().filter(|n| *n < told.durable).collect();
    assert_eq!(durable, (0..told.durable).collect::<Vec<_>>(), "{what}: a synced run is missing");
    assert!(numbers.iter().all(|n| *n < told.tried), "{what}: a run was invented");
}

#[test]
fn the_power_goes_at_every_operation() {
    let whole = SimDisk::new();
    let mut told = Told::default();
    workload(&whole, 0, &mut told).unwrap();
    assert_eq!(read(&whole), (0..told.tried).collect::<Vec<_>>());
    let ops = whole.ops();
    assert!(ops > 100, "{ops}");
    // The last one writes the mark, which may fail.
    for cut in 0..ops - 1 {
        let disk = SimDisk::new();
        disk.cut_power_after(cut);
        let mut told = Told::default();
        workload(&disk, 0, &mut told).unwrap_err();
        let fates =
            [Fate::Kept, Fate::Lost, Fate::Mixed(cut), Fate::Mixed(cut ^ 0xdead), Fate::Mixed(cut * 31 + 7)];
        for fate in fates {
            let what = format!("power cut after {cut} operations, {fate:?}");
            let after = disk.restart(fate);
            let found = read(&after);
            verify(&found, told, &what);
            // Opened twice, with upkeep: the same runs, then more.
            let mut writer = Writer::open_on(Arc::new(after.clone()), options()).unwrap();
            writer.settle().unwrap();
            assert_eq!(read(&after), found, "{what}");
            let next = run(told.tried);
            writer.append(&[(check(told.tried), &next)]).unwrap();
            writer.compact().unwrap();
            writer.close().unwrap();
            let writer = Writer::open_on(Arc::new(after.clone()), options()).unwrap();
            drop(writer);
            let expected: Vec<u64> = found.iter().copied().chain([told.tried]).collect();
            assert_eq!(read(&after), expected, "{what}");
        }
    }
}

#[test]
fn the_power_goes_again_during_recovery() {
    for cut in (20..240).step_by(17) {
        let disk = SimDisk::new();
        disk.cut_power_after(cut);
        let mut told = Told::default();
        if workload(&disk, 0, &mut told).is_ok() {
            break;
        }
        for second in 0..40 {
            let after = disk.restart(Fate::Mixed(cut * 1000 + second));
            let found = read(&after);
            after.cut_power_after(second);
            let recovered =
                Writer::open_on(Arc::new(after.clone()), options()).and_then(|mut writer| writer.compact());
            let again = after.restart(Fate::Mixed(second));
            assert_eq!(read(&again), found, "cut {cut}, then {second} ({recovered:?})");
        }
    }
}

#[test]
fn a_full_disk_refuses_and_recovers() {
    let disk = SimDisk::new();
    disk.set_capacity(20_000);
    let mut writer = Writer::open_on(Arc::new(disk.clone()), options()).unwrap();
    let mut stored = Vec::new();
    let mut refused = 0;
    for n in 0..2000 {
        if n == 1500 {
            disk.set_capacity(10_000_000);
        }
        match writer.append(&[(check(n), &run(n))]) {
            Ok(_) => stored.push(n),
            Err(error) => {
                assert!(error.is_no_space(), "{error}");
                assert!(writer.health().refusing.is_some());
                refused += 1;
            }
        }
        if n % 50 == 0 {
            // Sealing may run out of room too; that must do no harm.
            let _ = writer.settle();
        }
    }
    assert!(refused > 0 && stored.ends_with(&[1999]));
    assert_eq!(writer.health().refused_runs, refused);
    assert!(writer.health().refusing.is_none());
    writer.compact().unwrap();
    writer.close().unwrap();
    assert_eq!(read(&disk), stored);
}

#[test]
fn after_a_failed_sync_nothing_more_is_accepted_until_reopened() {
    let disk = SimDisk::new();
    let mut writer = Writer::open_on(Arc::new(disk.clone()), options()).unwrap();
    writer.append(&[("x", &run(0))]).unwrap();
    writer.sync().unwrap();
    disk.fail_syncs(true);
    writer.append(&[("y", &run(1))]).unwrap();
    writer.sync().unwrap_err();
    disk.fail_syncs(false);
    writer.append(&[("z", &run(2))]).unwrap_err();
    assert!(writer.health().refusing.is_some_and(|why| why.contains("sync")));
    drop(writer);
    let mut writer = Writer::open_on(Arc::new(disk.clone()), options()).unwrap();
    writer.append(&[("z", &run(2))]).unwrap();
    assert_eq!(read(&disk), [0, 1, 2]);
}
