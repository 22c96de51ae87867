//! What a receiver has already of what it refused.
//!
//! A Prometheus without a window for samples that are out of order refuses what it has, and all that came in the same request with
//! it. So what was sent and not answered, or is sent again since the receiver was started anew, looks like samples that are wrong. It is
//! asked what it has, and is sent the rest.

use std::collections::{BTreeSet, HashMap};

use custos_promql::{Labels, METRIC_NAME};
use custos_store::Value;

use super::parcel::Parcel;
use super::query_api::{any_of, matcher, ms, rows, seconds};

/// The times of the samples that a receiver has, by series, ascending (ms since the epoch).
#[derive(Debug, Default)]
pub(super) struct Already(HashMap<Labels, Vec<i64>>);

impl Already {
    /// The query for what a receiver has of the series and times of a parcel, and its time; none for a parcel of no samples.
    pub(super) fn question(parcel: &Parcel) -> Option<(String, String)> {
        let (first_ms, last_ms) = parcel.span_ms()?;
        let mut labels = parcel.series().map(|part| &part.of.series.labels);
        let common = labels.next()?.iter().filter(|label| {
            parcel.series().all(|part| part.of.series.labels.get(&label.name) == &*label.value)
        });
        let common = common.filter(|label| &*label.name != METRIC_NAME);
        let names: BTreeSet<&str> = parcel.series().map(|part| part.of.series.labels.metric_name()).collect();
        let matchers: Vec<String> = std::iter::once(matcher(METRIC_NAME, "=~", &any_of(names)))
            .chain(common.map(|label| matcher(&label.name, "=", &label.value)))
            .collect();
        // Whether or not the window has the sample at its very beginning.
        let span_ms = last_ms.saturating_sub(first_ms).saturating_add(1);
        Some((format!("{{{}}}[{span_ms}ms]", matchers.join(",")), seconds(last_ms)))
    }

    /// Reads the answer.
    ///
    /// # Errors
    /// It is none.
    pub(super) fn read(body: &[u8]) -> Result<Already, String> {
        let all = rows(body)?.into_iter().map(|row| {
            let times_ms = row.values.into_iter().map(|(at, _)| ms(at)).collect();
            (Labels::new(row.metric), times_ms)
        });
        Ok(Already(all.collect()))
    }

    /// Of each of some samples of a series, ascending by time, whether the receiver does not have it.
    pub(super) fn lacks<'a>(
        &'a self,
        labels: &Labels,
        times_ms: &'a [i64],
        values: &'a [Option<Value>],
    ) -> impl Iterator<Item = bool> + 'a {
        let there = self.0.get(labels).map_or(&[][..], Vec::as_slice);
        times_ms.iter().zip(values).map(move |(time_ms, value)| match value {
            Some(_) => there.binary_search(time_ms).is_err(),
            // Where a series ends no query tells. In the order of time it came before what is there and later.
            None => there.last().is_none_or(|last_ms| last_ms < time_ms),
        })
    }

    /// How many samples of a parcel the receiver lacks.
    pub(super) fn missing(&self, parcel: &Parcel) -> usize {
        let of_part = |part: super::parcel::Part<'_>| {
            self.lacks(&part.of.series.labels, part.times_ms, part.values).filter(|lacks| *lacks).count()
        };
        parcel.series().map(of_part).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use custos_query::{RunSample, RunSeries};

    use super::super::parcel::Load;
    use super::*;

    fn parcel() -> Parcel {
        let series = |number: u32| {
            Arc::new(RunSeries {
                labels: Labels::new([
                    ("__name__".to_owned(), format!("s.{number}")),
                    ("host".to_owned(), "a\"b".to_owned()),
                    ("metric".to_owned(), number.to_string()),
                ]),
                unit: String::new(),
                check: Arc::from("x"),
                metric: None,
            })
        };
        let series: Vec<Arc<RunSeries>> = (0..2).map(series).collect();
        let sample = |series, time_ms, value| RunSample { series, time_ms, value };
        let one = Some(Value::Integer(1));
        let samples = [
            sample(0, 1000, one),
            sample(0, 1500, one),
            sample(0, 2000, None),
            sample(1, 1000, None),
            sample(1, 2500, one),
        ];
        Load::of_samples(&samples, &series).whole()
    }

    #[test]
    fn a_receiver_is_asked_for_the_series_and_times_of_a_parcel() {
        let (query, time) = Already::question(&parcel()).unwrap();
        assert_eq!(query, r#"{__name__=~"s\\.0|s\\.1",host="a\"b"}[1501ms]"#);
        assert_eq!(time, "2.500");
    }

    #[test]
    fn what_is_there_is_not_missing() {
        let parcel = parcel();
        assert_eq!(Already::default().missing(&parcel), 5);
        let series = |number: u32, values: &str| {
            format!(
                r#"{{"metric":{{"__name__":"s.{number}","host":"a\"b","metric":"{number}"}},"values":[{values}]}}"#
            )
        };
        let read = |first: &str, second: &str| {
            let body = format!(r#"{{"data":{{"result":[{},{}]}}}}"#, series(0, first), series(1, second));
            Already::read(body.as_bytes()).unwrap()
        };
        let already = read(r#"[1,"1"],[1.5,"1"]"#, r#"[2.5,"1"]"#);
        assert_eq!(already.missing(&parcel), 1, "the end of the first");
        let already = read(r#"[1,"1"],[2.2,"1"]"#, "");
        assert_eq!(already.missing(&parcel), 3, "one of the first, and the second");
        assert!(Already::read(b"{}").is_err());
    }
}
