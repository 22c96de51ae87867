use std::ops::Range;

use custos_promql::{
    AnswerValue, Matcher, Options as QueryOptions, Result, Samples, Source, SourceSeries, instant, parse,
    range,
};
use custos_store::{Metric, Options, Reader, Reason, Run, State, Value, Writer};

use super::StoreSource;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

fn metric(label: &str, value: impl Into<Option<Value>>) -> Metric {
    Metric::new(label, value)
}

fn run(time_ms: i64, metrics: Vec<Metric>) -> Run {
    Run { time_ms, metrics, ..Run::default() }
}

/// A store of these runs, and an answer from it.
struct Store {
    _directory: tempfile::TempDir,
    reader: Reader,
}

impl Store {
    fn of(runs: &[(&str, Run)]) -> Store {
        let directory = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(directory.path(), Options::default()).unwrap();
        for (index, (check, run)) in runs.iter().enumerate() {
            writer.append(&[(*check, run)]).unwrap();
            if index == runs.len() / 2 {
                // One half is in a segment, the other in a log.
                writer.compact().unwrap();
            }
        }
        let reader = Reader::open(directory.path()).unwrap();
        Store { _directory: directory, reader }
    }

    /// The series with their values at a time, as lines.
    fn at(&self, query: &str, time_ms: i64) -> Vec<String> {
        self.at_with(query, time_ms, &QueryOptions::default())
    }

    fn at_with(&self, query: &str, time_ms: i64, options: &QueryOptions<'_>) -> Vec<String> {
        let snapshot = self.reader.snapshot();
        let source = StoreSource::new(&snapshot);
        let answer = instant(query, &parse(query).unwrap(), &source, time_ms, options).unwrap();
        assert_eq!(source.damages(), Vec::<String>::new());
        match answer.value {
            AnswerValue::Vector(values) => {
                values.iter().map(|(labels, point)| format!("{labels} {}", point.value)).collect()
            }
            AnswerValue::Matrix(all) => all
                .iter()
                .flat_map(|series| {
                    series.points.iter().map(|point| format!("{} {}", point.time_ms, point.value))
                })
                .collect(),
            other => panic!("{other:?}"),
        }
    }

    /// At how many of the minutes of a span there is a value.
    fn minutes(&self, query: &str, span: Range<i64>) -> usize {
        let snapshot = self.reader.snapshot();
        let source = StoreSource::new(&snapshot);
        let span = (span.start, span.end - 1, MINUTE);
        let answer = range(query, &parse(query).unwrap(), &source, span, &QueryOptions::default()).unwrap();
        let AnswerValue::Matrix(all) = answer.value else { panic!("a range query has a range vector") };
        all.iter().map(|series| series.points.len()).sum()
    }
}

#[test]
fn a_metric_is_a_series_with_its_check() {
    let labelled = Metric {
        labels: vec![("check".to_owned(), "mine".to_owned()), ("if".to_owned(), "eth0".to_owned())],
        ..metric("in", Value::from(3.0))
    };
    let store = Store::of(&[
        ("load", run(0, vec![metric("load1", Value::from(1.5)), metric("load5", Value::from(2.5))])),
        ("net", run(1, vec![labelled])),
        ("rule:x", run(2, vec![metric("", Value::from(7.0))])),
    ]);
    assert_eq!(
        store.at("load", 10),
        ["load{check=\"load\", metric=\"load1\"} 1.5", "load{check=\"load\", metric=\"load5\"} 2.5"]
    );
    assert_eq!(store.at("{metric=\"load5\"}", 10), ["load{check=\"load\", metric=\"load5\"} 2.5"]);
    assert_eq!(
        store.at("{check=\"net\", metric!=\"\"}", 10),
        ["net{check=\"net\", exported_check=\"mine\", if=\"eth0\", metric=\"in\"} 3"]
    );
    // A series that has only the check's name has neither label.
    assert_eq!(store.at("rule:x", 10), ["rule:x 7"]);
    assert_eq!(
        store.at("check_state", 10),
        ["check_state{check=\"load\"} 0", "check_state{check=\"net\"} 0", "check_state{check=\"rule:x\"} 0"]
    );
    assert_eq!(store.at("count({__name__=~\"check_.*\", check=\"load\"})", 10), ["{} 3"]);
    assert_eq!(store.at("nothing", 10), Vec::<String>::new());
}

#[test]
fn a_run_without_the_metric_ends_its_series() {
    let missed = Run { reason: Reason::Missed, state: State::Unknown, ..run(50_000, Vec::new()) };
    let partial = Run { partial: true, ..run(70_000, vec![metric("b", Value::from(1.0))]) };
    let both = |value: f64| vec![metric("a", Value::from(value)), metric("b", Value::from(value))];
    let store = Store::of(&[
        ("x", run(0, both(1.0))),
        ("x", run(10_000, vec![metric("b", Value::from(2.0))])),
        ("x", run(20_000, both(3.0))),
        ("x", run(30_000, vec![metric("a", None), metric("b", Value::from(4.0))])),
        ("x", run(40_000, both(5.0))),
        ("x", missed),
        ("x", run(60_000, both(6.0))),
        ("x", partial),
    ]);
    let a = |time_ms| store.at("x{metric=\"a\"}", time_ms).len();
    assert_eq!(
        [0, 9_999, 10_000, 20_000, 30_000, 40_000, 49_999, 50_000, 60_000].map(a),
        [1, 1, 0, 1, 0, 1, 1, 0, 1]
    );
    // A partial run says nothing of what it lacks.
    assert_eq!(store.at("x{metric=\"a\"}", 70_000), ["x{check=\"x\", metric=\"a\"} 6"]);
    // Marks of ends are no samples.
    assert_eq!(store.at("x{metric=\"a\"}[2m]", 70_000), ["0 1", "20000 3", "40000 5", "60000 6"]);
    // So is a state that nothing was executed for.
    assert_eq!(store.at("check_state", 55_000), Vec::<String>::new());
}

#[test]
fn where_rules_are_judged_a_run_that_did_not_take_place_says_nothing() {
    let both = |time_ms: i64, value: f64| {
        run(time_ms, vec![metric("a", Value::from(value)), metric("b", Value::from(value))])
    };
    let mut runs = vec![("x", both(0, 1.0))];
    let reasons = [Reason::Missed, Reason::Skipped, Reason::NotFinished];
    runs.extend(reasons.into_iter().enumerate().map(|(at, reason)| {
        let state = State::Unknown;
        ("x", Run { reason, state, ..run(10_000 * (at as i64 + 1), Vec::new()) })
    }));
    runs.push(("x", Run { partial: true, ..run(40_000, vec![metric("b", Value::from(2.0))]) }));
    runs.push(("x", both(50_000, 3.0)));
    runs.push(("x", run(60_000, vec![metric("b", Value::from(4.0))])));
    // Where the store has most of them in a segment, and where in a log.
    for newer in [0, 40] {
        let mut runs = runs.clone();
        runs.extend((0..newer).map(|at| ("y", both(at, 0.0))));
        let store = Store::of(&runs);
        let snapshot = store.reader.snapshot();
        let source = StoreSource::for_rules(&snapshot);
        let at = |query: &str, time_ms: i64| {
            let parsed = parse(query).unwrap();
            let answer = instant(query, &parsed, &source, time_ms, &QueryOptions::default()).unwrap();
            let AnswerValue::Vector(values) = answer.value else { panic!("{:?}", answer.value) };
            values.iter().map(|(_, point)| point.value).collect::<Vec<f64>>()
        };
        let a = |time_ms| at("x{metric=\"a\"}", time_ms);
        for time_ms in [0, 10_000, 20_000, 35_000, 45_000] {
            assert_eq!(a(time_ms), [1.0], "{time_ms}");
            assert_eq!(at("check_state{check=\"x\"}", time_ms), [0.0], "{time_ms}");
        }
        assert_eq!((a(50_000), a(60_000)), (vec![3.0], Vec::new()));
        assert_eq!(at("count_over_time(check_state{check=\"x\"}[5m])", 60_000), [4.0]);
        assert_eq!(at("count_over_time(x{metric=\"a\"}[5m])", 60_000), [2.0]);
        // A step finds what was the newest before.
        let AnswerValue::Matrix(steps) =
            range("x", &parse("x").unwrap(), &source, (5_000, 55_000, 10_000), &QueryOptions::default())
                .unwrap()
                .value
        else {
            panic!("a range query has a range vector")
        };
        assert_eq!(steps[0].points.len(), 6);
    }
}

#[test]
fn of_several_runs_in_one_millisecond_the_last_counts() {
    let store = Store::of(&[
        ("x", run(5, vec![metric("a", Value::from(1.0))])),
        ("x", run(5, vec![metric("a", Value::from(2.0))])),
        ("x", run(5, vec![metric("a", Value::from(3.0))])),
    ]);
    assert_eq!(store.at("x[1m]", 10), ["5 3"]);
}

#[test]
fn counters_beyond_what_floats_hold_lose_nothing() {
    let base = (1_i64 << 60) + 1;
    let runs: Vec<(&str, Run)> =
        (0..7).map(|n| ("x", run(n * 10_000, vec![metric("c", Value::from(base + n))]))).collect();
    let store = Store::of(&runs);
    assert_eq!(store.at("increase(x[1m])", MINUTE), ["{check=\"x\", metric=\"c\"} 6"]);
    assert_eq!(store.at("changes(x[1m])", MINUTE), ["{check=\"x\", metric=\"c\"} 5"]);
    assert_eq!(store.at("rate(x[1m]) * 60", MINUTE), ["{check=\"x\", metric=\"c\"} 6"]);
    assert_eq!(store.at("idelta(x[1m])", MINUTE), ["{check=\"x\", metric=\"c\"} 1"]);
}

#[test]
fn an_hourly_check_has_a_value_all_hour() {
    let runs: Vec<(&str, Run)> = (0..30)
        .flat_map(|n| {
            let hourly = run(n * HOUR, vec![metric("a", Value::from(n as f64))]);
            let late = run(n * HOUR + 7, vec![metric("a", Value::from(n as f64))]);
            [("hourly", hourly), ("late", late)]
        })
        .chain((0..60).map(|n| ("minutely", run(n * MINUTE, vec![metric("a", Value::from(1.0))]))))
        .collect();
    let store = Store::of(&runs);
    let day = HOUR..25 * HOUR;
    assert_eq!(store.minutes("hourly", day.clone()), 24 * 60);
    assert_eq!(store.minutes("check_state{check=\"hourly\"}", day.clone()), 24 * 60);
    // After the last run it counts for a little more than an hour, a minutely check for five minutes.
    assert!((60..85).contains(&store.minutes("hourly", 29 * HOUR..40 * HOUR)));
    assert_eq!(store.minutes("minutely", HOUR..2 * HOUR), 4);
    // A look-back that is given is the one that counts.
    let given = QueryOptions { lookback_ms: Some(MINUTE), ..QueryOptions::default() };
    assert_eq!(store.at_with("hourly", HOUR + MINUTE, &given).len(), 0);
    assert_eq!(store.at_with("hourly", HOUR + MINUTE - 1, &given).len(), 1);
}

#[test]
fn a_counter_is_known_by_its_unit() {
    let counter = |n: i64| Metric { unit: "c".to_owned(), ..metric("in", Value::from(n as f64)) };
    let store = Store::of(&[
        ("net", run(0, vec![counter(1), metric("gauge", Value::from(1.0))])),
        ("net", run(10_000, vec![counter(2), metric("gauge", Value::from(2.0))])),
    ]);
    let infos = |query: &str| {
        let snapshot = store.reader.snapshot();
        let source = StoreSource::new(&snapshot);
        instant(query, &parse(query).unwrap(), &source, 10_000, &QueryOptions::default()).unwrap().infos.len()
    };
    assert_eq!(infos("rate(net{metric=\"in\"}[1m])"), 0);
    assert_eq!(infos("rate(net{metric=\"gauge\"}[1m])"), 1);
}

/// A store without its statistics.
struct Plain<'a>(StoreSource<'a>);

impl Source for Plain<'_> {
    fn select(&self, matchers: &[Matcher], from_ms: i64, to_ms: i64) -> Result<Vec<SourceSeries>> {
        self.0.select(matchers, from_ms, to_ms)
    }

    fn read(&self, series: &[&SourceSeries], from_ms: i64, to_ms: i64) -> Result<Vec<Samples>> {
        self.0.read(series, from_ms, to_ms)
    }
}

/// A metric that is always there, one that is `U` at times, one that comes and goes; runs that are missed or late.
fn changing(n: i64) -> Run {
    let time_ms = n * 10_000 + n * 7 % 13 + if n % 900 > 880 { 70_000 } else { 0 };
    if n % 700 == 50 {
        return Run { reason: Reason::Missed, ..run(time_ms, Vec::new()) };
    }
    let mut metrics = vec![metric("always", Value::from((n * 31 % 1000) as f64 - 300.0))];
    metrics.push(metric("u", (n % 500 >= 20).then(|| Value::from(n as f64 / 7.0))));
    if n % 800 > 30 {
        metrics.push(metric("partly", Value::from((n % 3) as f64)));
    }
    run(time_ms, metrics)
}

#[test]
fn statistics_tell_what_the_samples_do() {
    let mut runs: Vec<(&str, Run)> = (0..6000).map(|n| ("x", changing(n))).collect();
    runs.sort_by_key(|(_, run)| run.time_ms);
    let store = Store::of(&runs);
    let snapshot = store.reader.snapshot();
    let hours = |of: i64| of * HOUR;
    let mut read = 0;
    for function in ["sum", "avg", "min", "max", "count", "first", "last", "present"] {
        for (range_text, offset) in [("1h", ""), ("3h", ""), ("16h", " offset 7m"), ("100m", " @ 50000")] {
            let query = format!("{function}_over_time(x[{range_text}]{offset})");
            let expr = parse(&query).unwrap();
            for span in [(0, hours(18), HOUR), (hours(5), hours(5), HOUR), (777_777, hours(17), 5_000_000)] {
                let known = StoreSource::new(&snapshot);
                let plain = Plain(StoreSource::new(&snapshot));
                let by_statistics = range(&query, &expr, &known, span, &QueryOptions::default()).unwrap();
                let by_samples = range(&query, &expr, &plain, span, &QueryOptions::default()).unwrap();
                let (AnswerValue::Matrix(one), AnswerValue::Matrix(other)) =
                    (&by_statistics.value, &by_samples.value)
                else {
                    panic!("a range query has a range vector");
                };
                assert_eq!(one.len(), other.len(), "{query} {span:?}");
                assert!(by_samples.samples > 0);
                read += by_statistics.samples;
                for (one, other) in one.iter().zip(other) {
                    assert_eq!(one.labels, other.labels);
                    assert_eq!(one.points.len(), other.points.len(), "{query} {span:?}");
                    for (one, other) in one.points.iter().zip(&other.points) {
                        let near = (one.value - other.value).abs() <= 1e-9 * other.value.abs().max(1.0);
                        assert!(one.time_ms == other.time_ms && near, "{query} {span:?}: {one:?}, {other:?}");
                    }
                }
            }
        }
    }
    assert_eq!(read, 0, "samples were read in place of statistics");
}

#[test]
fn values_that_are_not_finite_are_values() {
    let infinity = f64::INFINITY;
    let words = [f64::NAN, infinity, -infinity, custos_promql::ENDED];
    let runs: Vec<(&str, Run)> = (0..6000)
        .map(|n| {
            let hour = n / 360;
            let is_special = n % 360 == 100;
            let one = match hour {
                _ if !is_special => n as f64,
                0 | 1 => infinity,
                2 => -infinity,
                _ => f64::NAN,
            };
            let all_nan = if hour == 3 { f64::NAN } else { one };
            let both = if n % 360 == 50 { infinity } else { -one };
            let large = if n % 2 == 0 { f64::MAX } else { -f64::MAX / 2.0 };
            let word = words[n as usize % 4];
            let metrics = [("one", one), ("nan", all_nan), ("both", both), ("large", large), ("word", word)];
            let metrics = metrics.map(|(label, value)| metric(label, Value::Float(value)));
            ("x", run(n * 10_000, metrics.into()))
        })
        .collect();
    let store = Store::of(&runs);
    let snapshot = store.reader.snapshot();
    for function in ["sum", "avg", "min", "max", "count", "first", "last"] {
        for window in ["1h", "3h", "10h", "17m"] {
            let query = format!("{function}_over_time(x[{window}])");
            let expr = parse(&query).unwrap();
            let [one, other] = [true, false].map(|by_statistics| {
                let source = StoreSource::new(&snapshot);
                let span = (HOUR, 16 * HOUR, HOUR);
                let answer = match by_statistics {
                    true => range(&query, &expr, &source, span, &QueryOptions::default()),
                    false => range(&query, &expr, &Plain(source), span, &QueryOptions::default()),
                };
                let AnswerValue::Matrix(series) = answer.unwrap().value else { panic!("no range vector") };
                series
            });
            for (one, other) in one.iter().zip(&other) {
                assert_eq!((&one.labels, one.points.len()), (&other.labels, other.points.len()));
                for (one, other) in one.points.iter().zip(&other.points) {
                    let (one, other) = (one.value, other.value);
                    let is_near = (one - other).abs() <= 1e-9 * other.abs();
                    let is_same = one == other || one.is_nan() && other.is_nan() || is_near;
                    assert!(is_same, "{query}: {one}, {other}");
                }
            }
        }
    }
    // What marks the end of a series elsewhere is a NaN like others here, and NaN ends no series.
    assert_eq!(store.at("x{metric=\"word\"}", 30_000), ["x{check=\"x\", metric=\"word\"} NaN"]);
    assert_eq!(
        store.at("count_over_time(x{metric=\"word\"}[1m])", MINUTE),
        ["{check=\"x\", metric=\"word\"} 6"]
    );
    assert_eq!(
        store.at("min_over_time(x{metric=\"nan\"}[1h])", 4 * HOUR - 10_000),
        ["{check=\"x\", metric=\"nan\"} NaN"]
    );
}

#[test]
fn runs_of_one_time_are_not_counted_twice_by_statistics() {
    let mut runs: Vec<(&str, Run)> =
        (0..2000).map(|n| ("x", run(n * 1000, vec![metric("a", Value::from(1.0))]))).collect();
    runs.insert(700, ("x", run(700_000, vec![metric("a", Value::from(1.0))])));
    let store = Store::of(&runs);
    assert_eq!(store.at("count_over_time(x[1h])", HOUR), ["{check=\"x\", metric=\"a\"} 1999"]);
    assert_eq!(store.at("sum_over_time(x[10m])", 1_000_000), ["{check=\"x\", metric=\"a\"} 600"]);
}

#[test]
fn what_conditions_select_is_known_once_their_checks_were_asked_for() {
    let runs: Vec<(&str, Run)> = (0..20)
        .map(|minute| ("load", run(minute * MINUTE, vec![metric("load1", Value::from(1.0))])))
        .collect();
    let store = Store::of(&runs);
    let snapshot = store.reader.snapshot();
    let source = StoreSource::new(&snapshot);
    let matchers = |text: &str| custos_promql::parse_selector(text).unwrap().matchers;
    let load = matchers("load");
    assert_eq!(source.known(&load, 1000), None);
    source.select(&load, 0, HOUR).unwrap();
    // The metric is one of seven series of the check, and has few samples.
    let known = source.known(&load, 1000).unwrap();
    assert_eq!((known.looked_through, known.samples), (7, 100));
    assert_eq!(source.known(&load, 6), None);
    let any = matchers("{check=~\".+\"}");
    assert_eq!(source.known(&any, 1000), None);
    assert_eq!(source.labels(&any, 0, HOUR).len(), 7);
    assert_eq!(source.known(&any, 1000).unwrap().samples, 700);
}

#[test]
fn a_series_with_a_name_of_its_own_is_found_by_it_whatever_its_check_is_called() {
    let named = |name: &str, of: &str, value: f64| {
        let labels = [("__name__", name), ("check", "a"), ("of", of)];
        let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        Metric { labels, ..metric("x", Value::from(value)) }
    };
    let store = Store::of(&[
        ("a", run(MINUTE, vec![metric("m", Value::from(1.0))])),
        ("rule", run(MINUTE, vec![named("level:a", "1", 2.0), metric("firing", Value::from(0.0))])),
        ("level:a", run(MINUTE, vec![metric("m", Value::from(3.0))])),
        ("other", run(MINUTE, vec![named("level:a", "2", 4.0), named("a", "3", 5.0)])),
    ]);
    let at = |query: &str| store.at(query, 2 * MINUTE);
    assert_eq!(
        at("level:a"),
        [
            "level:a{check=\"a\", of=\"1\"} 2",
            "level:a{check=\"a\", of=\"2\"} 4",
            "level:a{check=\"level:a\", metric=\"m\"} 3",
        ]
    );
    assert_eq!(at("a"), ["a{check=\"a\", metric=\"m\"} 1", "a{check=\"a\", of=\"3\"} 5"]);
    assert_eq!(at("rule"), ["rule{check=\"rule\", metric=\"firing\"} 0"]);
    // Conditions that say nothing of the name find what checks measure, and not what rules recorded from it.
    assert_eq!(at("{check=\"a\", metric!=\"\"}"), ["a{check=\"a\", metric=\"m\"} 1"]);
    assert!(at("{check=\"a\", of!=\"\"}").is_empty());
    assert_eq!(at("count({__name__!=\"\", check=\"a\", of!=\"\"})"), ["{} 3"]);
    assert_eq!(at("count({__name__=~\"level.*\"})"), ["{} 3"]);
}
