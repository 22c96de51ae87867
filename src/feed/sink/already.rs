//! What a receiver has already of what it refused.
//!
//! A Prometheus without a window for samples that are out of order refuses what it has, and all that came in the same request with
//! it. So what was sent and not answered, or is sent again since the receiver was started anew, looks like samples that are wrong. It is
//! asked what it has, and is sent the rest.

use std::collections::{BTreeSet, HashMap, HashSet};

use custos_promql::{Labels, METRIC_NAME};
use custos_store::Value;

use super::parcel::Parcel;
use super::query_api::{any_of, matcher, ms, rows, seconds};
use crate::limits::SINK_LATER;

/// What a receiver has of the series of a parcel.
#[derive(Debug, Default)]
pub(super) struct Already {
    /// The times of its samples in the span of the parcel, by series, ascending (ms since the epoch).
    times_ms: HashMap<Labels, Vec<i64>>,
    /// Series of which it has samples after that.
    later: HashSet<Labels>,
}

impl Already {
    /// The query for what a receiver has of the series and times of a parcel, and its time; none for a parcel of no samples.
    pub(super) fn question(parcel: &Parcel) -> Option<(String, String)> {
        let (first_ms, last_ms) = parcel.span_ms()?;
        // Whether or not the window has the sample at its very beginning.
        let span_ms = last_ms.saturating_sub(first_ms).saturating_add(1);
        Some((format!("{}[{span_ms}ms]", selector(parcel)?), seconds(last_ms)))
    }

    /// The query for the series of a parcel of which a receiver has something later, and its time.
    pub(super) fn later_question(parcel: &Parcel) -> Option<(String, String)> {
        let (_, last_ms) = parcel.span_ms()?;
        let later_ms = SINK_LATER.as_millis() as i64;
        // Without the very end of the parcel, whether or not the window has its very beginning.
        let query = format!("last_over_time({}[{}ms])", selector(parcel)?, later_ms - 1);
        Some((query, seconds(last_ms.saturating_add(later_ms))))
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
        Ok(Already { times_ms: all.collect(), later: HashSet::new() })
    }

    /// Reads the answer to [`later_question`](Already::later_question).
    ///
    /// # Errors
    /// It is none.
    pub(super) fn read_later(&mut self, body: &[u8]) -> Result<(), String> {
        self.later = rows(body)?.into_iter().map(|row| Labels::new(row.metric)).collect();
        Ok(())
    }

    /// Whether the receiver is not known to have some end of a series in a parcel.
    pub(super) fn lacks_ends(&self, parcel: &Parcel) -> bool {
        parcel.series().any(|part| {
            let lacks = self.lacks(&part.of.series.labels, part.times_ms, part.values);
            lacks.zip(part.values).any(|(lacks, value)| lacks && value.is_none())
        })
    }

    /// Of each of some samples of a series, ascending by time, whether the receiver does not have it.
    pub(super) fn lacks<'a>(
        &'a self,
        labels: &Labels,
        times_ms: &'a [i64],
        values: &'a [Option<Value>],
    ) -> impl Iterator<Item = bool> + 'a {
        let there = self.times_ms.get(labels).map_or(&[][..], Vec::as_slice);
        let has_later = self.later.contains(labels);
        times_ms.iter().zip(values).map(move |(time_ms, value)| match value {
            Some(_) => there.binary_search(time_ms).is_err(),
            // Where a series ends no query tells. In the order of time it came before what is there and later.
            None => !has_later && there.last().is_none_or(|last_ms| last_ms < time_ms),
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

/// What selects the series of a parcel; none for a parcel of no samples.
fn selector(parcel: &Parcel) -> Option<String> {
    let mut labels = parcel.series().map(|part| &part.of.series.labels);
    let common = labels
        .next()?
        .iter()
        .filter(|label| parcel.series().all(|part| part.of.series.labels.get(&label.name) == &*label.value));
    let common = common.filter(|label| &*label.name != METRIC_NAME);
    let names: BTreeSet<&str> = parcel.series().map(|part| part.of.series.labels.metric_name()).collect();
    let matchers: Vec<String> = std::iter::once(matcher(METRIC_NAME, "=~", &any_of(names)))
        .chain(common.map(|label| matcher(&label.name, "=", &label.value)))
        .collect();
    Some(format!("{{{}}}", matchers.join(",")))
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
        let (query, time) = Already::later_question(&parcel()).unwrap();
        assert_eq!(query, r#"last_over_time({__name__=~"s\\.0|s\\.1",host="a\"b"}[3599999ms])"#);
        assert_eq!(time, "3602.500");
    }

    #[test]
    fn where_a_series_ended_is_known_from_what_came_after_it() {
        let parcel = parcel();
        let mut already = Already::read(br#"{"data":{"result":[]}}"#).unwrap();
        assert!(already.lacks_ends(&parcel));
        let later = r#"{"data":{"result":[{"metric":{"__name__":"s.0","host":"a\"b","metric":"0"},"value":[9,"1"]}]}}"#;
        already.read_later(later.as_bytes()).unwrap();
        assert_eq!(already.missing(&parcel), 4, "all but the end of the first");
        assert!(already.lacks_ends(&parcel), "the end of the second");
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
