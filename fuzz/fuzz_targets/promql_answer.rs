//! Any query over any few series comes to an answer, or is refused, within its limits.
//!
//! The first byte says how many samples there are, two bytes each; the next ones are the step and the number of steps;
//! the rest is the query.
#![no_main]

use std::sync::atomic::{AtomicU32, Ordering};

use custos_promql::{
    AnswerValue, ENDED, ErrorKind, Labels, Matcher, Options, Result, Samples, Source, SourceSeries, instant,
    parse, range,
};
use libfuzzer_sys::fuzz_target;

/// Values that one part of a query may have.
const VALUES_MAX: usize = 100_000;
/// So often a query may ask whether to go on.
const LOOKS_MAX: u32 = 20_000;
const NAMES: [&str; 4] = ["a", "b_total", "c_bucket", "d"];
const ODD: [f64; 6] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, ENDED, 1e300, -0.0];

/// A few series of minutes.
struct Few(Vec<(Labels, Samples)>);

impl Few {
    fn new(bytes: &[u8]) -> Few {
        let mut all = Vec::new();
        for index in 0..8_u8 {
            let labels = [
                ("__name__", NAMES[usize::from(index) % NAMES.len()]),
                ("n", if index < 4 { "1" } else { "2" }),
                ("le", if index % 4 == 2 { ["0.5", "+Inf"][usize::from(index / 4)] } else { "" }),
            ];
            let (mut times, mut values) = (Vec::new(), Vec::new());
            for (at, pair) in bytes.chunks_exact(2).enumerate() {
                if pair[0] & 7 == index {
                    let odd = ODD.get(usize::from(pair[1]).wrapping_sub(250)).copied();
                    times.push(at as i64 * 15_000 + i64::from(pair[0] >> 3));
                    values.push(odd.unwrap_or(f64::from(pair[1]) - 64.0));
                }
            }
            let samples = Samples { times: times.into(), values: values.into(), integers: None };
            all.push((Labels::new(labels.into_iter().filter(|(_, value)| !value.is_empty())), samples));
        }
        Few(all)
    }
}

impl Source for Few {
    fn select(&self, matchers: &[Matcher], _: i64, _: i64) -> Result<Vec<SourceSeries>> {
        let fits =
            |labels: &Labels| matchers.iter().all(|matcher| matcher.matches(labels.get(matcher.name())));
        let selected = self.0.iter().enumerate().filter(|(_, (labels, _))| fits(labels));
        let series = selected.map(|(index, (labels, samples))| SourceSeries {
            labels: labels.clone(),
            id: index as u64,
            group: index as u64 / 2,
            distance_ms: 15_000,
            samples_max: samples.times.len() as u64,
            ..SourceSeries::default()
        });
        Ok(series.collect())
    }

    fn read(&self, series: &[&SourceSeries], from_ms: i64, to_ms: i64) -> Result<Vec<Samples>> {
        let read = |series: &&SourceSeries| {
            let (_, samples) = &self.0[series.id as usize];
            let pairs = samples.times.iter().zip(&samples.values);
            let (times, values): (Vec<i64>, Vec<f64>) =
                pairs.filter(|(time, _)| (from_ms..=to_ms).contains(time)).unzip();
            Samples { times: times.into(), values: values.into(), ..Samples::default() }
        };
        Ok(series.iter().map(read).collect())
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((count, rest)) = data.split_first() else { return };
    let Some((samples, rest)) = rest.split_at_checked(usize::from(*count) * 2) else { return };
    let [step, steps, query @ ..] = rest else { return };
    let Ok(query) = std::str::from_utf8(query) else { return };
    let Ok(expr) = parse(query) else { return };
    let source = Few::new(samples);
    let looks = AtomicU32::new(0);
    let interrupt = || (looks.fetch_add(1, Ordering::Relaxed) > LOOKS_MAX).then_some(ErrorKind::Timeout);
    let options = Options { values_max: VALUES_MAX, interrupt: &interrupt, ..Options::default() };
    let step_ms = (i64::from(*step) + 1) * 500;
    let end_ms = 60_000 + step_ms * i64::from(*steps);
    let _ = instant(query, &expr, &source, end_ms, &options);
    looks.store(0, Ordering::Relaxed);
    let Ok(answer) = range(query, &expr, &source, (60_000, end_ms, step_ms), &options) else { return };
    let AnswerValue::Matrix(series) = answer.value else { panic!("a range query has series") };
    for series in &series {
        assert!(!series.points.is_empty() && series.points.len() <= usize::from(*steps) + 1);
        assert!(series.points.is_sorted_by(|left, right| left.time_ms < right.time_ms));
    }
    assert!(series.is_sorted_by(|left, right| left.labels < right.labels));
});
