//! What a consumer may rely on: numbers are given once, what was refused is never read, acknowledged and durable are what
//! they say, and a cursor notices that its store is not the one that it was.

use std::sync::Arc;

use custos_store::disk::{Disk, Fate, SimDisk};
use custos_store::{
    Continuity, Cursor, Cursors, Delivered, Error, Identity, Options, Position, Reader, Run, Writer,
    fingerprint,
};

fn run(n: u64) -> Run {
    Run { time_ms: 1000 * n as i64, text: format!("run {n}"), ..Run::default() }
}

fn options() -> Options {
    Options { log_bytes: 4096, reserve_bytes: 0, background: false, ..Options::default() }
}

fn open(disk: &SimDisk) -> Writer {
    Writer::open_on(Arc::new(disk.clone()), options()).unwrap()
}

fn reader(disk: &SimDisk) -> Reader {
    Reader::open_on(Arc::new(disk.clone())).unwrap()
}

fn append(writer: &mut Writer, numbers: impl IntoIterator<Item = u64>) -> custos_store::Result<Position> {
    let runs: Vec<Run> = numbers.into_iter().map(run).collect();
    let batch: Vec<(&str, &Run)> = runs.iter().map(|run| ("x", run)).collect();
    writer.append(&batch)
}

/// The runs in order of arrival, by what was written, each with its number.
fn numbered(reader: &Reader) -> Vec<(u64, u64)> {
    let arrived = reader.since(Position::START).map(Result::unwrap);
    arrived.map(|arrived| (arrived.run.time_ms as u64 / 1000, arrived.position.0 - 1)).collect()
}

fn read(reader: &Reader) -> Vec<u64> {
    let by_arrival: Vec<u64> = numbered(reader).into_iter().map(|(run, _)| run).collect();
    let by_check = reader.runs("x", i64::MIN..i64::MAX).map(|run| run.unwrap().time_ms as u64 / 1000);
    assert!(by_check.eq(by_arrival.iter().copied()));
    by_arrival
}

/// How a write goes wrong, and what the writer can do about it.
#[derive(Clone, Copy, Debug)]
enum Trouble {
    /// What was refused can be cut off.
    Write,
    /// It cannot.
    WriteAndCut,
    /// The cut is not durable.
    WriteAndSync,
}

#[test]
fn what_was_refused_is_never_read_and_its_numbers_are_nobodys() {
    for trouble in [Trouble::Write, Trouble::WriteAndCut, Trouble::WriteAndSync] {
        for reached in [0, 19, 100, usize::MAX] {
            refuse(trouble, reached, false);
        }
    }
    // A log with nothing in it but that is removed.
    for reached in [0, 19, 100, usize::MAX] {
        refuse(Trouble::Write, reached, true);
    }
}

fn refuse(trouble: Trouble, reached: usize, first: bool) {
    let what = format!("{trouble:?}, {reached} bytes reached the disk, first in its log: {first}");
    let disk = SimDisk::new();
    let mut writer = open(&disk);
    append(&mut writer, [0, 1]).unwrap();
    if first {
        writer.seal().unwrap();
        append(&mut writer, [2]).unwrap();
        append(&mut writer, [3, 4]).unwrap();
        writer.seal().unwrap();
    } else {
        append(&mut writer, [2, 3, 4]).unwrap();
    }
    writer.sync().unwrap();
    let mut early = reader(&disk);
    let acknowledged = writer.acknowledged();
    // The first write of a log is its header.
    disk.fail_a_write(usize::from(first), reached);
    match trouble {
        Trouble::Write => {}
        Trouble::WriteAndCut => disk.fail_next_cut(),
        Trouble::WriteAndSync => disk.fail_syncs(true),
    }
    append(&mut writer, [100, 101, 102]).unwrap_err();
    disk.fail_syncs(false);
    assert_eq!(writer.acknowledged(), acknowledged, "{what}");
    early.refresh().unwrap();
    let stated = !matches!(trouble, Trouble::WriteAndSync);
    for found in [&early, &reader(&disk)] {
        assert_eq!(read(found), [0, 1, 2, 3, 4], "{what}");
    }
    // The process ends, or the machine does, before another run is stored.
    for fate in [Fate::Kept, Fate::Mixed(reached as u64 ^ 5), Fate::Mixed((reached as u64).wrapping_mul(31))]
    {
        let after = disk.restart(fate);
        if stated {
            assert_eq!(read(&reader(&after)), [0, 1, 2, 3, 4], "{what}, {fate:?}");
            let mut next = open(&after);
            append(&mut next, [6]).unwrap();
            assert_eq!(read(&reader(&after)), [0, 1, 2, 3, 4, 6], "{what}, {fate:?}");
            next.compact().unwrap();
            assert_eq!(read(&reader(&after)), [0, 1, 2, 3, 4, 6], "{what}, {fate:?}");
        }
    }
    if !matches!(trouble, Trouble::Write) {
        assert!(matches!(append(&mut writer, [5]), Err(Error::Refusing { .. })), "{what}");
        drop(writer);
        writer = open(&disk);
    }
    append(&mut writer, [5]).unwrap();
    early.refresh().unwrap();
    let found = numbered(&early);
    let (last, number) = *found.last().unwrap();
    assert_eq!((found.len(), last), (6, 5), "{what}");
    assert!(number >= acknowledged.0 + 3, "{what}: number {number} may have been another run's");
    writer.compact().unwrap();
    assert_eq!(numbered(&reader(&disk)), found, "{what}");
}

#[test]
fn acknowledged_and_durable_are_what_they_say() {
    let disk = SimDisk::new();
    let mut writer = open(&disk);
    assert_eq!((writer.acknowledged(), writer.synced()), (Position(0), Position(0)));
    append(&mut writer, [0, 1]).unwrap();
    assert_eq!((writer.acknowledged(), writer.synced()), (Position(2), Position(0)));
    assert_eq!((reader(&disk).acknowledged(), reader(&disk).synced()), (Position(2), Position(0)));
    append(&mut writer, [2]).unwrap();
    let mut followed = reader(&disk);
    assert_eq!((followed.acknowledged(), followed.end()), (Position(3), Position(3)));
    writer.sync().unwrap();
    assert_eq!((writer.synced(), reader(&disk).synced()), (Position(3), Position(3)));
    append(&mut writer, [3]).unwrap();
    assert_eq!((reader(&disk).acknowledged(), reader(&disk).synced()), (Position(4), Position(3)));
    followed.refresh_log().unwrap();
    assert_eq!((followed.acknowledged(), followed.synced()), (Position(4), Position(3)));
    // Where the mark cannot be read, the last frame is not known to be whole until another follows.
    let torn = disk.restart(Fate::Kept);
    torn.put("synced", &disk.bytes("synced").unwrap()[..20]);
    assert_eq!((reader(&torn).acknowledged(), reader(&torn).synced()), (Position(3), Position(0)));
    // A log that is finished is durable.
    writer.seal().unwrap();
    assert_eq!((writer.synced(), reader(&disk).synced()), (Position(4), Position(4)));
    writer.settle().unwrap();
    disk.remove("synced").unwrap();
    assert_eq!((reader(&disk).acknowledged(), reader(&disk).synced()), (Position(4), Position(4)));
    append(&mut writer, [4]).unwrap();
    assert_eq!(reader(&disk).synced().0, 4);
    // After the writer was killed, and before and after another one opens the store.
    drop(writer);
    assert_eq!(reader(&disk).synced().0, 4);
    let writer = open(&disk);
    assert_eq!((writer.synced(), reader(&disk).synced()), (Position(5), Position(5)));
    let lost = disk.restart(Fate::Lost);
    assert_eq!(read(&reader(&lost)), [0, 1, 2, 3, 4]);
}

#[test]
fn no_power_cut_takes_what_is_said_to_be_durable() {
    let work = |disk: &SimDisk, synced: &mut Position| -> custos_store::Result<()> {
        let mut n = 0;
        for round in 0..2 {
            let mut writer = Writer::open_on(Arc::new(disk.clone()), options())?;
            *synced = writer.synced();
            for step in 0..7_u64 {
                append(&mut writer, n..n + 1 + step % 5)?;
                n += 1 + step % 5;
                if step % 3 == 0 {
                    writer.sync()?;
                    *synced = writer.synced();
                    assert_eq!(Reader::open_on(Arc::new(disk.clone()))?.synced(), *synced);
                }
                if step == 4 {
                    writer.seal()?;
                    writer.settle()?;
                }
            }
            if round == 0 {
                drop(writer);
            }
        }
        Ok(())
    };
    let whole = SimDisk::new();
    work(&whole, &mut Position::default()).unwrap();
    for cut in 0..whole.ops() {
        let disk = SimDisk::new();
        disk.cut_power_after(cut);
        let mut synced = Position::START;
        work(&disk, &mut synced).unwrap_err();
        disk.cut_power_after(u64::MAX - 1);
        let before: Vec<_> =
            numbered(&reader(&disk)).into_iter().filter(|(_, number)| *number < synced.0).collect();
        for fate in [Fate::Lost, Fate::Mixed(cut), Fate::Mixed(cut * 31 + 7)] {
            let after = reader(&disk.restart(fate));
            let found = numbered(&after);
            assert!(found.starts_with(&before), "cut {cut}, {fate:?}: {before:?}, {found:?}");
            assert!(after.synced() <= after.end(), "cut {cut}, {fate:?}");
            assert!(after.damages().is_empty(), "cut {cut}, {fate:?}: {:?}", after.damages());
        }
    }
}

#[test]
fn what_is_missing_at_the_end_of_a_log_is_noticed_when_another_follows() {
    let disk = SimDisk::new();
    let mut writer = open(&disk);
    append(&mut writer, [0, 1]).unwrap();
    append(&mut writer, [2]).unwrap();
    drop(writer);
    let log = disk.list().unwrap().into_iter().find(|name| name.ends_with(".log")).unwrap();
    let bytes = disk.bytes(&log).unwrap();
    let mut writer = open(&disk);
    append(&mut writer, [3]).unwrap();
    drop(writer);
    assert!(reader(&disk).damages().is_empty());
    // The last frame of the first log goes, as if it had never been there.
    let frame_len = |at: usize| 20 + u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    disk.put(&log, &bytes[..40 + frame_len(40)]);
    let damages = reader(&disk).damages();
    assert_eq!(damages.len(), 1, "{damages:?}");
    let damage = &damages[0];
    assert_eq!((damage.start, damage.end, damage.runs), (Position(2), Position(3), Some(1)), "{damage:?}");
}

fn cursor_at(reader: &Reader, run: u64) -> Cursor {
    let (number, position) = numbered(reader)
        .into_iter()
        .find(|(found, _)| *found == run)
        .map(|(_, number)| (number, Position(number + 1)))
        .unwrap();
    let last = Some(Delivered { number, fingerprint: fingerprint(number, "x", &self::run(run)) });
    Cursor { position, last, ..Cursor::start(reader.identity().unwrap()) }
}

#[test]
fn a_cursor_notices_another_store_and_one_from_a_backup() {
    let disk = SimDisk::new();
    assert_eq!(reader(&disk).identity(), None);
    let mut writer = open(&disk);
    append(&mut writer, 0..5).unwrap();
    writer.sync().unwrap();
    let backup = disk.restart(Fate::Kept);
    append(&mut writer, 5..10).unwrap();
    writer.compact().unwrap();
    let cursor = cursor_at(&reader(&disk), 7);
    // The cursor is a file of the store, and is found again.
    Cursors::on(Arc::new(disk.clone())).write("sink", &cursor).unwrap();
    let cursor = Cursors::on(Arc::new(disk.clone())).read("sink").unwrap().unwrap();
    let continuity = |disk: &SimDisk| reader(disk).continuity(&cursor).unwrap();
    assert_eq!(continuity(&disk), Continuity::Holds);
    assert_eq!(continuity(&SimDisk::new()), Continuity::OtherStore);
    drop(open(&SimDisk::new()));
    let other = SimDisk::new();
    append(&mut open(&other), 0..10).unwrap();
    assert_ne!(reader(&other).identity(), reader(&disk).identity());
    assert_eq!(continuity(&other), Continuity::OtherStore);
    // Restored, and not written to yet; then with runs of its own, which are numbered beyond the cursor.
    assert_eq!(continuity(&backup), Continuity::WentBack { end: Position(5) });
    let mut restored = open(&backup);
    append(&mut restored, 50..60).unwrap();
    assert_eq!(continuity(&backup), Continuity::RunMissing);
    let since: Vec<_> = reader(&backup).since(cursor.position).map(|found| found.unwrap().run).collect();
    assert_eq!(since, (50..60).map(run).collect::<Vec<_>>());
    // A store whose numbers were given anew.
    let last = Some(Delivered { number: 3, fingerprint: 1 });
    let elsewhere = Cursor { position: Position(4), last, ..cursor.clone() };
    assert_eq!(reader(&disk).continuity(&elsewhere).unwrap(), Continuity::OtherRun);
}

#[test]
fn a_cursor_whose_last_run_is_damaged_proves_nothing() {
    let disk = SimDisk::new();
    let mut writer = open(&disk);
    append(&mut writer, 0..5).unwrap();
    writer.compact().unwrap();
    let cursor = cursor_at(&reader(&disk), 3);
    let segment = disk.list().unwrap().into_iter().find(|name| name.ends_with(".seg")).unwrap();
    let mut bytes = disk.bytes(&segment).unwrap();
    bytes[60] ^= 1;
    disk.put(&segment, &bytes);
    assert_eq!(reader(&disk).continuity(&cursor).unwrap(), Continuity::Unproven);
}

#[test]
fn a_reader_notices_that_another_store_has_taken_the_place() {
    let dir = tempfile::tempdir().unwrap();
    let [path, other] = ["store", "other"].map(|name| dir.path().join(name));
    for (path, n) in [(&path, 0), (&other, 1)] {
        let mut writer = Writer::open(path, options()).unwrap();
        append(&mut writer, [n]).unwrap();
        writer.close().unwrap();
    }
    let mut reader = Reader::open(&path).unwrap();
    let identity: Option<Identity> = reader.identity();
    assert_eq!(read(&reader), [0]);
    std::fs::rename(&path, dir.path().join("away")).unwrap();
    std::fs::rename(&other, &path).unwrap();
    reader.refresh().unwrap();
    assert_eq!(read(&reader), [1]);
    assert_ne!(reader.identity(), identity);
}
