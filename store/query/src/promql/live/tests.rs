use std::fmt;
use std::sync::Arc;

use custos_promql::{AnswerValue, Expr, Options as QueryOptions, Source, instant, parse};
use custos_store::{Metric, Options, Reader, Reason, Run, State, Value, Writer};
use proptest::prelude::*;

use super::{LiveSource, Selections};
use crate::promql::StoreSource;

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const BEGIN: i64 = 1_700_000_000_000;

/// What rules ask.
const QUERIES: [&str; 29] = [
    "a",
    "a{metric=\"m1\"}",
    "{metric=\"m2\"}",
    "{check=\"b\"}",
    "sum(a)",
    "absent(a)",
    "{__name__=~\".+\"}",
    "avg_over_time(a[10m])",
    "sum_over_time({metric=\"m2\"}[2h])",
    "avg_over_time(a[2h])",
    "min_over_time(a{metric=\"m1\"}[100m])",
    "count_over_time(b[90m])",
    "rate(b{metric=\"m1\"}[30m])",
    "delta(a[15m])",
    "changes(a[1h])",
    "check_state",
    "check_lateness_seconds",
    "max_over_time(check_duration_seconds{check=\"a\"}[1h])",
    "last_over_time(c[3h])",
    "c",
    "c offset 20m",
    "a offset 70m",
    "avg_over_time(a[20m] offset 1h)",
    "rec:a",
    "sum_over_time(rec:a[1h])",
    "{of=\"1\"}",
    "{__name__!=\"\", of=\"1\"}",
    "{check=\"\", __name__=~\"rec.*\"}",
    "max_over_time(sum(a)[30m:1m])",
];

/// A run of a check, so long after the one before (ms).
#[derive(Clone)]
struct Step {
    check: usize,
    later_ms: i64,
    run: Run,
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Step { check, later_ms, run: Run { reason, partial, metrics, .. } } = self;
        let values: Vec<String> =
            metrics.iter().map(|metric| format!("{}={:?}", metric.label, metric.value)).collect();
        write!(f, "{check} +{later_ms} {reason:?} {partial} {values:?}")
    }
}

/// A run with what can be strange about one.
fn step() -> impl Strategy<Value = Step> {
    let value = prop_oneof![
        6 => (-1000..1000_i64).prop_map(|value| Some(Value::from(value as f64 / 8.0))),
        1 => Just(None),
        1 => (0..1000_i64).prop_map(|more| Some(Value::from((1_i64 << 60) + 1 + more))),
        1 => Just(Some(Value::from(f64::NAN))),
    ];
    let metrics = proptest::collection::vec(proptest::option::weighted(0.85, value), 4);
    let reason = prop_oneof![
        12 => Just(Reason::Exited),
        1 => Just(Reason::Missed),
        1 => Just(Reason::Skipped),
        1 => Just(Reason::NotFinished),
        1 => Just(Reason::Timeout),
    ];
    // Mostly a while later, at times at once, at times back.
    let step =
        prop_oneof![12 => SECOND..30 * SECOND, 1 => Just(0), 1 => -40 * SECOND..0, 1 => MINUTE..12 * MINUTE];
    let check = prop_oneof![6 => Just(0_usize), 6 => Just(1), 1 => Just(2), 3 => Just(3)];
    (check, step, metrics, reason, proptest::bool::weighted(0.1), proptest::option::of(0..9_000_000_u64))
        .prop_map(|(check, step, values, reason, partial, lateness_us)| {
            let mut run = Run { reason, partial, lateness_us, state: State::Warning, ..Run::default() };
            run.duration_us = lateness_us.unwrap_or(5);
            let named =
                values.into_iter().enumerate().filter_map(|(at, value)| value.map(|value| (at, value)));
            if !reason.is_unobserved() {
                run.metrics = named.map(|(at, value)| metric(check, at, value)).collect();
            }
            Step { check, later_ms: step, run }
        })
}

/// Check 3 is a rule, whose series have a name of their own.
fn metric(check: usize, at: usize, value: Option<Value>) -> Metric {
    let mut metric = Metric::new(format!("m{at}"), value);
    if check == 3 {
        metric.labels = vec![("__name__".to_owned(), "rec:a".to_owned()), ("of".to_owned(), format!("{at}"))];
    } else if at == 3 {
        metric.labels = vec![("disk".to_owned(), "/".to_owned())];
    }
    metric
}

/// The answer, with values as texts that are equal where they mean the same.
fn answer(source: &dyn Source, query: &str, parsed: &Expr, at_ms: i64) -> Vec<String> {
    let text = |value: f64| if value.is_finite() { format!("{value:.9e}") } else { value.to_string() };
    match instant(query, parsed, source, at_ms, &QueryOptions::default()).map(|answer| answer.value) {
        Ok(AnswerValue::Vector(values)) => {
            values.iter().map(|(labels, point)| format!("{labels} {}", text(point.value))).collect()
        }
        other => vec![format!("{other:?}")],
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, max_shrink_iters: 0, ..ProptestConfig::default() })]

    #[test]
    fn memory_and_store_say_what_the_store_alone_would_say(
        runs in proptest::collection::vec(step(), 40..200),
        before in 0.0..1.0,
        looks in proptest::collection::vec((0.0..1.0, 0..20 * MINUTE), 3),
    ) {
        let directory = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(directory.path(), Options::default()).unwrap();
        let path = directory.path().to_owned();
        let live = LiveSource::new(Box::new(move || Some(Reader::open(&path).unwrap().snapshot())));
        let names: [Arc<str>; 4] = ["a", "b", "c", "rule"].map(Arc::from);
        let selections = QUERIES.map(|_| Selections::default());
        let parsed = QUERIES.map(|query| parse(query).unwrap());
        let share = |share: f64| (runs.len() as f64 * share) as usize;
        let (before, mut time_ms) = (share(before), BEGIN);
        let looks: Vec<(usize, i64)> = looks.into_iter().map(|(at, later)| (share(at), later)).collect();
        for (index, Step { check, later_ms, run }) in runs.iter().enumerate() {
            time_ms += later_ms;
            let run = Arc::new(Run { time_ms, ..run.clone() });
            writer.append(&[(&*names[*check], &*run)]).unwrap();
            if index == before / 2 {
                writer.compact().unwrap();
            }
            if index < before {
                continue;
            }
            live.record(&names[*check], &run);
            for (_, later_ms) in looks.iter().filter(|(at, _)| *at <= index && (index - at) % 60 == 0) {
                let at_ms = time_ms + later_ms % (3 * MINUTE);
                live.as_of(at_ms);
                let snapshot = Reader::open(directory.path()).unwrap().snapshot();
                let store = StoreSource::for_rules(&snapshot);
                for ((query, selections), parsed) in QUERIES.iter().zip(&selections).zip(&parsed) {
                    let expected = answer(&store, query, parsed, at_ms);
                    let remembering = live.for_expression(selections);
                    let found = answer(&remembering, query, parsed, at_ms);
                    prop_assert_eq!(found, expected, "{} at {}", query, at_ms - BEGIN);
                }
            }
        }
    }
}

/// The same of a query that was not asked before.
fn ask(source: &dyn Source, query: &str, at_ms: i64) -> Vec<String> {
    answer(source, query, &parse(query).unwrap(), at_ms)
}

/// Runs of a check every ten seconds, with one metric that counts them.
fn counting(check: &Arc<str>, count: i64) -> Vec<(Arc<str>, Arc<Run>)> {
    let run = |index: i64| Run {
        time_ms: BEGIN + index * 10 * SECOND,
        metrics: vec![Metric::new("m", Value::from(index as f64))],
        ..Run::default()
    };
    (0..count).map(|index| (Arc::clone(check), Arc::new(run(index)))).collect()
}

#[test]
fn without_a_store_memory_answers_as_far_as_it_reaches() {
    let live = LiveSource::new(Box::new(|| None));
    let check: Arc<str> = Arc::from("a");
    let runs = counting(&check, 1000);
    assert_eq!(ask(&live, "a", BEGIN), Vec::<String>::new());
    for (check, run) in &runs {
        live.record(check, run);
    }
    let end_ms = BEGIN + 9990 * SECOND;
    assert_eq!(ask(&live, "a", end_ms), ["a{check=\"a\", metric=\"m\"} 9.990000000e2"]);
    assert_eq!(ask(&live, "count_over_time(a[5m])", end_ms), ["{check=\"a\", metric=\"m\"} 3.000000000e1"]);
    // Of the rest, only what was asked about is kept.
    assert!(live.size().0 < 1000 * 7);
}

#[test]
fn what_a_rule_came_to_is_there_at_once_and_stays_when_it_is_recorded() {
    let live = LiveSource::new(Box::new(|| None));
    let check: Arc<str> = Arc::from("rule");
    let run = Arc::new(Run {
        time_ms: BEGIN,
        metrics: vec![metric(3, 0, Some(Value::from(5.0)))],
        ..Run::default()
    });
    assert_eq!(ask(&live, "rec:a", BEGIN), Vec::<String>::new());
    live.judged(&check, &run);
    assert_eq!(ask(&live, "rec:a", BEGIN), ["rec:a{of=\"0\"} 5.000000000e0"]);
    assert_eq!(ask(&live, "check_state", BEGIN), Vec::<String>::new());
    live.record(&check, &run);
    assert_eq!(ask(&live, "rec:a", BEGIN), ["rec:a{of=\"0\"} 5.000000000e0"]);
    assert_eq!(ask(&live, "check_state", BEGIN), ["check_state{check=\"rule\"} 0.000000000e0"]);
    let gone = Run { time_ms: BEGIN + SECOND, ..Run::default() };
    live.judged(&check, &gone);
    assert_eq!(ask(&live, "rec:a", BEGIN + SECOND), Vec::<String>::new());
    assert_eq!(ask(&live, "count_over_time(rec:a[1h])", BEGIN + HOUR / 2), ["{of=\"0\"} 1.000000000e0"]);
}

#[test]
fn a_run_that_another_of_its_millisecond_replaces_takes_no_integer_away() {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(directory.path(), Options::default()).unwrap();
    let live = LiveSource::new(Box::new(|| None));
    let check: Arc<str> = Arc::from("a");
    let values = [
        (0, Value::Integer(1 << 60)),
        (1, Value::from(0.5)),
        (1, Value::Integer((1 << 60) + 1)),
        (2, Value::Integer((1 << 60) + 4)),
    ];
    for (seconds, value) in values {
        let metrics = vec![Metric::new("m", value)];
        let run = Arc::new(Run { time_ms: BEGIN + seconds * SECOND, metrics, ..Run::default() });
        writer.append(&[(&*check, &*run)]).unwrap();
        live.record(&check, &run);
    }
    let snapshot = Reader::open(directory.path()).unwrap().snapshot();
    let store = StoreSource::for_rules(&snapshot);
    // Floats would say 0.
    for source in [&store as &dyn Source, &live] {
        assert_eq!(
            ask(source, "idelta(a[5s])", BEGIN + 2 * SECOND),
            ["{check=\"a\", metric=\"m\"} 3.000000000e0"]
        );
    }
}

#[test]
fn what_is_normal_is_the_same_live_and_over_the_past() {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(directory.path(), Options::default()).unwrap();
    let reader = Reader::open(directory.path()).unwrap();
    let dir = directory.path().to_owned();
    let live = LiveSource::new(Box::new(move || Some(Reader::open(&dir).ok()?.snapshot())));
    let check: Arc<str> = Arc::from("a");
    drop(reader);
    let mut asked = Vec::new();
    // From midnight on, for nine days; busy from eight to ten. The third day is an incident.
    let midnight = BEGIN - BEGIN.rem_euclid(24 * HOUR);
    for slot in 0..9 * 288 {
        let time_ms = midnight + slot * 300 * SECOND;
        let (day, hour) = (slot / 288, slot % 288 / 12);
        let level = if (8..10).contains(&hour) { 50.0 } else { 10.0 } + if day == 2 { 500.0 } else { 0.0 };
        let metrics = vec![
            Metric::new("m", Value::from(level + (slot * 7919 % 1009) as f64 / 1009.0)),
            Metric { unit: "c".to_owned(), ..Metric::new("n", Value::Integer(slot * 600)) },
        ];
        let run = Arc::new(Run { time_ms, metrics, ..Run::default() });
        writer.append(&[(&*check, &*run)]).unwrap();
        live.record(&check, &run);
        live.as_of(time_ms);
        if slot % 97 == 0 {
            let expressions = [
                "custos_normal_low(a{metric=\"m\"})",
                "custos_normal_high(a)",
                "custos_normal_middle(a offset 1h)",
                "a > custos_normal_high(a)",
            ];
            for expression in expressions {
                asked.push((expression, time_ms, ask(&live, expression, time_ms)));
            }
        }
    }
    writer.close().unwrap();
    let snapshot = Reader::open(directory.path()).unwrap().snapshot();
    let store = StoreSource::for_rules(&snapshot);
    for (expression, time_ms, answer) in &asked {
        assert_eq!(&ask(&store, expression, *time_ms), answer, "{expression} at {time_ms}");
    }
    let at = |day: i64, hour: i64| midnight + (day * 24 + hour) * HOUR + HOUR / 2;
    assert_eq!(ask(&store, "custos_normal_low(a)", at(3, 12)), Vec::<String>::new());
    let value = |expression: &str, at_ms: i64| -> f64 {
        ask(&store, expression, at_ms)[0].rsplit_once(' ').unwrap().1.parse().unwrap()
    };
    let high = |metric: &str, at_ms| value(&format!("custos_normal_high(a{{metric={metric:?}}})"), at_ms);
    assert!((10.0..11.0).contains(&high("m", at(8, 12))) && (50.0..51.0).contains(&high("m", at(8, 8))));
    assert_eq!(high("n", at(8, 12)), 2.0);
    let error = custos_promql::parse("custos_normal_low(rate(a[5m]))").unwrap_err();
    assert!(error.to_string().contains("takes a plain selector"), "{error}");
}
