use custos_store::{Options, Reader, SeriesKey, Value, Writer};

use super::*;

/// A metric that comes and goes, is `U` at times, and of runs that are missed, late or several at a time.
fn run(n: i64) -> Run {
    let metric = |label: &str, value: Option<Value>| Metric {
        unit: if n < 4000 { "B".to_owned() } else { "c".to_owned() },
        ..Metric::new(label, value)
    };
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
                rate: false,
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
                    assert!((one.sum - other.sum).abs() <= one.sum.abs() * 1e-9);
                    other.sum = one.sum;
                }
            }
            assert_eq!(found, expected);
        }
    }
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
        rate: true,
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
