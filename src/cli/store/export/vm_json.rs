//! Series as VictoriaMetrics exports and imports them: `{"metric":{…},"values":[…],"timestamps":[…]}` a line.
//!
//! NaN is `null` and an infinity is `"Infinity"` or `"-Infinity"`, as VictoriaMetrics writes them. Its older versions drop a
//! line that has one of them, so these are in lines of their own. The format has nothing to say that a series ends.

use std::collections::BTreeMap;
use std::io::Write;

use custos_promql::Labels;
use custos_store::Value;

use super::series::{Series, number};
use crate::cli::read::Failure;

pub(super) fn export(series: &mut Series<'_>, out: &mut dyn Write) -> Result<(), Failure> {
    let metrics: Vec<String> =
        series.all.iter().map(|one| metric(&one.labels)).collect::<Result<_, serde_json::Error>>().map_err(
            // Texts that are UTF-8 can be written as JSON.
            |error| Failure::new(format!("failed to write labels: {error}")),
        )?;
    for indices in series.by_check() {
        series.walk(&indices, |index, samples| {
            let values = || samples.iter().filter_map(|sample| Some((sample.time_ms, sample.value?)));
            let is_finite = |(_, value): &(i64, Value)| value.to_f64().is_finite();
            let (finite, other): (Vec<_>, Vec<_>) = values().partition(is_finite);
            line(&metrics[index], &finite, out)?;
            line(&metrics[index], &other, out)
        })?;
    }
    Ok(())
}

fn metric(labels: &Labels) -> Result<String, serde_json::Error> {
    let labels: BTreeMap<&str, &str> = labels.iter().map(|label| (&*label.name, &*label.value)).collect();
    serde_json::to_string(&labels)
}

fn line(metric: &str, samples: &[(i64, Value)], out: &mut dyn Write) -> Result<(), Failure> {
    if samples.is_empty() {
        return Ok(());
    }
    write!(out, "{{\"metric\":{metric},\"values\":[")?;
    for (at, (_, value)) in samples.iter().enumerate() {
        write!(out, "{}{}", if at == 0 { "" } else { "," }, written(*value))?;
    }
    write!(out, "],\"timestamps\":[")?;
    for (at, (time_ms, _)) in samples.iter().enumerate() {
        write!(out, "{}{time_ms}", if at == 0 { "" } else { "," })?;
    }
    Ok(writeln!(out, "]}}")?)
}

fn written(value: Value) -> String {
    match value.to_f64() {
        float if float.is_nan() => "null".to_owned(),
        f64::INFINITY => "\"Infinity\"".to_owned(),
        f64::NEG_INFINITY => "\"-Infinity\"".to_owned(),
        _ => number(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_json() {
        let metric = metric(&Labels::new([("__name__", "a\"\n"), ("ä", "\\")])).unwrap();
        let values = [0.5, 1e300, f64::NAN, f64::NEG_INFINITY].map(Value::from);
        let samples: Vec<(i64, Value)> =
            (-1_i64..).zip(values.into_iter().chain([Value::from(i64::MAX)])).collect();
        let mut out = Vec::new();
        line(&metric, &samples, &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "{\"metric\":{\"__name__\":\"a\\\"\\n\",\"ä\":\"\\\\\"},\
             \"values\":[0.5,1e+300,null,\"-Infinity\",9223372036854775807],\"timestamps\":[-1,0,1,2,3]}\n"
        );
    }
}
