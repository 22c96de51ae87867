//! What is written is read again, by readers that come and go while the writer works.

use std::path::Path;

use custos_store::{
    Bounds, Consolidation, Error, Instance, Instances, Metric, Options, Position, Provenance, Reader, Reason,
    Run, SeriesInfo, SeriesKey, Standing, State, Value, Writer, writer_pid,
};

fn metric(label: &str, value: impl Into<Value>) -> Metric {
    Metric {
        label: label.to_owned(),
        labels: vec![("ifName".to_owned(), "eth0".to_owned())],
        value: Some(value.into()),
        unit: "B".to_owned(),
        printed_unit: "MB".to_owned(),
        warn: Some(Bounds { start: f64::NEG_INFINITY, end: 5.0, inside: false }),
        crit: Some(Bounds { start: 1.0, end: f64::INFINITY, inside: true }),
        min: Some(0.0),
        max: None,
    }
}

fn full_run(time_ms: i64) -> Run {
    Run {
        time_ms,
        duration_us: 1234,
        lateness_us: Some(0),
        cpu_us: Some(u64::MAX),
        max_rss_bytes: Some(1 << 40),
        state: State::Critical,
        plugin_state: State::Warning,
        reason: Reason::Timeout,
        exit_code: Some(1),
        signal: Some(9),
        missed_slots: 7,
        standing: Standing {
            hard: true,
            attempt: 3,
            hard_state: State::Unknown,
            since_ms: -5,
            flapping: true,
            flap_history: 0x3ff_ffff_ffff,
        },
        text: "CRITICAL - ünwell".to_owned(),
        long_text: "more\nlines".to_owned(),
        stderr: "oops".to_owned(),
        origin: "nrpe 192.0.2.7".to_owned(),
        judgement: "above".to_owned(),
        metrics: vec![metric("a", 0.1), metric("b", i64::MAX), Metric { value: None, ..metric("c", 0.0) }],
        instances: Instances::new([Instance {
            state: State::Warning,
            since_ms: time_ms,
            pending_since_ms: Some(i64::MIN),
            seen_ms: Some(i64::MAX),
            value: Some(Value::from(i64::MAX)),
            text: "eth0 is down".to_owned(),
            ..Instance::new(vec![("ifName".to_owned(), "eth0".to_owned())])
        }])
        .unwrap(),
        partial: true,
        imported: true,
        provenance: Provenance::Consolidated { span_ms: u64::MAX, function: Consolidation::Sum },
    }
}

fn collect(dir: &Path, check: &str) -> Vec<Run> {
    Reader::open(dir).unwrap().runs(check, i64::MIN..i64::MAX).collect::<Result<_, _>>().unwrap()
}

#[test]
fn a_run_comes_back_whole() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(dir.path(), Options::default()).unwrap();
    let mut changed = full_run(20);
    changed.metrics[1].max = Some(3.0);
    let runs = [full_run(10), changed, Run { time_ms: 30, ..Run::default() }];
    for run in &runs {
        writer.append(&[("disk", run)]).unwrap();
    }
    assert_eq!(collect(dir.path(), "disk"), runs);
    writer.close().unwrap();
    assert_eq!(collect(dir.path(), "disk"), runs);
    let reader = Reader::open(dir.path()).unwrap();
    assert_eq!(reader.last("disk").unwrap().as_ref(), Some(&runs[2]));
    let info = reader.info().unwrap();
    assert_eq!((info.checks, info.series, info.samples, info.runs), (1, 3, 6, 3));
    assert_eq!((info.first_ms, info.last_ms), (Some(10), Some(30)));
}

#[test]
fn order_is_time_then_arrival_and_since_is_arrival() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(dir.path(), Options::default()).unwrap();
    let times = [5, 3, 3, i64::MAX - 1, i64::MIN, -7, 5];
    let runs: Vec<Run> = times
        .iter()
        .enumerate()
        .map(|(at, time)| Run { missed_slots: at as u32, ..full_run(*time) })
        .collect();
    let mut positions = Vec::new();
    for run in &runs {
        positions.push(writer.append(&[("x", run)]).unwrap());
    }
    let read: Vec<u32> = collect(dir.path(), "x").iter().map(|run| run.missed_slots).collect();
    assert_eq!(read, [4, 5, 1, 2, 0, 6, 3]);
    let reader = Reader::open(dir.path()).unwrap();
    let since =
        |position| -> Vec<u32> { reader.since(position).map(|run| run.unwrap().run.missed_slots).collect() };
    assert_eq!(since(Position::START), [0, 1, 2, 3, 4, 5, 6]);
    assert_eq!(since(positions[3]), [4, 5, 6]);
    assert_eq!(reader.since(positions[3]).next().unwrap().unwrap().position, positions[4]);
}

#[test]
fn a_reader_sees_a_reopened_store_and_the_second_writer_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(writer_pid(dir.path()), None);
    let mut writer = Writer::open(dir.path(), Options::default()).unwrap();
    let Err(Error::Locked { pid, .. }) = Writer::open(dir.path(), Options::default()) else {
        panic!("two writers")
    };
    assert_eq!(pid, Some(std::process::id()));
    assert_eq!(writer_pid(dir.path()), Some(std::process::id()));
    writer.append(&[("x", &full_run(1))]).unwrap();
    drop(writer);
    assert_eq!(writer_pid(dir.path()), None);
    let mut reader = Reader::open(dir.path()).unwrap();
    let mut writer = Writer::open(dir.path(), Options::default()).unwrap();
    writer.append(&[("x", &full_run(2)), ("y", &full_run(3))]).unwrap();
    assert_eq!(reader.checks().len(), 1);
    reader.refresh().unwrap();
    let checks = reader.checks();
    assert_eq!((checks[0].runs, checks[0].first_ms, checks[0].last_ms, checks[1].runs), (2, 1, 2, 1));
}

#[test]
fn small_logs_follow_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(dir.path(), Options { log_bytes: 4096, ..Options::default() }).unwrap();
    for time in 0..200 {
        writer.append(&[("x", &full_run(time))]).unwrap();
    }
    let runs = collect(dir.path(), "x");
    assert_eq!(runs.len(), 200);
    let reader = Reader::open(dir.path()).unwrap();
    let key = SeriesKey { label: "a".to_owned(), labels: vec![("ifName".to_owned(), "eth0".to_owned())] };
    let buckets = reader.envelope("x", &key, 0..200, 3).unwrap();
    assert_eq!(buckets.iter().map(|bucket| bucket.count).collect::<Vec<_>>(), [67, 67, 66]);
    assert_eq!(buckets.iter().map(|bucket| bucket.start_ms).collect::<Vec<_>>(), [0, 67, 134]);
}

#[test]
fn the_catalogue_has_the_unit_of_the_newest_run_and_what_its_series_span() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { log_bytes: 4096, background: false, ..Options::default() };
    let mut writer = Writer::open(dir.path(), options).unwrap();
    let mut expected = Vec::new();
    for (time_ms, unit, series) in [(50, "s", "a"), (70, "ms", "a"), (60, "s", "a"), (90, "B", "b")] {
        let mut run = full_run(time_ms);
        run.metrics.truncate(1);
        run.metrics[0].label = series.to_owned();
        run.metrics[0].labels = Vec::new();
        run.metrics[0].unit = unit.to_owned();
        writer.append(&[("x", &run)]).unwrap();
        match time_ms {
            50 => expected.push(("a", "s", 1, 50, 50)),
            60 => expected[0] = ("a", "s", 3, 50, 70),
            70 => expected[0] = ("a", "ms", 2, 50, 70),
            _ => expected.push(("b", "B", 1, 90, 90)),
        }
        let series = |dir| Reader::open(dir).unwrap().series("x").unwrap();
        let compare = |series: &[SeriesInfo]| {
            let found: Vec<_> = series
                .iter()
                .map(|s| (s.key.label.as_str(), s.unit.as_str(), s.samples, s.first_ms, s.last_ms))
                .collect();
            assert_eq!(found, expected);
        };
        compare(&series(dir.path()));
        writer.seal().unwrap();
        compare(&series(dir.path()));
        writer.settle().unwrap();
        compare(&series(dir.path()));
    }
    writer.compact().unwrap();
    let catalogue = Reader::open(dir.path()).unwrap().catalogue();
    assert_eq!(catalogue.checks.len(), 1);
    assert_eq!(catalogue.checks[0].series[0].unit, "s");
}
