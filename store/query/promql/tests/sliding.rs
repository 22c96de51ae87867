//! Windows that slide over samples come to what each window comes to by itself.

#![expect(clippy::unwrap_used, reason = "a query that fails fails the test")]

use custos_promql::{
    AnswerValue, ENDED, Labels, Matcher, Options, Result, Samples, Source, SourceSeries, instant, is_ended,
    parse, range,
};
use proptest::prelude::*;

/// One series.
struct One(Samples);

impl Source for One {
    fn select(&self, _: &[Matcher], _: i64, _: i64) -> Result<Vec<SourceSeries>> {
        Ok(vec![SourceSeries { labels: Labels::new([("__name__", "m_total")]), ..SourceSeries::default() }])
    }

    fn read(&self, _: &[&SourceSeries], from_ms: i64, to_ms: i64) -> Result<Vec<Samples>> {
        let Samples { times, values, integers } = &self.0;
        let rows: Vec<usize> =
            (0..times.len()).filter(|row| (from_ms..=to_ms).contains(&times[*row])).collect();
        Ok(vec![Samples {
            times: rows.iter().map(|row| times[*row]).collect(),
            values: rows.iter().map(|row| values[*row]).collect(),
            integers: integers.as_ref().map(|all| rows.iter().map(|row| all[*row]).collect()),
        }])
    }
}

/// Functions whose windows are the same however they are put together, bit by bit.
const EXACT: [&str; 16] = [
    "count_over_time(m_total[R])",
    "min_over_time(m_total[R])",
    "max_over_time(m_total[R])",
    "ts_of_min_over_time(m_total[R])",
    "ts_of_max_over_time(m_total[R])",
    "first_over_time(m_total[R])",
    "last_over_time(m_total[R])",
    "quantile_over_time(0.3, m_total[R])",
    "mad_over_time(m_total[R])",
    "changes(m_total[R])",
    "resets(m_total[R])",
    "rate(m_total[R])",
    "increase(m_total[R])",
    "delta(m_total[R])",
    "irate(m_total[R])",
    "double_exponential_smoothing(m_total[R], 0.3, 0.6)",
];

/// Functions that sum up: within rounding, the same.
const ROUNDED: [&str; 6] = [
    "sum_over_time(m_total[R])",
    "avg_over_time(m_total[R])",
    "stddev_over_time(m_total[R])",
    "stdvar_over_time(m_total[R])",
    "predict_linear(m_total[R], 60)",
    "deriv(m_total[R])",
];

const STEP_MS: i64 = 20_000;
const STEPS: i64 = 60;

/// The value at each step, by one query over all of them, and by one for each.
fn both_ways(query: &str, source: &One) -> (Vec<f64>, Vec<f64>) {
    let (expr, options) = (parse(query).unwrap(), Options::default());
    let end_ms = STEP_MS * (STEPS - 1);
    let mut slid = vec![ENDED; STEPS as usize];
    let answer = range(query, &expr, source, (0, end_ms, STEP_MS), &options).unwrap();
    let AnswerValue::Matrix(all) = answer.value else { panic!("a matrix") };
    for point in all.iter().flat_map(|series| &series.points) {
        slid[(point.time_ms / STEP_MS) as usize] = point.value;
    }
    let alone = (0..STEPS).map(|step| {
        let answer = instant(query, &expr, source, step * STEP_MS, &options).unwrap();
        let AnswerValue::Vector(values) = answer.value else { panic!("a vector") };
        values.first().map_or(ENDED, |(_, point)| point.value)
    });
    (slid, alone.collect())
}

fn check(samples: Samples, range_s: i64) {
    let size = samples
        .values
        .iter()
        .filter(|value| value.is_finite())
        .fold(0.0, |most, value| value.abs().max(most));
    let source = One(samples);
    for query in EXACT {
        let (slid, alone) = both_ways(&query.replace('R', &format!("{range_s}s")), &source);
        let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<u64>>();
        assert_eq!(bits(&slid), bits(&alone), "{query} over {range_s} s");
    }
    for query in ROUNDED {
        let (slid, alone) = both_ways(&query.replace('R', &format!("{range_s}s")), &source);
        // A variance is as exact as its squares, a line as the values that it goes through.
        let of_size = if query.starts_with("stdvar") { size * size } else { size };
        for (slid, alone) in slid.iter().zip(&alone) {
            let same = slid.to_bits() == alone.to_bits()
                || (slid - alone).abs() <= 1e-12 * alone.abs()
                || (slid - alone).abs() <= 1e-13 * of_size
                || (slid.is_nan() && alone.is_nan() && is_ended(*slid) == is_ended(*alone));
            assert!(same, "{query} over {range_s} s: {slid} and {alone}");
        }
    }
}

/// Times that are mostly ten seconds apart, with these values.
fn samples(values: Vec<f64>, gaps: &[i64]) -> Samples {
    let mut time = -200_000;
    let times = (0..values.len()).map(|row| {
        time += gaps[row % gaps.len()];
        time
    });
    Samples { times: times.collect(), values: values.into(), integers: None }
}

fn values() -> impl Strategy<Value = Vec<f64>> {
    let odd = prop_oneof![
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
        Just(ENDED),
        Just(0.0),
        Just(-0.0),
        Just(f64::MAX),
        Just(1e200),
        -1e-300..1e300,
    ];
    prop_oneof![
        prop::collection::vec((-10_000_i64..10_000).prop_map(|k| k as f64 / 100.0), 0..200),
        prop::collection::vec((0_i64..3).prop_map(|k| k as f64), 0..200),
        prop::collection::vec((0_i64..9_000).prop_map(|k| 4e11 + k as f64), 0..200),
        prop::collection::vec(-1e3..1e3, 0..200),
        prop::collection::vec(prop_oneof![30 => -5.0..5.0, 1 => odd], 0..200),
        // A counter that begins anew now and then.
        prop::collection::vec(prop_oneof![20 => 0.0..50.0, 1 => Just(-1.0)], 0..200).prop_map(|steps| {
            steps
                .iter()
                .scan(1e6, |at, step| {
                    *at = if *step < 0.0 { 0.0 } else { *at + step };
                    Some(*at)
                })
                .collect()
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn windows_that_slide_come_to_what_each_comes_to_alone(
        values in values(),
        gaps in prop::collection::vec(prop_oneof![6 => 9_000_i64..11_000, 1 => 1_i64..400_000], 1..20),
        range_s in prop_oneof![1_i64..60, 60_i64..2_000],
    ) {
        check(samples(values, &gaps), range_s);
    }

    #[test]
    fn integers_beyond_floats_lose_nothing(
        steps in prop::collection::vec(prop_oneof![9 => 0_i64..9, 1 => Just(-1)], 0..200),
        range_s in 10_i64..2_000,
    ) {
        let start = (1_i64 << 60) + 1;
        let integers: Vec<i64> = steps
            .iter()
            .scan(start, |at, step| { *at = if *step < 0 { start } else { *at + step }; Some(*at) })
            .collect();
        let values = integers.iter().map(|integer| *integer as f64).collect();
        check(Samples { integers: Some(integers.into()), ..samples(values, &[10_000]) }, range_s);
    }
}
