//! Sealed and merged, the store reads as it did before.

use custos_store::{Bucket, Metric, Options, Position, Reader, Run, Sample, SeriesKey, State, Value, Writer};

const RUNS: i64 = 20_000;

fn metric(label: &str, value: Option<Value>, max: f64) -> Metric {
    Metric {
        unit: "s".to_owned(),
        printed_unit: "ms".to_owned(),
        min: Some(0.0),
        max: Some(max),
        ..Metric::new(label, value)
    }
}

/// The n-th run of a check: on a grid with some lateness, one slot in 1000 missing; what varies varies.
fn run(check: usize, n: i64) -> Run {
    let late = (n * 7919) % 13;
    let slot = n + n / 1000;
    let mut metrics = vec![
        metric("rate", Some(Value::from(((n * 31) % 997) as f64 / 100.0)), 10.0 + (n / 15_000) as f64),
        metric("count", Some(Value::from((1_i64 << 60) + n * 3)), 1.0),
        metric("third", Some(Value::from(1.0 / (n + 3) as f64)), 1.0),
    ];
    if n % 500 == 7 {
        metrics[1].value = None;
    }
    if n % 3000 < 100 {
        metrics.push(metric("sometimes", Some(Value::from(n)), 1.0));
    }
    Run {
        time_ms: 1_700_000_000_000 + check as i64 * 333 + slot * 1000 + late,
        duration_us: 1000 + (n % 17) as u64,
        state: if n % 5000 == 0 { State::Critical } else { State::Ok },
        exit_code: Some(if n % 5000 == 0 { 2 } else { 0 }),
        text: format!("OK - took {} ms", n % 100),
        metrics,
        ..Run::default()
    }
}

fn options(background: bool) -> Options {
    Options { log_bytes: 512 << 10, background, ..Options::default() }
}

fn agree(reader: &Reader, checks: usize) {
    assert!(reader.damages().is_empty());
    for check in 0..checks {
        let name = format!("check{check}");
        let mut expected = (0..RUNS).map(|n| run(check, n));
        for found in reader.runs(&name, i64::MIN..i64::MAX) {
            assert_eq!(Some(found.unwrap()), expected.next());
        }
        assert_eq!(expected.next(), None);
        let latest: Vec<Run> =
            reader.runs_rev(&name, i64::MIN..i64::MAX).take(3).map(Result::unwrap).collect();
        assert_eq!(latest, (1..4).map(|back| run(check, RUNS - back)).collect::<Vec<_>>());
        for label in ["rate", "count", "third", "sometimes"] {
            let key = SeriesKey::new(label);
            let (from, to) = (run(check, 777).time_ms, run(check, RUNS - 555).time_ms);
            let samples: Vec<_> = reader.samples(&name, &key, from..to).flat_map(Result::unwrap).collect();
            let expected: Vec<_> = (777..RUNS - 555)
                .map(|n| run(check, n))
                .filter_map(|run| {
                    run.metrics.iter().find(|m| m.label == label).map(|m| (run.time_ms, m.value))
                })
                .collect();
            assert!(samples == expected, "{label}");
            for n in [1, 7, 200, 1999] {
                let buckets = reader.envelope(&name, &key, from..to, n).unwrap();
                let mut summed: Vec<Bucket> =
                    buckets.iter().map(|bucket| Bucket::empty(bucket.start_ms)).collect();
                let mut gap = false;
                for run in (777..RUNS - 555).map(|n| run(check, n)) {
                    let at = summed.partition_point(|bucket| bucket.start_ms <= run.time_ms) - 1;
                    let metric = run.metrics.iter().find(|metric| metric.label == label);
                    if let Some(value) = metric.and_then(|metric| metric.value) {
                        summed[at].after_gap |= gap && summed[at].count == 0;
                        summed[at].add(Sample { time_ms: run.time_ms, value });
                    }
                    gap = metric.is_none_or(|metric| metric.value.is_none());
                }
                for (bucket, summed) in buckets.iter().zip(&summed) {
                    let size = summed.max.abs().max(summed.min.abs()) * summed.count as f64;
                    assert!(summed.count == 0 || (bucket.sum - summed.sum).abs() <= size * 1e-9);
                    assert_eq!(*bucket, Bucket { sum: bucket.sum, ..*summed }, "{label} {n}");
                }
            }
        }
    }
    let mut next = vec![0; checks];
    let mut position = Position::START;
    for arrived in reader.since(Position::START) {
        let arrived = arrived.unwrap();
        assert!(arrived.position > position);
        position = arrived.position;
        let check: usize = arrived.check["check".len()..].parse().unwrap();
        assert_eq!(arrived.run, run(check, next[check]));
        next[check] += 1;
    }
    assert_eq!(next, vec![RUNS; checks]);
    let half = reader.since(Position(RUNS as u64)).next().unwrap().unwrap();
    assert_eq!(half.position, Position(RUNS as u64 + 1));
}

fn fill(writer: &mut Writer, checks: usize) {
    for n in 0..RUNS {
        for check in 0..checks {
            writer.append(&[(&format!("check{check}"), &run(check, n))]).unwrap();
        }
    }
}

#[test]
fn sealed_and_merged_in_the_background() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(dir.path(), options(true)).unwrap();
    fill(&mut writer, 2);
    agree(&Reader::open(dir.path()).unwrap(), 2);
    writer.settle().unwrap();
    agree(&Reader::open(dir.path()).unwrap(), 2);
    let mut before = Reader::open(dir.path()).unwrap();
    writer.compact().unwrap();
    agree(&before, 2);
    before.refresh().unwrap();
    agree(&before, 2);
    let files = |end: &str| {
        let names = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_str().unwrap().ends_with(end)).count()
    };
    assert_eq!((files(".seg"), files(".log"), files(".tmp")), (1, 0, 0));
    writer.close().unwrap();
    agree(&Reader::open(dir.path()).unwrap(), 2);
}

#[test]
fn a_reader_that_keeps_looking_never_errs_and_never_sees_a_run_vanish() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { log_bytes: 64 << 10, ..Options::default() };
    let mut writer = Writer::open(dir.path(), options).unwrap();
    writer.append(&[("check0", &run(0, 0))]).unwrap();
    std::thread::scope(|scope| {
        let looking = scope.spawn(|| {
            let mut kept = Reader::open(dir.path()).unwrap();
            let (mut seen, mut looks) = (0, 0_u64);
            while seen < RUNS as usize {
                kept.refresh().unwrap();
                let fresh = Reader::open(dir.path()).unwrap();
                for reader in [&kept, &fresh] {
                    assert!(reader.damages().is_empty(), "{:?}", reader.damages());
                    let count: u64 = reader.checks().iter().map(|check| check.runs).sum();
                    assert!(count as usize >= seen, "{count} runs where there were {seen}");
                    let last = reader.last("check0").unwrap().unwrap();
                    assert_eq!(last, run(0, count as i64 - 1));
                    seen = seen.max(count as usize);
                    // What a graph reads.
                    let all = 0..i64::MAX;
                    let states = reader.states("check0", all.clone()).map(|batch| batch.unwrap().len());
                    assert_eq!(states.sum::<usize>(), count as usize);
                    let buckets = reader.envelope("check0", &SeriesKey::new("rate"), all, 80).unwrap();
                    assert_eq!(buckets.iter().map(|bucket| bucket.count).sum::<u64>(), count);
                }
                if looks.is_multiple_of(16) {
                    let runs = kept.runs("check0", i64::MIN..i64::MAX).map(Result::unwrap);
                    assert!(runs.enumerate().all(|(n, found)| found == run(0, n as i64)));
                }
                looks += 1;
            }
            looks
        });
        for n in 1..RUNS {
            writer.append(&[("check0", &run(0, n))]).unwrap();
        }
        assert!(looking.join().unwrap() > 0);
    });
    writer.close().unwrap();
}
