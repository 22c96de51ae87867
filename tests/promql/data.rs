//! Samples that both engines are given.
//!
//! No sample lies on an eighth of a second, and everything that queries say of time does (`grammar.rs`), so that it does not
//! matter whether a range includes its beginning: in 2.42 it does, in 3.x it does not. Values are whole or dyadic, so that
//! sums are exact in any order.

use crate::stage::Random;

/// The first sample is near this time (s).
pub(crate) const START: i64 = 1_700_000_000;
/// The last one is near this time (s).
pub(crate) const END: i64 = START + 5_400;

/// A series.
pub(crate) struct Series {
    pub(crate) name: &'static str,
    pub(crate) labels: Vec<(&'static str, String)>,
    /// Times (ms) and values.
    pub(crate) samples: Vec<(i64, f64)>,
}

impl Series {
    pub(crate) fn new(name: &'static str, labels: &[(&'static str, &str)]) -> Series {
        let labels = labels.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Series { name, labels, samples: Vec::new() }
    }

    /// Adds a sample at a time that both engines read alike: the importer of Prometheus cuts what floats leave of a
    /// millisecond.
    pub(crate) fn push(&mut self, time_ms: i64, value: f64) {
        let is_usable = |ms: i64| (ms as f64 / 1e3 * 1e3) as i64 == ms && ms % 125 != 0;
        let time_ms = (time_ms..).find(|ms| is_usable(*ms)).unwrap();
        if self.samples.last().is_none_or(|(last, _)| *last < time_ms) {
            self.samples.push((time_ms, value));
        }
    }
}

/// Gauges, counters with resets, a classic histogram, gaps, and values that are not finite.
pub(crate) fn mixed(seed: u64) -> Vec<Series> {
    let mut random = Random(seed);
    let mut series = Vec::new();
    for (index, (job, instance)) in instances().into_iter().enumerate() {
        let labels = [("job", job), ("instance", instance)];
        for (name, groups) in [("temp", &["", "a"][..]), ("size", &["b"]), ("load", &["a"])] {
            for group in groups {
                let labels = [labels[0], labels[1], ("group", *group)];
                let labels = &labels[..if group.is_empty() { 2 } else { 3 }];
                let mut one = Series::new(name, labels);
                gauge(&mut one, &mut random, if name == "size" { 1_048_576.0 } else { 0.125 });
                series.push(one);
            }
        }
        for code in ["200", "404", "500"] {
            let mut one = Series::new("requests_total", &[labels[0], labels[1], ("code", code)]);
            counter(&mut one, &mut random, index % 2 == 0);
            series.push(one);
        }
        buckets(&mut series, &mut random, labels);
        let mut up = Series::new("up", &labels);
        regular(&mut up, |n| f64::from(n % 40 > 4 || index != 2));
        series.push(up);
    }
    let mut young = Series::new("young_total", &[("job", "api")]);
    regular(&mut young, |n| 1.0 + 4.0 * f64::from(n));
    series.push(young);
    for (kind, values) in [
        ("mixed", [1.0, f64::NAN, 2.0, f64::INFINITY, -1.0, f64::NEG_INFINITY]),
        ("some", [1.0, 0.0, f64::NAN, -2.5, 4.0, 0.0]),
        ("large", [1.5e100, -1e100, 1e-100, 2.0, 1e16, 1.0]),
    ] {
        let mut odd = Series::new("odd", &[("kind", kind)]);
        regular(&mut odd, |n| values[(n / 3) as usize % values.len()]);
        series.push(odd);
    }
    series
}

fn instances() -> Vec<(&'static str, &'static str)> {
    vec![("api", "a:80"), ("api", "b:80"), ("db", "a:81"), ("web", "c:82")]
}

/// A walk on a grid, every 15 s or so, with gaps of minutes.
fn gauge(series: &mut Series, random: &mut Random, unit: f64) {
    let mut value = random.below(200) as f64 - 100.0;
    let mut time_ms = START * 1_000 + random.below(15_000) as i64;
    while time_ms < END * 1_000 {
        series.push(time_ms, value * unit);
        value += random.below(21) as f64 - 10.0;
        time_ms += 11_000 + random.below(8_000) as i64;
        if random.below(90) == 0 {
            time_ms += 60_000 + random.below(900_000) as i64;
        }
    }
}

/// A counter, every 15 s or so. It is always so large that zero lies far before each range: how 2.42 and 3.x
/// extrapolate to zero differs where it is near.
fn counter(series: &mut Series, random: &mut Random, resets: bool) {
    let mut life = 9.0;
    let mut value = life * 1e6;
    let mut time_ms = START * 1_000 + random.below(15_000) as i64;
    while time_ms < END * 1_000 {
        series.push(time_ms, value);
        value += random.below(100) as f64;
        time_ms += 13_000 + random.below(4_000) as i64;
        if resets && life > 2.0 && random.below(60) == 0 {
            life -= 1.0;
            value = life * 1e6;
        }
        if random.below(150) == 0 {
            time_ms += 60_000 + random.below(600_000) as i64;
        }
    }
}

/// A classic histogram, with a bucket or two that say no more than the one before.
fn buckets(series: &mut Vec<Series>, random: &mut Random, labels: [(&'static str, &'static str); 2]) {
    let bounds = ["0.125", "0.25", "0.5", "1", "2.5", "+Inf"];
    let mut of_bound: Vec<Series> = bounds
        .iter()
        .map(|bound| Series::new("latency_bucket", &[labels[0], labels[1], ("le", *bound)]))
        .collect();
    let mut sum = Series::new("latency_sum", &labels);
    let mut count = Series::new("latency_count", &labels);
    let mut counts = [1_000_000.0; 6];
    let mut total = 0.0;
    for n in 0..(END - START) / 15 {
        let time_ms = (START + n * 15) * 1_000 + 2_317;
        let mut more = 0.0;
        for (index, bucket) in counts.iter_mut().enumerate() {
            more += if index == 3 { 0.0 } else { random.below(12) as f64 };
            *bucket += more;
        }
        total += more * 0.375;
        for (one, count) in of_bound.iter_mut().zip(counts) {
            one.push(time_ms, count);
        }
        sum.push(time_ms, 1e6 + total);
        count.push(time_ms, counts[5]);
    }
    series.append(&mut of_bound);
    series.push(sum);
    series.push(count);
}

/// A value every 15 s.
pub(crate) fn regular(series: &mut Series, value: impl Fn(u32) -> f64) {
    for n in 0..(END - START) / 15 {
        series.push((START + n * 15) * 1_000 + 4_203, value(n as u32));
    }
}
