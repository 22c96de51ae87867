//! Values and labels as Prometheus writes them.

use std::panic::resume_unwind;
use std::thread;

use custos_promql::{Answer, AnswerValue, Labels, Point, format_number, write_decimal, write_number};

use crate::http::reply::write_text;
use crate::limits::HTTP_POINTS_PER_THREAD_MIN;

/// Writes the data of a query's answer. So many threads may write the points of a long series.
pub(super) fn write_answer(out: &mut String, answer: &Answer, stats: Option<&str>, threads: usize) {
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
            write_points(out, &series.points, threads);
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

/// A list of points, of which each thread writes a part if they are many.
fn write_points(out: &mut String, points: &[Point], threads: usize) {
    let threads = threads.min(points.len() / HTTP_POINTS_PER_THREAD_MIN);
    if threads < 2 {
        return list(out, points, write_point);
    }
    let (own, others) = points.split_at(points.len() / threads);
    thread::scope(|scope| {
        let parts = others.chunks(points.len().div_ceil(threads)).map(|part| {
            let written = move || {
                let mut text = String::with_capacity(part.len() * POINT_BYTES);
                write_rows(&mut text, part);
                text
            };
            // Written by this thread if the system gives no other.
            (thread::Builder::new().spawn_scoped(scope, written).ok(), written)
        });
        let parts: Vec<_> = parts.collect();
        out.push('[');
        write_rows(out, own);
        for (thread, write) in parts {
            let joined = thread.map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
            out.push(',');
            out.push_str(&joined.unwrap_or_else(write));
        }
        out.push(']');
    });
}

/// Points with commas between them. At least one.
fn write_rows(out: &mut String, points: &[Point]) {
    for (index, point) in points.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_point(out, point);
    }
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
            2,
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

    #[test]
    fn many_points_are_written_by_several_threads_as_by_one() {
        let count = 3 * HTTP_POINTS_PER_THREAD_MIN + 17;
        let points: Vec<Point> =
            (0..count).map(|n| Point { time_ms: n as i64 * 10_007, value: n as f64 / 7.0 }).collect();
        let written = |threads| {
            let mut out = String::new();
            write_points(&mut out, &points, threads);
            out
        };
        let alone = written(1);
        assert_eq!(alone.matches("],[").count(), count - 1);
        for threads in [2, 3, 4, 64] {
            assert!(written(threads) == alone, "{threads} threads");
        }
    }
}
