//! Answers of the API, and whether two of them are the same.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

type Labels = BTreeMap<String, String>;

/// What came of a query.
#[derive(Debug)]
pub(crate) enum Answer {
    Failed {
        kind: String,
        message: String,
    },
    Came {
        /// The type of the result.
        kind: String,
        /// Series with their times and values. A scalar and a text are one without labels.
        series: Vec<(Labels, Vec<Point>)>,
        /// The bytes of the result.
        bytes: String,
    },
}

/// A value, at a time as it is written.
#[derive(Debug)]
pub(crate) struct Point {
    time: String,
    value: String,
}

/// How much two answers have in common that do not differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Sameness {
    /// Both failed for a reason of the same kind.
    Failure,
    /// Each byte.
    Bytes,
    /// All but the order of series that no order was asked for.
    Series,
    /// All but the last digits of some values.
    Values,
}

impl Answer {
    pub(crate) fn read((status, body): &(u16, String)) -> Answer {
        let json: Value =
            serde_json::from_str(body).unwrap_or_else(|error| panic!("{status}: {body}: {error}"));
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        if json["status"] != "success" {
            return Answer::Failed { kind: text(&json["errorType"]), message: text(&json["error"]) };
        }
        let (kind, result) = (text(&json["data"]["resultType"]), &json["data"]["result"]);
        let series = match &kind[..] {
            "vector" => each(result, |series| (labels(series), vec![point(&series["value"])])),
            "matrix" => each(result, |series| (labels(series), each(&series["values"], point))),
            _ => vec![(Labels::new(), vec![point(result)])],
        };
        let end = if body.ends_with("}}") {
            body.len() - 1
        } else {
            body.find("},\"warnings\"").or(body.find("},\"infos\"")).unwrap() + 1
        };
        Answer::Came { kind, series, bytes: body[..end].to_owned() }
    }

    /// Whether two series have the same value at the same time.
    pub(crate) fn has_equal_values(&self) -> bool {
        let Answer::Came { series, .. } = self else { return false };
        let mut known = BTreeSet::new();
        let mut points = series.iter().flat_map(|(_, points)| points);
        points.any(|point| !known.insert((&point.time, &point.value)))
    }

    /// How many values there are.
    pub(crate) fn len(&self) -> usize {
        match self {
            Answer::Failed { .. } => 0,
            Answer::Came { series, .. } => series.iter().map(|(_, points)| points.len()).sum(),
        }
    }
}

fn each<T>(array: &Value, read: impl Fn(&Value) -> T) -> Vec<T> {
    array.as_array().unwrap().iter().map(read).collect()
}

fn labels(series: &Value) -> Labels {
    let labels = series["metric"].as_object().unwrap().iter();
    labels.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect()
}

fn point(pair: &Value) -> Point {
    Point { time: pair[0].to_string(), value: pair[1].as_str().unwrap().to_owned() }
}

/// Whether two answers are the same, where values may be so far apart, relative to them; or what differs. An ordered one
/// has its values in the same order.
pub(crate) fn compare(
    theirs: &Answer,
    ours: &Answer,
    tolerance: f64,
    is_ordered: bool,
) -> Result<Sameness, String> {
    match (theirs, ours) {
        (Answer::Failed { kind: theirs, .. }, Answer::Failed { kind: ours, .. }) => {
            if theirs == ours {
                Ok(Sameness::Failure)
            } else {
                Err(format!("{theirs} and {ours}"))
            }
        }
        (
            Answer::Came { kind: their_kind, series: theirs, bytes: their_bytes },
            Answer::Came { kind: our_kind, series: ours, bytes: our_bytes },
        ) => {
            if their_bytes == our_bytes {
                return Ok(Sameness::Bytes);
            }
            if their_kind != our_kind {
                return Err(format!("types {their_kind} and {our_kind}"));
            }
            let sameness = compare_series(theirs, ours, tolerance)?;
            let same_order = theirs.iter().zip(ours).all(|(theirs, ours)| theirs.0 == ours.0);
            match (sameness, same_order) {
                (_, false) if their_kind == "matrix" => Err("the order of the series".to_owned()),
                (_, false) if is_ordered && !same_sequence(theirs, ours, tolerance) => {
                    Err("the order of the values".to_owned())
                }
                (Sameness::Values, _) => Ok(Sameness::Values),
                (_, false) => Ok(Sameness::Series),
                _ => Err("the bytes".to_owned()),
            }
        }
        _ => Err("one failed".to_owned()),
    }
}

fn compare_series(
    theirs: &[(Labels, Vec<Point>)],
    ours: &[(Labels, Vec<Point>)],
    tolerance: f64,
) -> Result<Sameness, String> {
    if theirs.len() != ours.len() {
        return Err(format!("{} and {} series", theirs.len(), ours.len()));
    }
    let known: BTreeMap<&Labels, &Vec<Point>> =
        ours.iter().map(|(labels, points)| (labels, points)).collect();
    let mut sameness = Sameness::Series;
    for (labels, theirs) in theirs {
        let ours = known.get(labels).ok_or_else(|| format!("a series {labels:?}"))?;
        if theirs.len() != ours.len() {
            return Err(format!("{} and {} values of {labels:?}", theirs.len(), ours.len()));
        }
        for (theirs, ours) in theirs.iter().zip(ours.iter()) {
            if theirs.time != ours.time {
                return Err(format!("the times {} and {} of {labels:?}", theirs.time, ours.time));
            }
            if theirs.value != ours.value {
                if !is_close(&theirs.value, &ours.value, tolerance) {
                    let (time, theirs, ours) = (&theirs.time, &theirs.value, &ours.value);
                    return Err(format!("the values {theirs} and {ours} of {labels:?} at {time}"));
                }
                sameness = Sameness::Values;
            }
        }
    }
    Ok(sameness)
}

/// Whether two answers have the same values at each time, of whichever series.
pub(crate) fn same_values(theirs: &Answer, ours: &Answer, tolerance: f64) -> bool {
    let values = |answer: &Answer| -> Vec<(String, f64, String)> {
        let Answer::Came { series, .. } = answer else { return Vec::new() };
        let points = series.iter().flat_map(|(_, points)| points);
        let one = |point: &Point| {
            (point.time.clone(), point.value.parse().unwrap_or(f64::NAN), point.value.clone())
        };
        let mut all: Vec<_> = points.map(one).collect();
        all.sort_by(|left, right| left.0.cmp(&right.0).then(left.1.total_cmp(&right.1)));
        all
    };
    let (theirs, ours) = (values(theirs), values(ours));
    let same = |(theirs, ours): (&(String, f64, String), &(String, f64, String))| {
        theirs.0 == ours.0 && is_close(&theirs.2, &ours.2, tolerance)
    };
    !theirs.is_empty() && theirs.len() == ours.len() && theirs.iter().zip(&ours).all(same)
}

fn same_sequence(theirs: &[(Labels, Vec<Point>)], ours: &[(Labels, Vec<Point>)], tolerance: f64) -> bool {
    theirs
        .iter()
        .zip(ours)
        .all(|((_, theirs), (_, ours))| is_close(&theirs[0].value, &ours[0].value, tolerance))
}

fn is_close(one: &str, other: &str, tolerance: f64) -> bool {
    let (Ok(one_value), Ok(other_value)) = (one.parse::<f64>(), other.parse::<f64>()) else { return false };
    if one_value.is_infinite() || other_value.is_infinite() {
        return one_value == other_value;
    }
    one == other || (one_value - other_value).abs() <= tolerance * one_value.abs().max(other_value.abs())
}
