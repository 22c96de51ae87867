//! Whether an answer is what was expected.

use custos_promql::{Answer, AnswerValue, Labels, Point};

use super::expected::{Expected, Message, Notes, When};
use custos_promql::notation::Item;

/// An answer, and what of it counts.
pub(super) enum Outcome<'a> {
    /// All of it.
    Whole(&'a Result<Answer, String>),
    /// Of a range vector, the values at one time (ms).
    Step(&'a Result<Answer, String>, i64),
    /// All of it but the time.
    Elsewhere(&'a Result<Answer, String>),
}

/// How far values may be apart, relative to them.
const TOLERANCE: f64 = 1e-6;

pub(super) fn compare(expected: &Expected, outcome: Outcome<'_>) -> Result<(), String> {
    let answer = match outcome {
        Outcome::Whole(answer) | Outcome::Step(answer, _) | Outcome::Elsewhere(answer) => answer,
    };
    let answer = match (answer, &expected.fails) {
        (Err(found), Some(message)) => return compare_message(message, found),
        (Err(found), None) => return Err(format!("failed: {found}")),
        (Ok(answer), Some(_)) => return Err(format!("did not fail, but came to {:?}", answer.value)),
        (Ok(answer), None) => answer,
    };
    if !matches!(outcome, Outcome::Step(..)) {
        let same_text = matches!(outcome, Outcome::Whole(_));
        compare_notes(&expected.warns, &answer.warnings, same_text)?;
        compare_notes(&expected.informs, &answer.infos, same_text)?;
    }
    match outcome {
        Outcome::Step(_, at) => compare_step(expected, &answer.value, at),
        _ => compare_value(expected, &answer.value),
    }
}

fn compare_message(message: &Message, found: &str) -> Result<(), String> {
    if fits(message, found) { Ok(()) } else { Err(format!("failed with {found:?}, expected {message:?}")) }
}

fn fits(message: &Message, found: &str) -> bool {
    match message {
        Message::Any => true,
        Message::Is(text) => found == text,
        Message::Like(pattern) => regex::Regex::new(pattern).is_ok_and(|regex| regex.is_match(found)),
    }
}

/// Warnings or infos. Where `@` was added to a query, columns are others.
fn compare_notes(expected: &Option<Notes>, found: &[String], same_text: bool) -> Result<(), String> {
    let is_right = match expected {
        None => true,
        Some(Notes::None) => found.is_empty(),
        Some(Notes::Some(_)) if !same_text => !found.is_empty(),
        Some(Notes::Some(wanted)) => {
            wanted.iter().all(|wanted| found.iter().any(|found| fits(wanted, found)))
                && found.iter().all(|found| wanted.iter().any(|wanted| fits(wanted, found)))
        }
    };
    if is_right { Ok(()) } else { Err(format!("found {found:?}, expected {expected:?}")) }
}

fn compare_value(expected: &Expected, found: &AnswerValue) -> Result<(), String> {
    match found {
        AnswerValue::Scalar(point) => match expected.scalar {
            Some(value) if is_same(value, point.value) => Ok(()),
            _ => Err(format!("came to the scalar {}, expected {:?}", point.value, expected.scalar)),
        },
        AnswerValue::Text(_, text) => match &expected.string {
            Some(wanted) if wanted == text => Ok(()),
            _ => Err(format!("came to {text:?}, expected {:?}", expected.string)),
        },
        AnswerValue::Vector(found) => {
            let values: Vec<(Labels, f64)> =
                found.iter().map(|(labels, point)| (labels.clone(), point.value)).collect();
            compare_vector(expected, &values)
        }
        AnswerValue::Matrix(found) => {
            let series: Vec<(Labels, &[Point])> =
                found.iter().map(|series| (series.labels.clone(), &series.points[..])).collect();
            compare_matrix(expected, &series)
        }
    }
}

/// The values at one time as a vector.
fn compare_step(expected: &Expected, found: &AnswerValue, at: i64) -> Result<(), String> {
    let AnswerValue::Matrix(series) = found else {
        return Err("a range query has no range vector".to_owned());
    };
    let mut values = Vec::new();
    for series in series {
        if let Some(point) = series.points.iter().find(|point| point.time_ms == at) {
            values.push((series.labels.clone(), point.value));
        }
    }
    match (expected.scalar, &values[..]) {
        (Some(wanted), [(labels, value)]) if labels.iter().len() == 0 && is_same(wanted, *value) => Ok(()),
        (Some(wanted), found) => Err(format!("came to {found:?}, expected {wanted}")),
        (None, _) => compare_vector(expected, &values),
    }
}

fn compare_vector(expected: &Expected, found: &[(Labels, f64)]) -> Result<(), String> {
    let shown = || {
        let lines: Vec<String> = found.iter().map(|(labels, value)| format!("{labels} {value}")).collect();
        format!("came to [{}]", lines.join(", "))
    };
    if expected.scalar.is_some() || expected.series.len() != found.len() {
        return Err(format!("{}, expected {} series", shown(), expected.series.len()));
    }
    for (index, (labels, items)) in expected.series.iter().enumerate() {
        let [Item::Value(wanted)] = items[..] else {
            return Err("an instant query has one value each".to_owned());
        };
        let at = match expected.is_ordered {
            true => found.get(index).filter(|(found, _)| found == labels),
            false => found.iter().find(|(found, _)| found == labels),
        };
        match at {
            Some((_, value)) if is_same(wanted, *value) => {}
            Some((_, value)) => return Err(format!("{labels} came to {value}, expected {wanted}")),
            None => return Err(format!("{}, expected {labels} {wanted}", shown())),
        }
    }
    Ok(())
}

fn compare_matrix(expected: &Expected, found: &[(Labels, &[Point])]) -> Result<(), String> {
    let (start, step) = match (expected.matrix, expected.when) {
        (Some((start, _, step)), _) | (None, When::Range(start, _, step)) => (start, step),
        (None, When::Instant(_)) => return Err("came to a range vector".to_owned()),
    };
    let wanted: Vec<_> = expected
        .series
        .iter()
        .map(|(labels, items)| {
            let points = items.iter().enumerate().filter_map(|(index, item)| match item {
                Item::Value(value) => Some((start + index as i64 * step, *value)),
                Item::Missing | Item::Stale => None,
            });
            (labels, points.collect::<Vec<_>>())
        })
        .collect();
    if let (Some(scalar), [(labels, points)]) = (expected.scalar, found) {
        let fits = labels.iter().len() == 0 && points.iter().all(|point| is_same(scalar, point.value));
        return if fits { Ok(()) } else { Err(format!("came to {points:?}, expected {scalar}")) };
    }
    if wanted.len() != found.len() {
        let names: Vec<String> = found.iter().map(|(labels, _)| labels.to_string()).collect();
        return Err(format!("came to {} series {names:?}, expected {}", found.len(), wanted.len()));
    }
    for (labels, points) in wanted {
        let Some((_, values)) = found.iter().find(|(found, _)| found == labels) else {
            return Err(format!("no series {labels}"));
        };
        let same = points.len() == values.len()
            && points
                .iter()
                .zip(values.iter())
                .all(|((time, value), found)| *time == found.time_ms && is_same(*value, found.value));
        if !same {
            let shown: Vec<String> =
                values.iter().map(|point| format!("{}@{}", point.value, point.time_ms)).collect();
            return Err(format!("{labels} came to {}, expected {points:?}", shown.join(" ")));
        }
    }
    Ok(())
}

fn is_same(one: f64, other: f64) -> bool {
    if one.is_nan() || other.is_nan() {
        return one.is_nan() && other.is_nan();
    }
    if one == other {
        return true;
    }
    let size = (one.abs() + other.abs()).min(f64::MAX);
    let difference = (one - other).abs();
    if one == 0.0 || other == 0.0 || size < f64::MIN_POSITIVE {
        difference < TOLERANCE * f64::MIN_POSITIVE
    } else {
        difference / size < TOLERANCE
    }
}
