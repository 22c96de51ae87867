//! One directory of every released format is kept and read: by this crate, and by a reader in another language that
//! was written from FORMAT.md.
//!
//! `CUSTOS_WRITE_FIXTURE=1` writes the directory of this version again; do that for a new version only.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use custos_store::disk::{Disk as _, SimDisk};
use custos_store::{
    Bounds, Consolidation, Cursor, Cursors, Delivered, Error, Instance, Instances, Metric, Notes, Options,
    Position, Provenance, Reader, Reason, Run, Standing, State, Value, Writer, fingerprint, verify,
};

const RUNS: u64 = 3000;

fn check(n: u64) -> &'static str {
    if n.is_multiple_of(3) { "disk" } else { "uplink" }
}

/// None at first, then up to 39, of which some change with every sixth run.
fn instances(n: u64) -> Instances {
    let step = n / 6;
    let instance = |row: u64| {
        let changed = step - (step + row * 5) % 13;
        let value = [Some(Value::from(0.1 * row as f64)), None, Some(Value::from(i64::MAX - row as i64))];
        Instance {
            state: State::ALL[(changed % 4) as usize],
            since_ms: 1_700_000_000_000 + changed as i64 * 30_000,
            pending_since_ms: (row % 3 == 1).then_some(1_700_000_000_000 + step as i64),
            seen_ms: (changed % 5 == 1).then_some(-(changed as i64)),
            value: if row == 7 { Some(Value::from(changed as i64)) } else { value[(changed % 3) as usize] },
            text: if row.is_multiple_of(2) { format!("row {row} is \u{fc}") } else { String::new() },
            ..Instance::new(vec![
                ("ifName".to_owned(), format!("eth{row}")),
                ("device".to_owned(), format!("r{}", row % 2)),
            ])
        }
    };
    let rows = if (400..2900).contains(&n) { n / 60 % 40 } else { 0 };
    Instances::new((0..rows).map(instance)).unwrap()
}

fn provenance(n: u64) -> Provenance {
    match n % 11 {
        _ if n.is_multiple_of(200) => Provenance::Consolidated {
            span_ms: if n == 600 { u64::MAX } else { n * 1000 },
            function: Consolidation::ALL[(n / 200 % 5) as usize],
        },
        8 => Provenance::Asked,
        9 => Provenance::Submitted,
        10 => Provenance::Watched,
        _ => Provenance::Scheduled,
    }
}

/// A bit of everything that a store can hold.
fn run(n: u64) -> Run {
    let k = n as i64;
    let metric = |label: &str, value: Option<Value>| Metric {
        label: label.to_owned(),
        labels: if n.is_multiple_of(3) { Vec::new() } else { vec![("ifName".to_owned(), "eth0".to_owned())] },
        value,
        unit: "B".to_owned(),
        printed_unit: if n < 2000 { "MB".to_owned() } else { "GB".to_owned() },
        warn: (n > 500).then_some(Bounds { start: f64::NEG_INFINITY, end: 5e9, inside: n > 1000 }),
        crit: (n > 1500).then_some(Bounds { start: 0.0, end: f64::INFINITY, inside: false }),
        min: Some(0.0),
        max: (n % 100 == 7).then_some(n as f64),
    };
    let mut metrics = vec![
        metric("used", Some(Value::from((k * 4096 % 1_000_000) + 4096))),
        metric("ratio", Some(Value::from((k * 37 % 1000) as f64 / 1000.0))),
        metric("raw", Some(Value::from(1.0 / (n + 1) as f64))),
        metric("total", Some(Value::from((1_i64 << 60) + k))),
        metric(
            "mixed",
            if n.is_multiple_of(5) {
                None
            } else {
                Some(Value::from(if n.is_multiple_of(7) { i64::MAX - k } else { k }))
            },
        ),
        metric("constant", Some(Value::from(0.1 + 0.2))),
    ];
    if n % 50 < 10 {
        metrics.insert(1, metric("now and then", Some(Value::from(k))));
    }
    let wrong = n % 400 == 399;
    Run {
        time_ms: 1_700_000_000_000 + k * 5000 + (k * 7 % 11) - if n % 997 == 5 { 3_000_000 } else { 0 },
        duration_us: 1000 + n * 31 % 700,
        lateness_us: n.is_multiple_of(2).then_some(n % 9),
        cpu_us: (n > 100).then_some(if n == 777 { u64::MAX } else { 800 }),
        max_rss_bytes: Some(3 << 20),
        state: if wrong { State::Critical } else { State::Ok },
        plugin_state: if wrong { State::Warning } else { State::Ok },
        reason: Reason::ALL[if wrong { (n % 7) as usize } else { 0 }],
        exit_code: (!wrong).then_some(0),
        signal: wrong.then_some(9),
        missed_slots: u32::from(wrong) * 3,
        standing: Standing {
            hard: !wrong,
            attempt: 1 + u32::from(wrong),
            hard_state: State::Ok,
            since_ms: 1_700_000_000_000 + k / 400,
            flapping: n > 2500,
            flap_history: n / 400,
        },
        text: format!("OK - {} MB free on ü", n % 300),
        long_text: if n.is_multiple_of(10) { format!("line\n{n}") } else { String::new() },
        stderr: if wrong { "oops".to_owned() } else { String::new() },
        origin: if n % 20 == 1 { "nrpe 192.0.2.7".to_owned() } else { String::new() },
        judgement: if wrong { "used is above 5 GB".to_owned() } else { String::new() },
        metrics,
        instances: instances(n),
        partial: n % 17 == 3,
        imported: n % 19 == 4,
        provenance: if n < 100 { Provenance::Scheduled } else { provenance(n) },
    }
}

fn dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/format-1")
}

/// A segment of merged chunks, one that was just sealed, and a log.
fn write(dir: &Path) {
    let options = Options { log_bytes: 128 << 10, reserve_bytes: 0, background: false, ..Options::default() };
    let mut writer = Writer::open(dir, options).unwrap();
    for n in 0..RUNS {
        match n {
            2500 => writer.compact().unwrap(),
            2800 => {
                writer.seal().unwrap();
                writer.settle().unwrap();
            }
            _ => {}
        }
        writer.append(&[(check(n), &run(n))]).unwrap();
    }
    writer.close().unwrap();
    std::fs::remove_file(dir.join("lock")).unwrap();
}

#[test]
fn the_directory_of_this_version_is_read() {
    if std::env::var_os("CUSTOS_WRITE_FIXTURE").is_some() {
        let _ = std::fs::remove_dir_all(dir());
        write(&dir());
    }
    let reader = Reader::open(&dir()).unwrap();
    let runs: Vec<Run> = reader.since(Position::START).map(|arrived| arrived.unwrap().run).collect();
    assert!(runs.iter().cloned().eq((0..RUNS).map(run)));
    let mut by_time: Vec<Run> = (0..RUNS).filter(|n| check(*n) == "disk").map(run).collect();
    by_time.sort_by_key(|run| run.time_ms);
    assert!(reader.runs("disk", i64::MIN..i64::MAX).map(Result::unwrap).eq(by_time));
    assert!(verify(&dir(), &mut |_| {}).unwrap().iter().all(|report| report.findings.is_empty()));
}

fn finite(end: f64) -> String {
    if end.is_finite() { format!("{end:?}") } else { "null".to_owned() }
}

fn bounds(bounds: Option<Bounds>) -> String {
    bounds.map_or("null".to_owned(), |b| format!("[{},{},{}]", finite(b.start), finite(b.end), b.inside))
}

fn number(value: Option<Value>) -> String {
    match value {
        None => "null".to_owned(),
        Some(Value::Integer(integer)) => integer.to_string(),
        Some(Value::Float(float)) if float.fract() == 0.0 => format!("{float:.0}"),
        Some(Value::Float(float)) => format!("{float:?}"),
    }
}

fn labels(labels: &[(String, String)]) -> String {
    labels.iter().map(|(name, value)| format!("[{name:?},{value:?}]")).collect::<Vec<_>>().join(",")
}

/// What the other reader should print of a run's instances, spaces apart.
fn instances_of(run: &Run) -> String {
    let time = |time: Option<i64>| time.map_or("null".to_owned(), |time| time.to_string());
    let text = |instance: &Instance| {
        format!(
            "[[{}],{:?},{},{},{},{},{:?}]",
            labels(&instance.labels),
            instance.state.name(),
            instance.since_ms,
            time(instance.pending_since_ms),
            time(instance.seen_ms),
            number(instance.value),
            instance.text,
        )
    };
    let all: Vec<String> = run.instances.iter().map(|instance| text(instance)).collect();
    format!("\"instances\":[{}]", all.join(","))
}

fn provenance_of(run: &Run) -> String {
    let (function, span) = match run.provenance {
        Provenance::Consolidated { span_ms, function } => (function.name(), span_ms.to_string()),
        _ => ("average", "null".to_owned()),
    };
    format!(
        "\"partial\":{},\"provenance\":{:?},\"function\":{function:?},\"span_ms\":{span},\"imported\":{}",
        run.partial,
        run.provenance.name(),
        run.imported
    )
}

/// What the other reader should print of a run's metrics, spaces apart.
fn metrics(run: &Run) -> String {
    let text = |metric: &Metric| {
        let limit = |limit: Option<f64>| limit.map_or("null".to_owned(), |limit| format!("{limit:?}"));
        format!(
            "[{:?},[{}],{},{:?},{:?},{},{},{},{}]",
            metric.label,
            labels(&metric.labels),
            number(metric.value),
            metric.unit,
            metric.printed_unit,
            bounds(metric.warn),
            bounds(metric.crit),
            limit(metric.min),
            limit(metric.max),
        )
    };
    format!("\"metrics\": [{}]", run.metrics.iter().map(text).collect::<Vec<_>>().join(","))
}

/// What the reader in another language prints of a store.
fn read_elsewhere(dir: &Path, arguments: &[&str]) -> String {
    let python = std::env::var("CUSTOS_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let has = Command::new(&python).args(["-c", "import numpy, pcodec"]).output();
    assert!(
        has.is_ok_and(|output| output.status.success()),
        "{python} has no numpy and pcodec; `scripts/python` installs them, and CUSTOS_PYTHON names the Python to use"
    );
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/read_store.py");
    let output = Command::new(&python).arg(script).arg(dir).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_small_files_are_read_in_another_language() {
    let store = tempfile::tempdir().unwrap();
    let options = Options { reserve_bytes: 0, background: false, ..Options::default() };
    let open = || Writer::open(store.path(), options.clone()).unwrap();
    let mut writer = open();
    for n in 0..9 {
        writer.append(&[(check(n), &run(n))]).unwrap();
    }
    writer.close().unwrap();
    // A byte of the log flips, and it is sealed.
    let log = store.path().join("0000000000000000.log");
    let mut bytes = std::fs::read(&log).unwrap();
    let at = bytes.windows(8).position(|window| window == b"OK - 4 M").unwrap();
    bytes[at] ^= 1;
    std::fs::write(&log, bytes).unwrap();
    let mut writer = open();
    writer.settle().unwrap();
    let reader = Reader::open(store.path()).unwrap();
    let identity = reader.identity().unwrap();
    let last = Delivered { number: 7, fingerprint: fingerprint(7, check(7), &run(7)) };
    let cursor = Cursor { position: Position(8), last: Some(last), amendments: 1, ..Cursor::start(identity) };
    let cursors = Cursors::new(store.path());
    cursors.write("nats", &Cursor { state: vec![1, 254], ..cursor }).unwrap();
    cursors.write("vm-1", &Cursor::start(identity)).unwrap();
    let expected = format!(
        r#"{{"identity": "{identity}", "synced": 9, "cursors": {{"nats": {{"store": "{identity}", "position": 8, "last": [7, {}], "amendments": 1, "state": "01fe"}}, "vm-1": {{"store": "{identity}", "position": 0, "last": null, "amendments": 0, "state": ""}}}}, "notes": {{}}, "amendments": {{"forgotten": 0, "list": [["lost", null, 4, 5, 1, null]]}}}}"#,
        last.fingerprint
    );
    assert_eq!(read_elsewhere(store.path(), &["--about"]).trim_end(), expected);
    writer.close().unwrap();
}

/// Asserts that a line of the other reader is this run.
fn assert_agrees(line: &str, check: &str, number: u64, run: &Run) {
    let plain = line.replace(": ", ":").replace(", ", ",");
    let standing = &run.standing;
    for part in [
        format!("\"check\":{check:?},\"seq\":{number},"),
        format!("\"time_ms\":{},\"duration_us\":{}", run.time_ms, run.duration_us),
        format!("\"lateness_us\":{}", run.lateness_us.map_or("null".to_owned(), |us| us.to_string())),
        format!("\"cpu_us\":{}", run.cpu_us.map_or("null".to_owned(), |us| us.to_string())),
        format!("\"state\":{:?},\"plugin_state\":{:?}", run.state.name(), run.plugin_state.name()),
        format!("\"reason\":{:?}", run.reason.name()),
        format!("\"attempt\":{},\"since_ms\":{}", standing.attempt, standing.since_ms),
        format!("\"flap_history\":{}", standing.flap_history),
        format!("\"texts\":[{:?},{:?},{:?}", run.text, run.long_text, run.stderr),
        metrics(run).replace(": ", ":"),
        instances_of(run),
        provenance_of(run),
        format!("\"fingerprint\":{}", fingerprint(number, check, run)),
    ] {
        let part = part.replace(", ", ",");
        assert!(plain.contains(&part), "{part}\nis not in\n{plain}");
    }
}

#[test]
fn a_reader_in_another_language_agrees() {
    let lines = read_elsewhere(&dir(), &[]);
    let mut expected: Vec<(&str, i64, u64)> = (0..RUNS).map(|n| (check(n), run(n).time_ms, n)).collect();
    expected.sort();
    assert_eq!(lines.lines().count(), expected.len());
    for (line, (check, _, n)) in lines.lines().zip(expected) {
        assert_agrees(line, check, n, &run(n));
    }
}

/// A store in which something went wrong in every way that leaves a trace.
fn troubled_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/format-1-troubled")
}

fn troubled_check(n: u64) -> &'static str {
    match n {
        385 | 395 => "late",
        _ if n.is_multiple_of(10) => "alerts",
        _ => check(n),
    }
}

/// As [`run`]. The instances of `alerts` change so much that every few runs all of them are written.
fn troubled_run(n: u64) -> Run {
    if !n.is_multiple_of(10) {
        return run(n);
    }
    let instance = |row: u64| Instance {
        // Digits that compress badly.
        text: (1..=10).map(|k| (n * 7919 + row * 104_729 + k).wrapping_pow(5).to_string()).collect(),
        ..Instance::new(vec![("alert".to_owned(), format!("{row}"))])
    };
    Run { instances: Instances::new((0..10).map(instance)).unwrap(), ..run(n) }
}

fn last_log(disk: &SimDisk) -> String {
    let names = disk.list().unwrap();
    names.into_iter().filter(|name| name.ends_with(".log")).max().unwrap()
}

/// Flips a bit in the frame of a run in the last log.
fn flip_in_log(disk: &SimDisk, n: u64) {
    let name = last_log(disk);
    let mut bytes = disk.bytes(&name).unwrap();
    let text = troubled_run(n).text.into_bytes();
    let at = bytes.windows(text.len()).rposition(|window| window == text).unwrap();
    bytes[at] ^= 1;
    disk.put(&name, &bytes);
}

/// Runs whose frames are damaged: in a log that is sealed then, and in one that stays.
const DAMAGED: [u64; 3] = [155, 330, 385];
/// A run of `late`, which was defined with one of those.
const WITHOUT_DEFINITION: u64 = 395;
/// Runs of `alerts` after those, up to the next one that has all instances.
const WITHOUT_BASE: [u64; 7] = [160, 170, 180, 190, 340, 350, 390];
/// Runs whose writes failed although all, or some, of their bytes reached the disk.
const REFUSED: [u64; 2] = [250, 399];

fn write_troubled(dir: &Path) {
    let disk = SimDisk::new();
    let options =
        Options { log_bytes: 64 << 10, reserve_bytes: 4096, background: false, ..Options::default() };
    let open = || Writer::open_on(Arc::new(disk.clone()), options.clone()).unwrap();
    let append = |writer: &mut Writer, n: u64| writer.append(&[(troubled_check(n), &troubled_run(n))]);
    let mut writer = open();
    let mut replaced = None;
    for n in 0..399 {
        match n {
            100 => writer.compact().unwrap(),
            200 => {
                writer.close().unwrap();
                flip_in_log(&disk, 155);
                let name = last_log(&disk);
                replaced = Some((name.clone(), disk.bytes(&name).unwrap()));
                writer = open();
                writer.settle().unwrap();
            }
            250 => {
                disk.fail_a_write(0, usize::MAX);
                disk.fail_next_cut();
                append(&mut writer, n).unwrap_err();
                assert!(matches!(append(&mut writer, n), Err(Error::Refusing { .. })));
                drop(writer);
                writer = open();
                continue;
            }
            _ => {}
        }
        append(&mut writer, n).unwrap();
    }
    writer.sync().unwrap();
    // The process ends before it can do anything about the failure.
    disk.fail_a_write(0, 60);
    disk.fail_next_cut();
    disk.set_capacity(0);
    append(&mut writer, 399).unwrap_err();
    flip_in_log(&disk, 330);
    flip_in_log(&disk, 385);
    std::fs::create_dir(dir).unwrap();
    for name in disk.list().unwrap() {
        std::fs::write(dir.join(&name), disk.bytes(&name).unwrap()).unwrap();
    }
    // A log that a segment has replaced, as after a power cut; a segment that was never finished; a lock.
    let (name, bytes) = replaced.unwrap();
    std::fs::write(dir.join(name), bytes).unwrap();
    std::fs::write(dir.join("00000000000001a0-00000000000001b0.seg.tmp"), "rubbish").unwrap();
    std::fs::write(dir.join("lock"), "").unwrap();
    let identity = Reader::open(dir).unwrap().identity().unwrap();
    let last = Delivered { number: 42, fingerprint: fingerprint(42, troubled_check(42), &troubled_run(42)) };
    let cursor = Cursor { position: Position(43), last: Some(last), ..Cursor::start(identity) };
    Cursors::new(dir).write("nats", &Cursor { state: b"a state".to_vec(), ..cursor }).unwrap();
    Notes::new(dir).write("snmp", b"1 row\n").unwrap();
}

#[test]
fn a_reader_in_another_language_agrees_on_a_store_in_which_things_went_wrong() {
    if std::env::var_os("CUSTOS_WRITE_FIXTURE").is_some() {
        let _ = std::fs::remove_dir_all(troubled_dir());
        write_troubled(&troubled_dir());
    }
    let reader = Reader::open(&troubled_dir()).unwrap();
    let mut found: Vec<_> = reader.since(Position::START).filter_map(Result::ok).collect();
    let lost = [&DAMAGED[..], &[WITHOUT_DEFINITION], &WITHOUT_BASE, &REFUSED].concat();
    let expected = (0..=REFUSED[1]).filter(|n| !lost.contains(n));
    let expected: Vec<(&str, Run)> = expected.map(|n| (troubled_check(n), troubled_run(n))).collect();
    assert!(found.iter().map(|arrived| (&*arrived.check, arrived.run.clone())).eq(expected));
    found.sort_by_key(|arrived| (arrived.check.to_string(), arrived.run.time_ms, arrived.position));
    let lines = read_elsewhere(&troubled_dir(), &[]);
    assert_eq!(lines.lines().count(), found.len());
    for (line, arrived) in lines.lines().zip(found) {
        assert_agrees(line, &arrived.check, arrived.position.0 - 1, &arrived.run);
    }
}

#[test]
fn a_reader_in_another_language_agrees_on_the_small_files_beside_it() {
    let reader = Reader::open(&troubled_dir()).unwrap();
    let identity = reader.identity().unwrap();
    let cursor = Cursors::new(&troubled_dir()).read("nats").unwrap().unwrap();
    let last = cursor.last.unwrap();
    let about = read_elsewhere(&troubled_dir(), &["--about"]);
    let expected = format!(
        r#"{{"identity": "{identity}", "synced": {}, "cursors": {{"nats": {{"store": "{identity}", "position": 43, "last": [42, {}], "amendments": 0, "state": "61207374617465"}}}}, "notes": {{"snmp": "1 row\n"}}, "amendments": {{"forgotten": 0, "list": [["lost", null, 155, 156, 1, null], "#,
        reader.synced().0,
        last.fingerprint,
    );
    assert!(about.starts_with(&expected), "{about}\ndoes not begin with\n{expected}");
}
