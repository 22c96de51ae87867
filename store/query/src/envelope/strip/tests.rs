use custos_store::{Metric, Options, Reader, SeriesKey, Value, Writer};

use super::super::curve::{Envelope, Others};
use super::*;

/// A metric that comes and goes, is `U` at times, and of runs that are missed, late or several at a time.
fn run(n: i64) -> Run {
    let metric =
        |label: &str, value: Option<Value>| Metric { unit: "B".to_owned(), ..Metric::new(label, value) };
    let missed = n % 700 == 50;
    let mut run = Run {
        time_ms: n * 10_000 + n * 7 % 13 + if n % 900 > 880 { 70_000 } else { 0 },
        state: State::ALL[if n % 333 < 5 { (n % 4) as usize } else { 0 }],
        reason: if missed { Reason::Missed } else { Reason::Exited },
        ..Run::default()
    };
    if !missed {
        run.metrics.push(metric("always", Some(Value::from(n * 31 % 1000))));
        let absent = n % 500 < 20;
        run.metrics.push(metric("u", if absent { None } else { Some(Value::from(n as f64 / 7.0)) }));
        if n % 800 > 30 {
            run.metrics.push(metric("partly", Some(Value::from(n % 3))));
        }
    }
    run
}

#[test]
fn what_the_store_knows_is_what_its_runs_tell() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { log_bytes: 64 << 10, ..Options::default() };
    let mut writer = Writer::open(directory.path(), options).unwrap();
    for n in 0..6000 {
        writer.append(&[("x", &run(n))]).unwrap();
        if n == 5000 {
            writer.compact().unwrap();
        }
    }
    let store = Reader::open(directory.path()).unwrap();
    let series = ["always", "u", "partly"].map(|label| Series::Metric(SeriesKey::new(label)));
    for span in [0..60_000_000, 1_234_567..51_000_001, 39_000_000..41_000_000] {
        for cells in [20, 80, 777] {
            let request = EnvelopeRequest {
                check: "x",
                series: series.to_vec(),
                span: span.clone(),
                columns: cells * 2,
                cells,
                drawn: Drawn::Usual,
                holds_until_ms: None,
            };
            let mut ignored = |_: &custos_store::Error| {};
            let context = ReadContext::new(&mut ignored);
            let found = request.sum_up(&store, &context).unwrap().unwrap().finish();
            let mut slow = Strip::new(&request);
            store.runs("x", span.clone()).for_each(|run| slow.add(&run.unwrap()));
            let mut expected = slow.finish();
            for (one, other) in found.series.iter().zip(&mut expected.series) {
                // Sums are subject to rounding.
                for (one, other) in one.columns.iter().flatten().zip(other.columns.iter_mut().flatten()) {
                    let (mean, expected) = (one.mean.value(), other.mean.value());
                    assert!((mean - expected).abs() <= mean.abs() * 1e-9);
                    assert_eq!(one.mean.count(), other.mean.count());
                    other.mean = one.mean;
                }
            }
            assert_eq!(found, expected);
        }
    }
}

/// What was reported in several units, in files and in the log, is told exactly, or at worst by looking at each run.
#[test]
fn units_are_told_without_looking_at_each_run() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { log_bytes: 64 << 10, ..Options::default() };
    let mut writer = Writer::open(directory.path(), options).unwrap();
    let unit = |n: i64| match n {
        0..2000 => "s",
        2000..2003 => "ms",
        5600..5700 if n % 2 == 0 => "",
        _ => "s",
    };
    for n in 0..6000 {
        let metric = |label: &str, unit: &str| Metric {
            unit: unit.into(),
            ..Metric::new(label, Some(Value::from(n)))
        };
        let mut run = Run { time_ms: n, ..Run::default() };
        run.metrics = vec![metric("other", "B"), metric("turns", unit(n))];
        if n % 7 == 0 {
            run.metrics.swap(0, 1);
        }
        writer.append(&[("x", &run)]).unwrap();
        if n == 5000 {
            writer.compact().unwrap();
        }
    }
    let store = Reader::open(directory.path()).unwrap();
    let key = SeriesKey::new("turns");
    let told = |span: Range<i64>| store.units("x", &key, span).unwrap();
    assert_eq!(told(0..6000), ["", "ms", "s"]);
    assert_eq!(told(5100..5600), ["s"]);
    assert_eq!(told(5600..5602), ["", "s"]);
    assert!(told(2001..2002).contains(&"ms".to_owned()));
    assert_eq!(told(7000..8000), [""; 0]);
    assert_eq!(store.units("x", &SeriesKey::new("other"), 0..6000).unwrap(), ["B"]);
    assert_eq!(store.units("x", &SeriesKey::new("none"), 0..6000).unwrap(), [""; 0]);
    let summed_up = |span: Range<i64>| {
        let series = vec![Series::Metric(key.clone())];
        let request = EnvelopeRequest {
            check: "x",
            series,
            span,
            columns: 10,
            cells: 10,
            drawn: Drawn::Usual,
            holds_until_ms: None,
        };
        let mut ignored = |_: &custos_store::Error| {};
        request.sum_up(&store, &ReadContext::new(&mut ignored)).unwrap().is_some()
    };
    assert!(summed_up(5100..5600) && !summed_up(0..6000));
}

#[test]
fn a_read_is_bounded_and_can_be_stopped() {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(directory.path(), Options::default()).unwrap();
    writer.append(&[("x", &run(1))]).unwrap();
    let store = Reader::open(directory.path()).unwrap();
    let request = EnvelopeRequest {
        check: "x",
        series: vec![Series::Metric(SeriesKey::new("always"))],
        span: 0..1000,
        columns: 10,
        cells: 10,
        drawn: Drawn::Rates,
        holds_until_ms: None,
    };
    let mut ignored = |_: &custos_store::Error| {};
    let mut context = ReadContext::new(&mut ignored).cancellable(&|| true);
    assert!(matches!(request.read(&store, &mut context), Err(Error::Cancelled)));
    let wide = EnvelopeRequest { columns: ENVELOPE_COLUMNS_MAX + 1, ..request };
    let mut context = ReadContext::new(&mut ignored);
    assert_eq!(
        wide.read(&store, &mut context).unwrap_err().to_string(),
        "read 100001 columns: the limit is 100000"
    );
}

/// A store of a check `x` whose runs have these (ms, state), and a metric `m` with this value and unit.
fn read(
    runs: &[(i64, State, f64, &str)],
    span: Range<i64>,
    drawn: Drawn,
    holds_until_ms: Option<i64>,
) -> CheckEnvelope {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(directory.path(), Options::default()).unwrap();
    for (time_ms, state, value, unit) in runs {
        let metric = Metric { unit: (*unit).to_owned(), ..Metric::new("m", Some(Value::from(*value))) };
        let run = Run { time_ms: *time_ms, state: *state, metrics: vec![metric], ..Run::default() };
        writer.append(&[("x", &run)]).unwrap();
    }
    let store = Reader::open(directory.path()).unwrap();
    let series = vec![Series::Metric(SeriesKey::new("m"))];
    let request = EnvelopeRequest { check: "x", series, span, columns: 10, cells: 10, drawn, holds_until_ms };
    let mut ignored = |_: &custos_store::Error| {};
    request.read(&store, &mut ReadContext::new(&mut ignored)).unwrap()
}

#[test]
fn a_metric_that_changes_its_unit_is_drawn_in_the_latest_only() {
    let units = ["B", "s", "B", "s", "", "B"];
    let runs: Vec<(i64, State, f64, &str)> =
        units.iter().zip(0..).map(|(unit, n)| (n * 10, State::Ok, n as f64, *unit)).collect();
    let found = read(&runs, 0..100, Drawn::Usual, None).series.remove(0);
    assert_eq!((found.unit.as_str(), found.rate), ("B", false));
    assert_eq!(found.others, Others { samples: 3, units: vec!["s".to_owned(), String::new()] });
    let drawn: Vec<(usize, f64)> = found
        .columns
        .iter()
        .enumerate()
        .filter_map(|(at, column)| Some((at, column.as_ref()?.last)))
        .collect();
    assert_eq!(drawn, [(0, 0.0), (2, 2.0), (5, 5.0)]);
    // More units than are told apart are counted all the same.
    let many: Vec<String> = (0..9).map(|n| format!("u{n}")).collect();
    let runs: Vec<(i64, State, f64, &str)> =
        many.iter().zip(0..).map(|(unit, n)| (n * 10, State::Ok, 1.0, unit.as_str())).collect();
    let found = read(&runs, 0..100, Drawn::Usual, None).series.remove(0);
    assert_eq!((found.unit.as_str(), found.others.samples), ("u8", 8));
}

#[test]
fn a_counter_is_drawn_as_its_rate_unless_asked_otherwise() {
    let runs: Vec<(i64, State, f64, &str)> = (0..5).map(|n| (n * 10, State::Ok, n as f64, "c")).collect();
    let of = |drawn| read(&runs, 0..100, drawn, None).series.remove(0);
    let last = |found: &Envelope| found.columns.iter().rev().flatten().next().unwrap().last;
    let usual = of(Drawn::Usual);
    assert_eq!((usual.unit.as_str(), usual.rate, last(&usual)), ("/s", true, 100.0));
    let values = of(Drawn::Values);
    assert_eq!((values.unit.as_str(), values.rate, last(&values)), ("c", false, 4.0));
}

#[test]
fn a_reported_state_holds_until_the_next() {
    let runs = [(5, State::Critical, 0.0, ""), (52, State::Ok, 0.0, ""), (54, State::Warning, 0.0, "")];
    let bar = |span, holds_until_ms| {
        let cells = read(&runs, span, Drawn::Usual, holds_until_ms).states;
        cells
            .cells()
            .iter()
            .map(|cell| cell.map_or('-', |state| state.name().chars().next().unwrap()))
            .collect::<String>()
    };
    assert_eq!(bar(0..100, Some(80)), "CCCCCCWW--");
    assert_eq!(bar(20..120, Some(80)), "CCCCWW----");
    assert_eq!(bar(60..160, Some(1000)), "WWWWWWWWWW");
    assert!(bar(20..120, None).starts_with("---"));
}
