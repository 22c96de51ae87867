//! A real file system that runs full: nothing acknowledged is lost, and storing goes on when there is room.
//!
//! `CUSTOS_FULL_DISK_DIR` names a directory on a small file system of its own (see `scripts/soak-store`); without it
//! there is nothing to fill.

use std::path::Path;

use custos_store::{Options, Position, Reader, Run, Space, Writer, verify};

fn run(n: u32) -> Run {
    // Text that hardly compresses, so that the disk fills.
    let mut noise = u64::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let text: String = (0..200)
        .map(|_| {
            noise = noise.rotate_left(23).wrapping_mul(0xbf58_476d_1ce4_e5b9).wrapping_add(1);
            char::from(b'!' + (noise >> 58) as u8)
        })
        .collect();
    Run { time_ms: i64::from(n), missed_slots: n, text, ..Run::default() }
}

#[test]
fn a_small_disk() {
    let Ok(dir) = std::env::var("CUSTOS_FULL_DISK_DIR") else { return };
    let dir = Path::new(&dir);
    let store = dir.join("store");
    let _ = std::fs::remove_dir_all(&store);
    let ballast = dir.join("ballast");
    std::fs::write(&ballast, vec![1; 6 << 20]).unwrap();
    let options = Options { log_bytes: 1 << 20, reserve_bytes: 2 << 20, ..Options::default() };
    let mut writer = Writer::open(&store, options).unwrap();
    let (mut stored, mut refused, mut n) = (Vec::new(), 0, 0);
    while refused < 50 {
        match writer.append(&[("x", &run(n))]) {
            Ok(_) => stored.push(n),
            Err(error) => {
                assert!(error.is_no_space(), "{error}");
                refused += 1;
                // Sealing may be what makes room.
                let _ = writer.settle();
            }
        }
        n += 1;
    }
    assert!(writer.health().refusing.is_some());
    assert_eq!(writer.health().space, Space::Low);
    let read = |stored: &[u32]| {
        let reader = Reader::open(&store).unwrap();
        assert!(reader.damages().is_empty());
        let found: Vec<Run> = reader.since(Position::START).map(|found| found.unwrap().run).collect();
        assert!(found.into_iter().eq(stored.iter().copied().map(run)));
    };
    read(&stored);
    std::fs::remove_file(&ballast).unwrap();
    for n in n..n + 100 {
        writer.append(&[("x", &run(n))]).unwrap();
        stored.push(n);
    }
    assert!(writer.health().refusing.is_none());
    writer.settle().unwrap();
    read(&stored);
    writer.close().unwrap();
    assert!(verify(&store, &mut |_| {}).unwrap().iter().all(|report| report.findings.is_empty()));
    std::fs::remove_dir_all(&store).unwrap();
}
