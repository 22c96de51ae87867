//! Files that are not what they should be: an error says what is wrong, and the others are taken in.

use crate::keeping::Keeping;
use crate::stage::{Random, text};

#[test]
fn a_damaged_rrd_is_named_and_the_others_are_taken_in() {
    let keeping = Keeping::new();
    let words = ["create", "good.rrd", "--start", "1795305599", "--step", "60", "DS:x:GAUGE:120:U:U"];
    keeping.run("rrdtool", &[&words[..], &["RRA:AVERAGE:0.5:1:50"]].concat());
    keeping.run("rrdtool", &["update", "good.rrd", "1795305660:1", "1795305720:2", "1795305780:3"]);
    let whole = std::fs::read(keeping.path("good.rrd")).unwrap();
    keeping.write("all/cut.rrd", &whole[..whole.len() - 8]);
    keeping.write("all/empty.rrd", "");
    keeping.write("all/other.rrd", "SQLite format 3\0");
    keeping.write("all/good.rrd", &whole);
    let mut other = whole.clone();
    other[16..24].reverse();
    keeping.write("all/big\u{1b}[31m.rrd", &other);
    let output = keeping.import(&["rrd", "all"]);
    let (out, errors) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{out}{errors}");
    assert!(out.starts_with("1 file: 3 runs added"), "{out}");
    for expected in [
        &format!("all/cut.rrd: it has {} bytes, and by its head {}", whole.len() - 8, whole.len()),
        "all/empty.rrd: it does not begin as an RRD does",
        "all/other.rrd: it does not begin as an RRD does",
        "of the other byte order; there write it with `rrdtool dump`",
        "4 files could not be read",
    ] {
        assert!(errors.contains(expected), "{expected}: {errors}");
    }
    assert!(!errors.contains('\u{1b}'), "{errors:?}");
}

#[test]
fn no_bytes_make_an_import_end_otherwise_than_it_should() {
    let keeping = Keeping::new();
    let words = ["create", "good.rrd", "--start", "1795305599", "--step", "60", "DS:x:GAUGE:120:U:U"];
    keeping.run("rrdtool", &[&words[..], &["RRA:AVERAGE:0.5:1:50", "RRA:MAX:0.5:5:50"]].concat());
    keeping.run("rrdtool", &["update", "good.rrd", "1795305660:1", "1795305720:2", "1795305780:3"]);
    let whole = std::fs::read(keeping.path("good.rrd")).unwrap();
    let mut random = Random(3);
    for round in 0..60 {
        let mut bytes = whole.clone();
        for _ in 0..=random.below(6) {
            let at = random.below(bytes.len().min(900) as u64) as usize;
            bytes[at] = random.below(256) as u8;
        }
        keeping.write("bad.rrd", &bytes);
        let output = keeping.import(&["rrd", "bad.rrd"]);
        let said = text(&output.stderr);
        assert!(matches!(output.status.code(), Some(0..=2)), "{round}: {output:?}");
        assert!(!said.contains("panicked"), "{round}: {said}");
    }
}
