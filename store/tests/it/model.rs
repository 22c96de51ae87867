//! Random operations against a plain map.

use std::collections::BTreeMap;
use std::sync::Arc;

use custos_store::disk::SimDisk;
use custos_store::{
    Bucket, Cell, Column, Figure, Instance, Instances, Metric, Options, Position, Provenance, Reader, Run,
    Sample, SeriesKey, Snapshot, State, Statistics, Value, Writer,
};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Op {
    /// So many runs of a check, from this time on, this far apart.
    Append {
        check: usize,
        from: i64,
        step: i64,
        count: usize,
        shape: u8,
    },
    Settle,
    Compact,
    Reopen,
    /// Refreshes, and keeps the snapshot to be compared in the end.
    Keep,
    Read {
        check: usize,
        from: i64,
        to: i64,
    },
}

fn op() -> impl Strategy<Value = Op> {
    let time = prop_oneof![8 => 0_i64..2_000_000, 1 => -1_000_000_i64..0, 1 => any::<i64>()];
    let step = prop_oneof![4 => Just(1000_i64), 1 => Just(0), 1 => Just(-700), 1 => 1_i64..90_000];
    prop_oneof![
        8 => (0..3_usize, time.clone(), step, 1..400_usize, 0..4_u8)
            .prop_map(|(check, from, step, count, shape)| Op::Append { check, from, step, count, shape }),
        2 => Just(Op::Settle),
        1 => Just(Op::Compact),
        1 => Just(Op::Reopen),
        2 => Just(Op::Keep),
        2 => (0..3_usize, time.clone(), time).prop_map(|(check, from, to)| Op::Read { check, from, to }),
    ]
}

const CHECKS: [&str; 3] = ["a", "b", "c"];

/// Up to 150, of which three or so change with every run.
fn instances(n: u64) -> Instances {
    let instance = |row: u64| Instance {
        state: State::ALL[((n + row) / 50 % 4) as usize],
        since_ms: ((n + row) / 50) as i64,
        ..Instance::new(vec![("row".to_owned(), row.to_string())])
    };
    Instances::new((0..n / 7 % 150).map(instance)).unwrap()
}

fn run(n: u64, time_ms: i64, shape: u8) -> Run {
    let metric = |label: &str, value: Option<Value>| Metric {
        unit: if shape == 3 { n.to_string() } else { "s".to_owned() },
        max: (shape == 2).then_some(n as f64),
        ..Metric::new(label, value)
    };
    let mut metrics = vec![metric("v", if n % 13 == 5 { None } else { Some(Value::from(n as f64 / 8.0)) })];
    if shape >= 1 {
        metrics.insert((n % 2) as usize, metric("w", Some(Value::from(i64::MAX - n as i64))));
    }
    if n % 11 == 7 {
        metrics.truncate(1);
    }
    Run {
        time_ms,
        missed_slots: n as u32,
        text: format!("{}", n / 5),
        metrics,
        instances: if shape == 1 { instances(n) } else { Instances::default() },
        partial: n % 9 == 2,
        imported: shape == 2,
        provenance: if shape == 3 { Provenance::Submitted } else { Provenance::Scheduled },
        ..Run::default()
    }
}

#[derive(Clone, Default)]
struct Model {
    runs: [BTreeMap<(i64, u64), Run>; 3],
    arrivals: Vec<(usize, Run)>,
}

/// Label, samples, first and last time of each series of a check.
fn series(runs: &BTreeMap<(i64, u64), Run>) -> BTreeMap<String, (u64, i64, i64)> {
    let mut series = BTreeMap::new();
    for run in runs.values() {
        for metric in &run.metrics {
            let known = series.entry(metric.label.clone()).or_insert((0, run.time_ms, run.time_ms));
            *known = (known.0 + 1, known.1, run.time_ms);
        }
    }
    series
}

fn compare_catalogue(reader: &Snapshot, model: &Model) {
    let catalogue = reader.catalogue();
    assert!(catalogue.damages.is_empty());
    let mut listed = catalogue.checks.into_iter();
    for (name, runs) in CHECKS.iter().zip(&model.runs).filter(|(_, runs)| !runs.is_empty()) {
        let of_check = listed.next().unwrap();
        let ends = (runs.first_key_value().unwrap().0.0, runs.last_key_value().unwrap().0.0);
        let check = &of_check.check;
        assert_eq!((check.name.as_str(), check.runs), (*name, runs.len() as u64));
        assert_eq!((check.first_ms, check.last_ms), ends);
        assert_eq!(of_check.series, reader.series(name).unwrap());
        let found = of_check.series.iter().map(|s| (s.key.label.clone(), (s.samples, s.first_ms, s.last_ms)));
        assert!(found.eq(series(runs)), "series of {name}");
    }
    assert_eq!(listed.next(), None);
}

/// What a run says of a series.
fn cell(run: &Run, label: &str) -> Cell {
    match run.metrics.iter().find(|metric| metric.label == label) {
        Some(metric) => metric.value.map_or(Cell::Unknown, Cell::Value),
        None => Cell::Absent,
    }
}

/// What values have in common, one by one.
fn sum_up(cells: impl Iterator<Item = Cell>) -> Statistics {
    let mut all = Statistics::NONE;
    for cell in cells {
        if let Cell::Value(value) = cell {
            let float = value.to_f64();
            let one = Statistics {
                count: 1,
                min: float,
                max: float,
                sum: float,
                first: Some(value),
                last: Some(value),
            };
            all.add(&one);
        }
    }
    all
}

/// The sum is subject to rounding.
fn same(found: Statistics, expected: Statistics) -> bool {
    let size = expected.max.abs().max(expected.min.abs()) * expected.count as f64;
    (found.count == 0 || (found.sum - expected.sum).abs() <= size * 1e-9)
        && Statistics { sum: 0.0, ..found } == Statistics { sum: 0.0, ..expected }
}

fn compare_scan(reader: &Snapshot, name: &str, expected: &[&Run], range: std::ops::Range<i64>) {
    // One of them twice, one that is nowhere.
    let labels = ["w", "nowhere", "v", "w"];
    let mut left = expected;
    let mut read = Column::default();
    for batch in reader.scan(name, &labels.map(SeriesKey::new), range) {
        let batch = batch.unwrap();
        let (runs, rest) = left.split_at(batch.len());
        left = rest;
        for at in [0, batch.len() / 2, batch.len() - 1] {
            assert_eq!(batch.time(at).unwrap(), runs[at].time_ms);
            let first = runs.partition_point(|run| run.time_ms < runs[at].time_ms);
            assert_eq!(batch.row_at(runs[at].time_ms).unwrap(), first);
        }
        assert!(batch.times().unwrap().iter().eq(runs.iter().map(|run| &run.time_ms)));
        let partial = runs.iter().enumerate().filter(|(_, run)| run.partial).map(|(row, _)| row as u32);
        assert!(batch.silent().unwrap().iter().copied().eq(partial));
        for (series, label) in labels.iter().enumerate() {
            let cells: Vec<Cell> = runs.iter().map(|run| cell(run, label)).collect();
            batch.read_column(series, &mut read).unwrap();
            let column = batch.column(series).unwrap();
            for column in [&column, &read] {
                assert!((0..runs.len()).map(|row| column.cell(row)).eq(cells.iter().copied()), "{label}");
            }
            let samples = cells.iter().enumerate().filter(|(_, cell)| **cell != Cell::Absent);
            let value = |cell: &Cell| if let Cell::Value(value) = cell { Some(*value) } else { None };
            assert!(column.iter().eq(samples.map(|(row, cell)| (row, value(cell)))));
            assert_eq!(column.rows().is_none(), cells.iter().all(|cell| *cell != Cell::Absent));
            if let Some(statistics) = batch.statistics(series) {
                assert!(same(statistics, sum_up(cells.iter().copied())), "{label}");
            }
            let mut windows = batch.windows(series).unwrap();
            for step in [1 + runs.len() / 3, 1 + runs.len() / 17] {
                for start in (0..runs.len()).step_by(step) {
                    let rows = start..(start + step).min(runs.len());
                    let found = windows.sum_up(rows.clone()).unwrap();
                    assert!(same(found, sum_up(cells[rows].iter().copied())), "{label}");
                }
            }
        }
    }
    assert!(left.is_empty(), "{} runs of {name} are missing in the scan", left.len());
}

const FIGURES: [Figure; 6] =
    [Figure::State, Figure::HardState, Figure::Duration, Figure::Lateness, Figure::Cpu, Figure::MaxRss];

fn compare(reader: &Snapshot, model: &Model, check: usize, from: i64, to: i64) {
    let runs = &model.runs[check];
    let expected: Vec<&Run> =
        runs.values().filter(|run| run.time_ms >= from && (run.time_ms < to || to == i64::MAX)).collect();
    let found: Vec<Run> = reader.runs(CHECKS[check], from..to).map(Result::unwrap).collect();
    assert!(found.iter().eq(expected.iter().copied()), "runs of {check} in {from}..{to}");
    let back: Vec<Run> = reader.runs_rev(CHECKS[check], from..to).map(Result::unwrap).collect();
    assert!(back.iter().rev().eq(expected.iter().copied()), "reverse");
    assert_eq!(reader.last(CHECKS[check]).unwrap().as_ref(), runs.values().next_back());
    compare_scan(reader, CHECKS[check], &expected, from..to);
    let states = reader.states(CHECKS[check], from..to).flat_map(Result::unwrap);
    assert!(states.map(|state| state.time_ms).eq(expected.iter().map(|run| run.time_ms)), "states");
    for figure in FIGURES {
        let found = reader.figures(CHECKS[check], figure, from..to).flat_map(Result::unwrap);
        let found = found.map(|found| (found.time_ms, found.reason, found.number));
        let of_run = |run: &&Run| (run.time_ms, run.reason, figure.of(run));
        assert!(found.eq(expected.iter().map(of_run)), "{figure:?}");
    }
    let arrived = model.arrivals.iter().rev().filter(|(of, _)| *of == check).map(|(_, run)| run);
    let newest = reader.arrived_rev(CHECKS[check]).map(|found| found.unwrap().run);
    assert!(newest.eq(arrived.clone().cloned()), "by arrival");
    let span = if to == i64::MAX { from..=to } else { from..=to.saturating_sub(1) };
    let within = reader.arrived_rev(CHECKS[check]).within(from..to).map(|found| found.unwrap().run);
    let expected_within = arrived.clone().filter(|run| from < to && span.contains(&run.time_ms));
    assert!(within.eq(expected_within.cloned()), "by arrival within {from}..{to}");
    if let Some(middle) = reader.arrived_rev(CHECKS[check]).nth(runs.len() / 2) {
        let before = reader.arrived_rev(CHECKS[check]).before(middle.unwrap().position);
        let before = before.map(|found| found.unwrap().run);
        assert!(before.eq(arrived.clone().skip(runs.len() / 2).cloned()), "by arrival before the middle");
    }
    let last = reader.last_arrived(CHECKS[check]).unwrap();
    assert_eq!(last.as_ref().map(|found| &found.run), arrived.clone().next());
    let key = SeriesKey::new("v");
    let value =
        |run: &&Run| run.metrics.iter().find(|metric| metric.label == "v").map(|m| (run.time_ms, m.value));
    let expected: Vec<_> = expected.iter().filter_map(value).collect();
    let samples: Vec<_> = reader.samples(CHECKS[check], &key, from..to).flat_map(Result::unwrap).collect();
    assert_eq!(samples, expected);
    for n in [1, 5, 64] {
        let buckets = reader.envelope(CHECKS[check], &key, from..to, n).unwrap();
        let mut at = 0;
        for (index, bucket) in buckets.iter().enumerate() {
            let end = buckets.get(index + 1).map_or(to, |next| next.start_ms);
            let last = index + 1 == n && to == i64::MAX;
            let inside: Vec<Sample> = expected[at..]
                .iter()
                .take_while(|(time, _)| *time < end || last)
                .inspect(|_| at += 1)
                .filter_map(|(time_ms, value)| Some(Sample { time_ms: *time_ms, value: (*value)? }))
                .collect();
            let mut summed = Bucket::empty(bucket.start_ms);
            inside.iter().for_each(|sample| summed.add(*sample));
            // Sums are subject to rounding; gaps have a test of their own.
            (summed.sum, summed.after_gap) = (bucket.sum, bucket.after_gap);
            assert_eq!(*bucket, summed, "{check} {from}..{to} {n} {index}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]
    #[test]
    fn random_operations(ops in prop::collection::vec(op(), 1..30)) {
        let disk = SimDisk::new();
        let options = Options { log_bytes: 8 << 10, reserve_bytes: 0, background: false, ..Options::default() };
        let open = || Writer::open_on(Arc::new(disk.clone()), options.clone()).unwrap();
        let mut writer = Some(open());
        let mut model = Model::default();
        let mut reader = Reader::open_on(Arc::new(disk.clone())).unwrap();
        let mut kept = Vec::new();
        for op in ops {
            let open_writer = writer.as_mut().unwrap();
            match op {
                Op::Append { check, from, step, count, shape } => {
                    let runs: Vec<Run> = (0..count as i64)
                        .map(|n| {
                            let time = from.wrapping_add(step.wrapping_mul(n));
                            run(model.arrivals.len() as u64 + n as u64, time, shape)
                        })
                        .collect();
                    let batch: Vec<(&str, &Run)> = runs.iter().map(|run| (CHECKS[check], run)).collect();
                    open_writer.append(&batch).unwrap();
                    for run in runs {
                        model.runs[check].insert((run.time_ms, model.arrivals.len() as u64), run.clone());
                        model.arrivals.push((check, run));
                    }
                }
                Op::Settle => open_writer.settle().unwrap(),
                Op::Compact => open_writer.compact().unwrap(),
                Op::Reopen => {
                    drop(writer.take());
                    writer = Some(open());
                }
                Op::Keep => {
                    reader.refresh().unwrap();
                    kept.push((reader.snapshot(), model.clone()));
                }
                Op::Read { check, from, to } => {
                    reader.refresh().unwrap();
                    compare(&reader, &model, check, from, to);
                }
            }
        }
        reader.refresh().unwrap();
        prop_assert!(reader.damages().is_empty());
        (0..3).for_each(|check| compare(&reader, &model, check, i64::MIN, i64::MAX));
        compare_catalogue(&reader, &model);
        for (snapshot, model) in &kept {
            (0..3).for_each(|check| compare(snapshot, model, check, i64::MIN, i64::MAX));
            compare_catalogue(snapshot, model);
        }
        let arrived: Vec<_> = reader.since(Position::START).map(Result::unwrap).collect();
        prop_assert!(arrived.windows(2).all(|pair| pair[0].position < pair[1].position));
        let same = |(found, (check, run)): (&custos_store::Arrived, &(usize, Run))| {
            *found.check == *CHECKS[*check] && found.run == *run
        };
        prop_assert!(arrived.len() == model.arrivals.len() && arrived.iter().zip(&model.arrivals).all(same));
        if let Some(middle) = arrived.get(arrived.len() / 2) {
            let rest = reader.since(middle.position).map(Result::unwrap);
            prop_assert!(rest.eq(arrived[arrived.len() / 2 + 1..].iter().cloned()));
        }
    }
}
