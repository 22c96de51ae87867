//! The reader of segments must take any bytes without a panic.
#![no_main]

use std::sync::Arc;

use custos_store::disk::SimDisk;
use custos_store::{Position, Reader, fuzzing, verify_on};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let disk = SimDisk::new();
    disk.put("0000000000000000-0000000000000100.seg", data);
    // The same bytes as the header and columns of a chunk whose checksums hold.
    disk.put("0000000000000100-0000000000000200.seg", &fuzzing::segment_of(0x100, 0x200, data));
    let _ = verify_on(&disk, &mut |_| {});
    if let Ok(reader) = Reader::open_on(Arc::new(disk)) {
        for check in reader.checks() {
            reader.runs(&check.name, i64::MIN..i64::MAX).take(1000).for_each(drop);
            for series in reader.series(&check.name).unwrap_or_default() {
                let _ = reader.envelope(&check.name, &series.key, check.first_ms..check.last_ms, 5);
            }
        }
        reader.since(Position::START).take(1000).for_each(drop);
    }
});
