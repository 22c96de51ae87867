//! Whether what came out is what was expected, and how it differs.

use custos_promql::{Labels, format_number};

/// An alert: its labels and its annotations.
pub(super) type Alert = (Labels, Labels);
/// An element: its labels and its value.
pub(super) type Element = (Labels, f64);

/// How alerts differ from those that were expected; none if they do not.
pub(super) fn alerts(mut expected: Vec<Alert>, mut got: Vec<Alert>) -> Option<String> {
    expected.sort();
    got.sort();
    let line = |(labels, annotations): &Alert| {
        format!("{} with annotations {}", labels.in_braces(), annotations.in_braces())
    };
    difference(&expected, &got, |left, right| left == right, line)
}

/// How elements differ from those that were expected. Values are equal bit by bit, or if `fuzzy` may be neighbours.
pub(super) fn elements(mut expected: Vec<Element>, mut got: Vec<Element>, fuzzy: bool) -> Option<String> {
    let by_labels = |left: &Element, right: &Element| left.0.cmp(&right.0);
    expected.sort_by(by_labels);
    got.sort_by(by_labels);
    let same = |left: &Element, right: &Element| left.0 == right.0 && is_same(left.1, right.1, fuzzy);
    difference(&expected, &got, same, |(labels, value)| format!("{labels} {}", format_number(*value)))
}

fn is_same(left: f64, right: f64, fuzzy: bool) -> bool {
    let are_neighbours = || left.next_up() == right || left.next_down() == right;
    left == right || (left.is_nan() && right.is_nan()) || (fuzzy && are_neighbours())
}

fn difference<T>(
    expected: &[T],
    got: &[T],
    same: impl Fn(&T, &T) -> bool,
    line: impl Fn(&T) -> String,
) -> Option<String> {
    let are_same =
        expected.len() == got.len() && expected.iter().zip(got).all(|(left, right)| same(left, right));
    if are_same {
        return None;
    }
    let missing = expected.iter().filter(|one| !got.iter().any(|other| same(one, other)));
    let beyond = got.iter().filter(|one| !expected.iter().any(|other| same(one, other)));
    let lines: Vec<String> = missing
        .map(|one| format!("  expected: {}", line(one)))
        .chain(beyond.map(|one| format!("  got:      {}", line(one))))
        .collect();
    Some(match lines.is_empty() {
        true => format!("  expected {} of them, got {}", expected.len(), got.len()),
        false => lines.join("\n"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(name: &str) -> Labels {
        Labels::new([("a", name)])
    }

    #[test]
    fn what_is_missing_and_what_is_too_much_is_named() {
        let (one, two) = ((labels("1"), 1.0), (labels("2"), 2.0));
        assert_eq!(elements(vec![one.clone(), two.clone()], vec![two.clone(), one.clone()], false), None);
        let shown = elements(vec![one.clone()], vec![(labels("1"), 1.5), two.clone()], false).unwrap();
        assert_eq!(shown, "  expected: {a=\"1\"} 1\n  got:      {a=\"1\"} 1.5\n  got:      {a=\"2\"} 2");
        assert_eq!(
            elements(vec![one.clone()], vec![one.clone(), one.clone()], false).unwrap(),
            "  expected 1 of them, got 2"
        );
        let shown = alerts(vec![(labels("1"), labels("x"))], Vec::new()).unwrap();
        assert_eq!(shown, "  expected: {a=\"1\"} with annotations {a=\"x\"}");
    }

    #[test]
    fn values_are_the_same_to_the_last_bit_unless_that_is_not_asked_for() {
        let sum = 0.1 + 0.2;
        assert!(!is_same(0.3, sum, false) && is_same(0.3, sum, true) && !is_same(0.3, 0.31, true));
        assert!(is_same(f64::NAN, f64::NAN, false) && is_same(f64::INFINITY, f64::INFINITY, true));
    }
}
