//! Values and labels as Prometheus writes them.

use custos_promql::{Answer, AnswerValue, Labels, Point, format_number, write_decimal, write_number};

use crate::http::reply::write_text;

/// Writes the data of a query's answer.
pub(super) fn write_answer(out: &mut String, answer: &Answer, stats: Option<&str>) {
    let kind = match &answer.value {
        AnswerValue::Scalar(_) => "scalar",
        AnswerValue::Text(..) => "string",
        AnswerValue::Vector(_) => "vector",
        AnswerValue::Matrix(_) => "matrix",
    };
    out.push_str(&format!("{{\"resultType\":\"{kind}\",\"result\":"));
    match &answer.value {
        AnswerValue::Scalar(Point { time_ms, value }) => {
            out.push_str(&format!("[{},\"{}\"]", float_of(*time_ms), format_number(*value)));
        }
        AnswerValue::Text(time_ms, text) => {
            out.push_str(&format!("[{},", float_of(*time_ms)));
            write_text(out, text);
            out.push(']');
        }
        AnswerValue::Vector(values) => list(out, values, |out, (labels, point)| {
            out.push_str("{\"metric\":");
            write_labels(out, labels);
            out.push_str(",\"value\":");
            write_point(out, point);
            out.push('}');
        }),
        AnswerValue::Matrix(all) => list(out, all, |out, series| {
            out.push_str("{\"metric\":");
            write_labels(out, &series.labels);
            out.push_str(",\"values\":");
            list(out, &series.points, write_point);
            out.push('}');
        }),
    }
    if let Some(stats) = stats {
        out.push_str(",\"stats\":");
        out.push_str(stats);
    }
    out.push('}');
}

/// About how many bytes the data of an answer has.
pub(super) fn bytes(answer: &Answer) -> usize {
    match &answer.value {
        AnswerValue::Scalar(_) => POINT_BYTES,
        AnswerValue::Text(_, text) => text.len(),
        AnswerValue::Vector(values) => {
            values.iter().map(|(labels, _)| bytes_of_labels(labels) + POINT_BYTES).sum()
        }
        AnswerValue::Matrix(all) => {
            all.iter().map(|series| bytes_of_labels(&series.labels) + series.points.len() * POINT_BYTES).sum()
        }
    }
}

/// About how many bytes labels have.
pub(super) fn bytes_of_labels(labels: &Labels) -> usize {
    labels.iter().map(|label| label.name.len() + label.value.len() + 6).sum()
}

/// About what a point takes: a time, and a number in quotes.
const POINT_BYTES: usize = 32;

/// A list of values.
pub(super) fn list<T>(out: &mut String, items: &[T], write: impl Fn(&mut String, &T)) {
    out.push('[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(out, item);
    }
    out.push(']');
}

/// `{"__name__":"up","job":"x"}`
pub(super) fn write_labels(out: &mut String, labels: &Labels) {
    out.push('{');
    for (index, label) in labels.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_text(out, &label.name);
        out.push(':');
        write_text(out, &label.value);
    }
    out.push('}');
}

/// `[1700000000.5,"1"]`
fn write_point(out: &mut String, point: &Point) {
    out.push('[');
    write_time(out, point.time_ms);
    out.push_str(",\"");
    write_number(out, point.value);
    out.push_str("\"]");
}

/// Seconds as the shortest float, as Prometheus writes them beside a value that is no series.
fn float_of(time_ms: i64) -> f64 {
    time_ms as f64 / 1e3
}

/// Seconds, with three digits of a fraction only if there is one.
fn write_time(out: &mut String, time_ms: i64) {
    if time_ms < 0 {
        out.push('-');
    }
    let size = time_ms.unsigned_abs();
    match size.is_multiple_of(1000) {
        true => write_decimal(out, size / 1000, 0),
        false => write_decimal(out, size, 3),
    }
}

#[cfg(test)]
mod tests {
    use custos_promql::SeriesPoints;

    use super::*;

    fn of(value: AnswerValue) -> String {
        let mut out = String::new();
        write_answer(
            &mut out,
            &Answer {
                value,
                warnings: Vec::new(),
                infos: Vec::new(),
                samples: 0,
                reads: Vec::new(),
                taken: Vec::new(),
            },
            None,
        );
        out
    }

    #[test]
    fn values_have_the_shape_of_prometheus() {
        let point = |time_ms, value| Point { time_ms, value };
        let labels = Labels::new([("__name__", "up"), ("a", "x<y")]);
        assert_eq!(of(AnswerValue::Scalar(point(4000, 2.0))), r#"{"resultType":"scalar","result":[4,"2"]}"#);
        assert_eq!(
            of(AnswerValue::Text(1050, "a\"b".to_owned())),
            r#"{"resultType":"string","result":[1.05,"a\"b"]}"#
        );
        assert_eq!(
            of(AnswerValue::Vector(vec![(labels.clone(), point(-1, f64::NAN))])),
            r#"{"resultType":"vector","result":[{"metric":{"__name__":"up","a":"x\u003cy"},"value":[-0.001,"NaN"]}]}"#
        );
        let series = SeriesPoints { labels, points: vec![point(0, 1e21), point(1000, -0.5)] };
        assert_eq!(
            of(AnswerValue::Matrix(vec![series])),
            r#"{"resultType":"matrix","result":[{"metric":{"__name__":"up","a":"x\u003cy"},"values":[[0,"1e+21"],[1,"-0.5"]]}]}"#
        );
        assert_eq!(of(AnswerValue::Matrix(Vec::new())), r#"{"resultType":"matrix","result":[]}"#);
    }
}
