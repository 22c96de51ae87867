//! Classic histograms: series whose label `le` is the upper bound of a bucket.

use std::collections::HashMap;

use super::args::Args;
use super::value::{Row, Value};
use crate::error::Result;
use crate::labels::Labels;
use crate::number::{short_number, two_digits};
use crate::source::ENDED;

/// The label of a bucket's upper bound.
const BOUND: &str = "le";

/// Counts whose difference is less than this, relative to them, are taken as equal.
const TOLERANCE: f64 = 1e-12;

/// A bucket: its upper bound, and how many observations are at most that.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    bound: f64,
    count: f64,
}

/// The rows of one histogram, with the bound of each.
struct Histogram {
    labels: Labels,
    drops_name: bool,
    buckets: Vec<(f64, Row)>,
}

impl Histogram {
    /// The buckets at a step, by bound, those of one bound added up. None if there are none.
    fn at(&self, step: usize) -> Option<Vec<Bucket>> {
        let present = self
            .buckets
            .iter()
            .filter_map(|(bound, row)| Some(Bucket { bound: *bound, count: row.get(step)? }));
        let mut buckets: Vec<Bucket> = present.collect();
        buckets.sort_by(|left, right| left.bound.total_cmp(&right.bound));
        buckets.dedup_by(|next, kept| {
            let same = next.bound == kept.bound;
            if same {
                kept.count += next.count;
            }
            same
        });
        (!buckets.is_empty()).then_some(buckets)
    }
}

/// The histograms of a vector. Series without a bound that is a number are told of and left out.
fn histograms(args: &Args<'_, '_>, vector: usize) -> Result<Vec<Histogram>> {
    let span = args.expr(vector)?.span();
    let mut found: Vec<Histogram> = Vec::new();
    let mut by_labels: HashMap<Labels, usize> = HashMap::new();
    for row in args.vector(vector)? {
        let text = row.labels.get(BOUND);
        let Some(bound) = bound(text) else {
            let name = row.labels.metric_name();
            let of = if name.is_empty() { String::new() } else { format!(" for metric name {name:?}") };
            let message =
                format!("bucket label {BOUND:?} is missing or has a malformed value of {text:?}{of}");
            args.evaluator.annotations.warn(span, message);
            continue;
        };
        let labels = row.labels.with(BOUND, "");
        let index = *by_labels.entry(labels.clone()).or_insert_with(|| {
            found.push(Histogram { labels, drops_name: row.drops_name, buckets: Vec::new() });
            found.len() - 1
        });
        found[index].buckets.push((bound, row));
    }
    Ok(found)
}

/// The bound that a label says.
fn bound(text: &str) -> Option<f64> {
    match text {
        "+Inf" | "Inf" | "inf" | "+inf" => Some(f64::INFINITY),
        _ => text.parse().ok().filter(|bound: &f64| !bound.is_nan()),
    }
}

/// Quantiles of each histogram of an argument; which quantiles, other arguments say. With more than one, the label has
/// which it is.
pub(super) fn quantiles(
    args: &Args<'_, '_>,
    vector: usize,
    quantiles: &[usize],
    label: Option<&str>,
) -> Result<Value> {
    let mut wanted = Vec::new();
    for index in quantiles {
        let values = args.scalar(*index)?;
        if let Some(wrong) = values.iter().find(|q| !(0.0..=1.0).contains(*q)) {
            args.evaluator.warn_of_quantile(*wrong, args.expr(*index)?);
        }
        wanted.push(values);
    }
    let histograms = histograms(args, vector)?;
    let mut rows = Vec::new();
    for values in &wanted {
        for histogram in &histograms {
            rows.push(quantile_row(args, vector, histogram, values, label)?);
        }
    }
    Ok(Value::Vector(rows))
}

fn quantile_row(
    args: &Args<'_, '_>,
    vector: usize,
    histogram: &Histogram,
    quantiles: &[f64],
    label: Option<&str>,
) -> Result<Row> {
    let mut row = Row::empty(histogram.labels.clone(), args.grid.count);
    row.drops_name = true;
    let mut forced: Option<Forced> = None;
    for (step, (slot, q)) in row.values.iter_mut().zip(quantiles).enumerate() {
        let Some(buckets) = histogram.at(step) else { continue };
        let (value, fixed) = bucket_quantile(*q, buckets);
        *slot = value;
        if let Some(fixed) = fixed {
            let all = forced.get_or_insert(Forced { first: step, last: step, times: 0, ..fixed });
            all.merge(fixed, step);
        }
    }
    if let Some(forced) = forced {
        let span = args.expr(vector)?.span();
        args.evaluator.annotations.inform(span, forced.text(histogram.labels.metric_name(), args));
    }
    if let Some(label) = label {
        row.labels =
            row.labels.with(label, &open_metrics_float(quantiles.first().copied().unwrap_or(f64::NAN)));
        row.drops_name |= histogram.drops_name;
    }
    Ok(row)
}

/// A number as OpenMetrics writes it: with a point or an exponent.
fn open_metrics_float(value: f64) -> String {
    let text = short_number(value);
    if text.contains(['.', 'e', 'N', 'I']) { text } else { format!("{text}.0") }
}

/// Where counts of buckets went down and were taken as not doing so.
#[derive(Clone, Copy, Debug)]
struct Forced {
    least_bound: f64,
    greatest_bound: f64,
    difference: f64,
    first: usize,
    last: usize,
    times: usize,
}

impl Forced {
    fn merge(&mut self, other: Forced, step: usize) {
        self.least_bound = self.least_bound.min(other.least_bound);
        self.greatest_bound = self.greatest_bound.max(other.greatest_bound);
        self.difference = self.difference.max(other.difference);
        self.last = step;
        self.times += 1;
    }

    fn text(&self, name: &str, args: &Args<'_, '_>) -> String {
        let of = if name.is_empty() { String::new() } else { format!(" for metric name {name:?}") };
        let time = |step: usize| super::date::rfc3339(args.grid.time(step));
        format!(
            "input to histogram_quantile needed to be fixed for monotonicity (see https://prometheus.io/docs/prometheus/\
             latest/querying/functions/#histogram_quantile){of}, from buckets {} to {}, with a max diff of {}, over {} \
             samples from {} to {}",
            short_number(self.least_bound),
            short_number(self.greatest_bound),
            two_digits(self.difference),
            self.times,
            time(self.first),
            time(self.last),
        )
    }
}

/// The quantile of buckets, interpolated within the one that it is in; and what had to be put right first.
fn bucket_quantile(q: f64, mut buckets: Vec<Bucket>) -> (f64, Option<Forced>) {
    match () {
        () if q.is_nan() => return (f64::NAN, None),
        () if q < 0.0 => return (f64::NEG_INFINITY, None),
        () if q > 1.0 => return (f64::INFINITY, None),
        () if buckets[buckets.len() - 1].bound != f64::INFINITY => return (f64::NAN, None),
        () => {}
    }
    let forced = make_monotonic(&mut buckets);
    let last = buckets.len() - 1;
    let observations = buckets[last].count;
    if last == 0 || observations == 0.0 {
        return (f64::NAN, forced);
    }
    let rank = q * observations;
    let at = buckets[..last].iter().position(|bucket| bucket.count >= rank).unwrap_or(last);
    let value = match at {
        _ if at == last => buckets[last - 1].bound,
        0 if buckets[0].bound <= 0.0 => buckets[0].bound,
        0 => buckets[0].bound * (rank / buckets[0].count),
        _ => {
            let (below, bucket) = (buckets[at - 1], buckets[at]);
            below.bound + (bucket.bound - below.bound) * ((rank - below.count) / (bucket.count - below.count))
        }
    };
    (value, forced)
}

/// Makes counts never less than those of smaller buckets. Differences that rounding explains go without a word.
fn make_monotonic(buckets: &mut [Bucket]) -> Option<Forced> {
    let mut forced: Option<Forced> = None;
    let mut before = buckets[0].count;
    for bucket in &mut buckets[1..] {
        let count = bucket.count;
        if count == before || nearly_equal(before, count) {
            bucket.count = before;
        } else if count < before {
            bucket.count = before;
            let this = Forced {
                least_bound: bucket.bound,
                greatest_bound: bucket.bound,
                difference: before - count,
                first: 0,
                last: 0,
                times: 0,
            };
            forced.get_or_insert(this).merge(this, 0);
        } else {
            before = count;
        }
    }
    forced
}

fn nearly_equal(one: f64, other: f64) -> bool {
    let size = one.abs() + other.abs();
    let difference = (one - other).abs();
    one == other || difference / size.min(f64::MAX) < TOLERANCE
}

/// The share of observations between two values.
pub(super) fn fraction(args: &Args<'_, '_>) -> Result<Value> {
    let (lower, upper) = (args.scalar(0)?, args.scalar(1)?);
    let mut rows = Vec::new();
    for histogram in histograms(args, 2)? {
        let mut row = Row::empty(histogram.labels.clone(), args.grid.count);
        row.drops_name = true;
        for (step, slot) in row.values.iter_mut().enumerate() {
            *slot = histogram
                .at(step)
                .map_or(ENDED, |buckets| bucket_fraction(lower[step], upper[step], &buckets));
        }
        rows.push(row);
    }
    Ok(Value::Vector(rows))
}

fn bucket_fraction(lower: f64, upper: f64, buckets: &[Bucket]) -> f64 {
    let all = buckets[buckets.len() - 1];
    if all.bound != f64::INFINITY || all.count == 0.0 || lower.is_nan() || upper.is_nan() {
        return f64::NAN;
    }
    if lower >= upper {
        return 0.0;
    }
    (rank(upper, buckets) - rank(lower, buckets)) / all.count
}

/// How many observations are below a value, as far as buckets tell.
fn rank(value: f64, buckets: &[Bucket]) -> f64 {
    // Buckets that are all positive begin at zero.
    let mut low = Bucket { bound: if buckets[0].bound <= 0.0 { f64::NEG_INFINITY } else { 0.0 }, count: 0.0 };
    for bucket in buckets {
        if low.bound >= value {
            return low.count;
        }
        if bucket.bound > value {
            if low.bound == f64::NEG_INFINITY {
                return bucket.count;
            }
            return low.count + (bucket.count - low.count) * (value - low.bound) / (bucket.bound - low.bound);
        }
        low = *bucket;
    }
    low.count
}
