//! Series of the store and of a receiver, to be compared.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::ops::Range;
use std::path::Path;
use std::process::Command;

use custos_query::{OutboundSample, OutboundSeries, outbound_series, walk_outbound};
use custos_store::Reader;

use crate::stage::text;

/// Labels of a series.
pub(crate) type Labels = BTreeMap<String, String>;
/// The times at which a series has values, in ms since the epoch.
pub(crate) type Times = BTreeMap<Labels, Vec<i64>>;

/// What the store has up to a time (included), as it leaves a host.
pub(crate) fn stored(store: &Path, host: &str, until_ms: i64) -> Times {
    stored_within(store, host, i64::MIN..until_ms + 1)
}

/// What the store has of a range of time, as it leaves a host.
pub(crate) fn stored_within(store: &Path, host: &str, range: Range<i64>) -> Times {
    let reader = Reader::open(store).unwrap();
    let snapshot = reader.snapshot();
    let (series, damages) = outbound_series(&snapshot, &[], host);
    assert!(damages.is_empty(), "{damages:?}");
    let mut by_check: BTreeMap<&str, Vec<&OutboundSeries>> = BTreeMap::new();
    series.iter().for_each(|one| by_check.entry(&one.check).or_default().push(one));
    let mut all = Times::new();
    for series in by_check.values() {
        let mut times: Vec<BTreeSet<i64>> = vec![BTreeSet::new(); series.len()];
        let take = |index: usize, samples: &[OutboundSample]| {
            let valued = samples.iter().filter(|sample| sample.value.is_some());
            times[index].extend(valued.map(|sample| sample.time_ms));
            Ok::<(), Infallible>(())
        };
        walk_outbound(&snapshot, series, range.clone(), take, |why| panic!("{why}")).unwrap();
        for (one, times) in series.iter().zip(times) {
            let labels = one.labels.iter().map(|label| (label.name.to_string(), label.value.to_string()));
            if !times.is_empty() {
                all.insert(labels.collect(), times.into_iter().collect());
            }
        }
    }
    all
}

/// The first difference between what is stored and what a receiver has, of which times may be doubled.
pub(crate) fn difference(stored: &Times, delivered: &Times) -> Option<String> {
    for (labels, times) in stored {
        let Some(there) = delivered.get(labels) else { return Some(format!("{labels:?} is missing")) };
        let (wanted, has): (BTreeSet<_>, BTreeSet<_>) = (times.iter().collect(), there.iter().collect());
        let missing: Vec<_> = wanted.difference(&has).take(3).collect();
        if !missing.is_empty() {
            let count = wanted.difference(&has).count();
            return Some(format!(
                "{count} of {} of {labels:?} are missing, such as {missing:?}",
                wanted.len()
            ));
        }
        let more: Vec<_> = has.difference(&wanted).take(3).collect();
        if !more.is_empty() {
            return Some(format!("{labels:?} has {more:?}, which are not stored"));
        }
        if there.len() > has.len() {
            return Some(format!("{} of {labels:?} are doubled", there.len() - has.len()));
        }
    }
    let unknown = delivered.keys().find(|labels| !stored.contains_key(*labels));
    unknown.map(|labels| format!("{labels:?} is not stored"))
}

/// Asks over HTTP; nothing where there is no answer.
pub(crate) fn get(url: &str, form: &[(&str, &str)]) -> Option<String> {
    let mut command = Command::new("curl");
    command.args(["-s", "-f", "-G", url]);
    for (name, value) in form {
        command.arg("--data-urlencode").arg(format!("{name}={value}"));
    }
    let output = command.output().unwrap();
    output.status.success().then(|| text(&output.stdout))
}

/// All that a VictoriaMetrics has of some series up to a time.
pub(crate) fn exported(url: &str, selector: &str, until_ms: i64) -> Times {
    exported_within(url, selector, 1000..until_ms + 1)
}

/// What a VictoriaMetrics has of some series and a range of time.
pub(crate) fn exported_within(url: &str, selector: &str, range: Range<i64>) -> Times {
    let (start, end) = (seconds(range.start), seconds(range.end - 1));
    let form = [("match[]", selector), ("start", &*start), ("end", &*end)];
    let exported = get(&format!("{url}/api/v1/export"), &form).unwrap_or_default();
    let mut all = Times::new();
    for line in exported.lines() {
        // Where a series begins with the end of an earlier stretch, 1.79.5 writes what is no JSON.
        let line = line.replacen("\"values\":[NaN", "\"values\":[null", 1);
        let series: serde_json::Value =
            serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let labels: Labels = serde_json::from_value(series["metric"].clone()).unwrap();
        let pairs = series["values"].as_array().unwrap().iter().zip(series["timestamps"].as_array().unwrap());
        let valued = pairs.filter(|(value, _)| value.is_number()).map(|(_, time)| time.as_i64().unwrap());
        all.entry(labels).or_default().extend(valued);
    }
    all.retain(|_, times| !times.is_empty());
    all
}

/// What a Prometheus has of a host and a range of time.
pub(crate) fn in_prometheus(url: &str, host: &str, range: Range<i64>) -> Times {
    let query = format!("{{host=\"{host}\"}}[{}ms]", range.end - 1 - range.start);
    let time = seconds(range.end - 1);
    let form = [("query", &*query), ("time", &*time)];
    let Some(answer) = get(&format!("{url}/api/v1/query"), &form) else { return Times::new() };
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    let mut all = Times::new();
    for series in answer["data"]["result"].as_array().unwrap() {
        let labels: Labels = serde_json::from_value(series["metric"].clone()).unwrap();
        let times = series["values"].as_array().unwrap().iter();
        let ms = |pair: &serde_json::Value| (pair[0].as_f64().unwrap() * 1000.0).round() as i64;
        all.insert(labels, times.map(ms).collect());
    }
    all
}

/// A time as receivers take it.
fn seconds(time_ms: i64) -> String {
    format!("{}.{:03}", time_ms / 1000, time_ms % 1000)
}
