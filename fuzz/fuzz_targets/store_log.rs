//! The reader of logs must take any bytes without a panic, and hand out what it counts, as a run or as damage.
#![no_main]

use std::sync::Arc;

use custos_store::disk::SimDisk;
use custos_store::{Position, Reader, fuzzing};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let disk = SimDisk::new();
    disk.put("0000000000000000.log", data);
    // The same bytes with checksums that hold, so that what is behind them is reached.
    disk.put("00000000ffffffff.log", &fuzzing::log_of(0xffff_ffff, data));
    if let Ok(reader) = Reader::open_on(Arc::new(disk)) {
        for check in reader.checks() {
            let count = reader.runs(&check.name, i64::MIN..i64::MAX).count();
            assert_eq!(count as u64, check.runs);
        }
        reader.since(Position::START).for_each(drop);
    }
});
