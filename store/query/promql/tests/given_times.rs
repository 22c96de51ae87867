//! An expression at times that are given comes to what it comes to at each of them.

#![expect(clippy::unwrap_used, reason = "a query that fails fails the test")]

use std::collections::BTreeMap;

use custos_promql::{
    AnswerValue, ENDED, Labels, Memory, Options, Selected, at, instant, is_ended, parse, sample_times,
};
use proptest::prelude::*;

/// Expressions that exercise what depends on the times of evaluation.
const QUERIES: &[&str] = &[
    "a",
    "a > 3",
    "a > bool 3",
    "3 < a",
    "a offset 30s",
    "a @ 200",
    "a @ end() > a",
    "a - a @ start()",
    "a and on(i) b > 2",
    "a or b",
    "a unless b > 4",
    "a * on(i) group_left() b",
    "sum by (i) (a)",
    "count(a) > 1",
    "topk(1, a)",
    "bottomk by (i) (1, a or b)",
    "limitk(1, a)",
    "count_values(\"v\", a)",
    "quantile(0.5, a)",
    "max_over_time(a[90s])",
    "min_over_time(a[2m] offset 10s)",
    "avg_over_time(a[70s]) > 2",
    "rate(a[2m])",
    "increase(a[2m])",
    "changes(a[2m])",
    "last_over_time(a[50s] @ 300)",
    "max_over_time((a > 2)[2m:15s])",
    "avg_over_time(rate(a[1m])[2m:])",
    "count_over_time(a[2m:7s] @ end())",
    "absent(a)",
    "absent_over_time(a[40s])",
    "time() - timestamp(a)",
    "minute() + a",
    "scalar(a) + 1",
    "vector(time())",
    "1 + time()",
    "label_replace(a, \"i\", \"x\", \"i\", \"1\")",
    "sort_desc(a)",
    "-a",
    "predict_linear(a[2m], 60)",
    "deriv(a[2m])",
    "stddev_over_time(a[2m])",
    "a + on() group_left() sum(b)",
    "a / on(i) b",
];

/// What an expression comes to at a time: values by labels, or that it fails.
type Result = std::result::Result<BTreeMap<Labels, f64>, ()>;

fn each_alone(query: &str, memory: &Memory, times: &[i64]) -> Vec<Result> {
    let (expr, options) = (parse(query).unwrap(), Options::default());
    let one = |time: &i64| {
        let answer = instant(query, &expr, memory, *time, &options).map_err(|_| ())?;
        Ok(match answer.value {
            AnswerValue::Vector(all) => {
                all.into_iter().map(|(labels, point)| (labels, point.value)).collect()
            }
            AnswerValue::Scalar(point) => BTreeMap::from([(Labels::default(), point.value)]),
            other => panic!("{other:?}"),
        })
    };
    times.iter().map(one).collect()
}

fn together(query: &str, memory: &Memory, times: &[i64]) -> Vec<Result> {
    let (expr, options) = (parse(query).unwrap(), Options::default());
    let mut all = Vec::new();
    let mut given = Vec::new();
    at(&expr, memory, times, &options, &mut |slab, rows| {
        given.extend_from_slice(slab);
        match rows {
            Err(_) => {
                assert_eq!(slab.len(), 1, "{query} fails at a time of its own");
                all.push(Err(()));
            }
            Ok(rows) => all.extend((0..slab.len()).map(|step| {
                let present = rows.iter().filter(|row| !is_ended(row.values[step]));
                Ok(present.map(|row| (row.labels.clone(), row.values[step])).collect())
            })),
        }
        true
    })
    .unwrap();
    assert_eq!(given, times, "{query}: each time once, in order");
    all
}

fn are_same(one: &Result, other: &Result) -> bool {
    match (one, other) {
        (Err(()), Err(())) => true,
        (Ok(one), Ok(other)) => {
            one.len() == other.len()
                && one.iter().zip(other).all(|((labels, value), (of, other))| {
                    let close = (value - other).abs() <= 1e-12 * value.abs().max(1e-3);
                    labels == of
                        && (value.to_bits() == other.to_bits() || close || value.is_nan() && other.is_nan())
                })
        }
        _ => false,
    }
}

/// A series of random samples, with ends and gaps.
fn series() -> impl Strategy<Value = Vec<(i64, f64)>> {
    let gap = prop_oneof![6 => 4_000_i64..16_000, 1 => 1_i64..400_000];
    let value = prop_oneof![8 => (0_i64..7).prop_map(|k| k as f64), 1 => Just(ENDED), 1 => Just(f64::NAN)];
    prop::collection::vec((gap, value), 0..40).prop_map(|steps| {
        let place = |at: &mut i64, (gap, value): (i64, f64)| {
            *at += gap;
            Some((*at, value))
        };
        steps.into_iter().scan(0, place).collect()
    })
}

fn memory(all: &[Vec<(i64, f64)>]) -> Memory {
    let mut memory = Memory::default();
    for (index, samples) in all.iter().enumerate() {
        let (name, number) = (if index % 2 == 0 { "a" } else { "b" }, (index / 2).to_string());
        let labels = Labels::new([("__name__", name), ("i", &number)]);
        samples.iter().for_each(|(time, value)| memory.insert(&labels, *time, *value));
    }
    memory
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]
    #[test]
    fn times_that_are_given_come_to_what_each_comes_to_alone(
        all in prop::collection::vec(series(), 0..5),
        gaps in prop::collection::vec(prop_oneof![4 => 1_i64..20_000, 1 => 20_000_i64..500_000], 1..30),
        of_samples in any::<bool>(),
    ) {
        let memory = memory(&all);
        let place = |at: &mut i64, gap: i64| { *at += gap; Some(*at) };
        let mut times: Vec<i64> = gaps.into_iter().scan(0, place).collect();
        if let (true, Some(samples)) = (of_samples, all.first().filter(|samples| !samples.is_empty())) {
            // Rules are judged when samples come.
            times = samples.iter().map(|(time, _)| *time).collect();
        }
        for query in QUERIES {
            let (alone, together) = (each_alone(query, &memory, &times), together(query, &memory, &times));
            for (step, (one, other)) in alone.iter().zip(&together).enumerate() {
                prop_assert!(are_same(one, other), "{query} at {}: {one:?}, {other:?}", times[step]);
            }
        }
    }

    #[test]
    fn times_of_samples_are_those_of_all_that_is_selected(
        all in prop::collection::vec(series(), 0..5),
        from in 0_i64..300_000,
        length in 0_i64..600_000,
    ) {
        let expr = parse("max_over_time(a[5m]) > on(i) b offset 1h").unwrap();
        let memory = memory(&all);
        let found = sample_times(&expr, &memory, from, from + length).unwrap();
        let selected = Selected::of([&expr], &memory, (from, from + length), false).unwrap();
        prop_assert!(selected.unobserved().is_empty());
        let mut expected: Vec<i64> = Vec::new();
        for samples in &all {
            let within = |time: &&(i64, f64)| (from..=from + length).contains(&time.0);
            // A series without a value in these times is not selected.
            if samples.iter().filter(within).any(|(_, value)| !is_ended(*value)) {
                expected.extend(samples.iter().filter(within).map(|(time, _)| *time));
            }
        }
        expected.sort_unstable();
        expected.dedup();
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn a_long_list_of_times_is_evaluated_in_parts_and_can_be_left() {
    let mut memory = Memory::default();
    let labels = Labels::new([("__name__", "a")]);
    (0..200).for_each(|k| memory.insert(&labels, k * 1000, k as f64));
    let times: Vec<i64> = (0..200_000).collect();
    let expr = parse("a > 100").unwrap();
    let (mut slabs, mut present) = (0, 0);
    at(&expr, &memory, &times, &Options::default(), &mut |slab, rows| {
        slabs += 1;
        assert!(slab.len() <= custos_promql::limits::SLAB_STEPS_MAX);
        present +=
            rows.unwrap().iter().flat_map(|row| &row.values).filter(|value| !is_ended(**value)).count();
        true
    })
    .unwrap();
    assert_eq!(present, 99_000);
    assert!(slabs >= 4, "{slabs}");
    let mut seen = 0;
    at(&expr, &memory, &times, &Options::default(), &mut |slab, _| {
        seen += slab.len();
        false
    })
    .unwrap();
    assert!(seen < times.len(), "{seen}");
    assert!(at(&parse("a[5m]").unwrap(), &memory, &times, &Options::default(), &mut |_, _| true).is_err());
}
