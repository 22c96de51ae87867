//! What a receiver answers.

use std::borrow::Cow;
use std::collections::HashMap;

use custos_promql::{Labels, METRIC_NAME};
use serde::Deserialize;

use super::counts::Count;
use super::hours::Hours;
use super::questions::Figure;
use crate::feed::sink::{Row, ms, rows, unread};

/// What a receiver has, by series and hour.
pub(super) type Found = HashMap<Labels, Vec<Count>>;

/// A line of VictoriaMetrics' export.
#[derive(Deserialize)]
struct Exported {
    values: Vec<serde_json::Value>,
    timestamps: Vec<i64>,
}

/// Takes in the answer about a figure. `name` is that of the metric, where the answer does not have it.
pub(super) fn take(
    body: &[u8],
    figure: Figure,
    name: Option<&str>,
    hours: Hours,
    found: &mut Found,
) -> Result<(), String> {
    for Row { metric, values } in rows(body)? {
        let named = name.map(|name| (METRIC_NAME.to_owned(), name.to_owned()));
        let counts = found.entry(Labels::new(metric.into_iter().chain(named))).or_default();
        counts.resize(hours.count, Count::default());
        for (at, value) in values {
            let (Some(hour), Ok(value)) = (hours.index(ms(at)), value.parse::<f64>()) else { continue };
            let count = &mut counts[hour];
            match figure {
                Figure::Samples => count.samples = value as u64,
                Figure::First => count.first_ms = Some(ms(value)),
                Figure::Last => count.last_ms = Some(ms(value)),
                Figure::Least => count.least = value,
                Figure::Greatest => count.greatest = value,
            }
        }
    }
    Ok(())
}

/// The samples of one series: the answer to a selector with a range.
pub(super) fn samples(body: &[u8]) -> Result<Vec<(i64, f64)>, String> {
    let rows = rows(body)?;
    let all = rows.into_iter().flat_map(|row| row.values);
    Ok(all.filter_map(|(at, value)| Some((ms(at), value.parse().ok()?))).collect())
}

/// A line of VictoriaMetrics' export as JSON. Where a series begins with the end of an earlier stretch, 1.79.5 writes a bare `NaN`.
fn plain(line: &[u8]) -> Cow<'_, [u8]> {
    const VALUES: &[u8] = b"\"values\":[";
    const BARE: &[u8] = b"NaN";
    // No string has such quotes.
    let values = line.windows(VALUES.len()).position(|window| window == VALUES).map(|at| at + VALUES.len());
    let bare = values.filter(|at| line[*at..].starts_with(BARE));
    bare.map_or(Cow::Borrowed(line), |at| {
        Cow::Owned([&line[..at], b"null", &line[at + BARE.len()..]].concat())
    })
}

/// The samples of one series: VictoriaMetrics' export. The ends of the series are left out.
pub(super) fn exported(body: &[u8]) -> Result<Vec<(i64, f64)>, String> {
    let mut all = Vec::new();
    for line in body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let one: Exported = serde_json::from_slice(&plain(line)).map_err(|error| unread(&error))?;
        let value = |value: &serde_json::Value| match value {
            serde_json::Value::String(text) => text.parse().ok(),
            value => value.as_f64(),
        };
        let pairs = one.timestamps.into_iter().zip(&one.values);
        all.extend(pairs.filter_map(|(at_ms, one)| Some((at_ms, value(one)?))));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::super::hours::HOUR_MS;
    use super::*;

    #[test]
    fn figures_come_together_by_series_and_hour() {
        let hours = Hours { first_ms: 496_617 * HOUR_MS, count: 2 };
        let body = |metric: &str, value: &str| {
            let at = (hours.first_ms + 2 * HOUR_MS - 1) as f64 / 1000.0;
            format!(
                r#"{{"status":"success","data":{{"resultType":"matrix","result":[{{"metric":{metric},"values":[[{at},"{value}"]]}}]}}}}"#
            )
        };
        let mut found = Found::new();
        let named = r#"{"__name__":"x","host":"a"}"#;
        let first = format!("{}", (hours.first_ms + HOUR_MS + 123) as f64 / 1000.0);
        take(body(named, "5").as_bytes(), Figure::Samples, None, hours, &mut found).unwrap();
        take(body(named, &first).as_bytes(), Figure::First, None, hours, &mut found).unwrap();
        take(body(r#"{"host":"a"}"#, "-1.5").as_bytes(), Figure::Least, Some("x"), hours, &mut found)
            .unwrap();
        let [(_, counts)] = &found.into_iter().collect::<Vec<_>>()[..] else {
            panic!("more than one series")
        };
        assert!(counts[0].is_empty());
        let count = counts[1];
        assert_eq!((count.samples, count.least), (5, -1.5));
        assert_eq!(count.first_ms, Some(hours.first_ms + HOUR_MS + 123));
        assert!(take(b"{}", Figure::First, None, hours, &mut Found::new()).is_err());
    }

    #[test]
    fn samples_are_read_of_both_kinds_of_answers() {
        let lines = b"{\"metric\":{},\"values\":[1,null,\"Infinity\"],\"timestamps\":[5,6,7]}\n\n";
        assert_eq!(exported(lines).unwrap(), [(5, 1.0), (7, f64::INFINITY)]);
        let bare = b"{\"metric\":{\"a\":\"\\\"values\\\":[NaN\"},\"values\":[NaN,1],\"timestamps\":[5,6]}";
        assert_eq!(exported(bare).unwrap(), [(6, 1.0)]);
        let body =
            br#"{"status":"success","data":{"result":[{"metric":{},"values":[[1.234,"2"],[1.5,"+Inf"]]}]}}"#;
        assert_eq!(samples(body).unwrap(), [(1234, 2.0), (1500, f64::INFINITY)]);
    }
}
