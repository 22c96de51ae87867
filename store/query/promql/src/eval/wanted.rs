//! What a comparison with a number lets through, so that what it drops anyway need not be computed.

use super::elementwise::comparison;
use crate::ast::{Binary, Expr, Operator};
use crate::functions::{Kind, Window};
use crate::span::Span;

/// Values on one side of a number, which is all that a comparison wants of a window function.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Wanted {
    number: f64,
    is_above: bool,
    /// Whether the function comes to one of the values of its window, or to something among them; else to how much they grow.
    pub(super) is_among: bool,
    /// Where the function stands that is compared.
    pub(super) span: Span,
}

/// By how much of the size of the values that it is made of a result may be beyond what it is without rounding, and more than that
/// by far.
const ROUNDED: f64 = 1e-9;

impl Wanted {
    /// Of a comparison of a function with a number.
    pub(super) fn of(binary: &Binary) -> Option<Wanted> {
        if binary.returns_bool || comparison(binary.operator).is_none() {
            return None;
        }
        let (call, number, is_swapped) = match (binary.left.unwrapped(), binary.right.unwrapped()) {
            (Expr::Call(call), Expr::Number(number)) => (call, number.value, false),
            (Expr::Number(number), Expr::Call(call)) => (call, number.value, true),
            _ => return None,
        };
        let is_greater = match binary.operator {
            Operator::Greater | Operator::GreaterEqual => true,
            Operator::Less | Operator::LessEqual => false,
            _ => return None,
        };
        let is_among = matches!(
            call.function.kind,
            Kind::Window(Window::Avg | Window::Min | Window::Max | Window::First | Window::Last)
        );
        let grows = matches!(call.function.kind, Kind::Window(Window::Rate | Window::Increase));
        let wanted = Wanted { number, is_above: is_greater != is_swapped, is_among, span: call.span };
        (is_among || grows).then_some(wanted)
    }

    /// Whether a window of any of these values may come to one that is wanted.
    pub(super) fn may_be_of(self, values: &[f64]) -> bool {
        let (least, most) = extremes(values);
        self.may_be_between(least, most)
    }

    /// Whether something from one value up to another, but for rounding, may be wanted.
    #[inline]
    pub(super) fn may_be_between(self, least: f64, most: f64) -> bool {
        let rounded = least.abs().max(most.abs()) * ROUNDED;
        // What cannot be compared may be wanted.
        match self.is_above {
            true => !matches!((most + rounded).partial_cmp(&self.number), Some(std::cmp::Ordering::Less)),
            false => {
                !matches!((least - rounded).partial_cmp(&self.number), Some(std::cmp::Ordering::Greater))
            }
        }
    }
}

/// The least and the greatest value, but for NaN. In lanes, so that no comparison waits for the one before.
fn extremes(values: &[f64]) -> (f64, f64) {
    const LANES: usize = 8;
    let (mut least, mut most) = ([f64::INFINITY; LANES], [f64::NEG_INFINITY; LANES]);
    let (whole, rest) = values.as_chunks::<LANES>();
    for values in whole {
        for lane in 0..LANES {
            least[lane] = if values[lane] < least[lane] { values[lane] } else { least[lane] };
            most[lane] = if values[lane] > most[lane] { values[lane] } else { most[lane] };
        }
    }
    let all = |lanes: [f64; LANES], better: fn(f64, f64) -> f64, start: f64| {
        lanes.iter().chain(rest).fold(start, |best, value| better(best, *value))
    };
    (all(least, f64::min, f64::INFINITY), all(most, f64::max, f64::NEG_INFINITY))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::parse;
    use crate::source::is_ended;
    use crate::{ENDED, Labels, Memory, Options, at};

    fn over(query: &str, memory: &Memory, times: &[i64]) -> Vec<f64> {
        let mut all = Vec::new();
        at(&parse(query).unwrap(), memory, times, &Options::default(), &mut |slab, rows| {
            match rows.unwrap().into_iter().next() {
                Some(row) => all.extend(row.values),
                None => all.extend(slab.iter().map(|_| ENDED)),
            }
            true
        })
        .unwrap();
        all
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn what_is_left_out_is_what_the_comparison_drops(
            waves in prop::collection::vec((0.0..50.0, 1_usize..500), 1..8),
            odd in prop::collection::vec(
                (0_usize..1500, prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY), Just(-1e300), Just(-0.0)]),
                0..3,
            ),
            limit in prop_oneof![4 => 0.0..50.0, 1 => Just(f64::NAN), 1 => Just(f64::NEG_INFINITY), 1 => Just(0.0)],
        ) {
            let mut values: Vec<f64> =
                waves.iter().flat_map(|(height, length)| (0..*length).map(move |at| height + (at % 7) as f64 * 0.3)).collect();
            for (at, value) in odd {
                if let Some(place) = values.get_mut(at) {
                    *place = value;
                }
            }
            let (mut memory, labels) = (Memory::default(), Labels::new([("__name__", "m")]));
            values.iter().zip(0..).for_each(|(value, at)| memory.insert(&labels, at * 10_000, *value));
            let times: Vec<i64> = (0..values.len() as i64 + 10).map(|at| at * 10_000 + 3).collect();
            let functions =
                ["avg_over_time", "min_over_time", "max_over_time", "first_over_time", "last_over_time", "rate", "increase"];
            for function in functions {
                let call = format!("{function}(m[1m])");
                let plain = over(&call, &memory, &times);
                let limits = [limit, values[values.len() / 2], limit / 100.0, plain[plain.len() / 2]];
                for (operator, holds) in [
                    (">", (|value, limit| value > limit) as fn(f64, f64) -> bool),
                    (">=", |value, limit| value >= limit),
                    ("<", |value, limit| value < limit),
                    ("<=", |value, limit| value <= limit),
                ] {
                    for limit in limits {
                        let compared = over(&format!("{call} {operator} {limit}"), &memory, &times);
                        for ((plain, compared), time) in plain.iter().zip(&compared).zip(&times) {
                            let is_kept = !is_ended(*plain) && holds(*plain, limit);
                            let expected = if is_kept { *plain } else { ENDED };
                            // A mean that is put together from other parts may be rounded otherwise.
                            let is_same = expected.to_bits() == compared.to_bits()
                                || (plain - limit).abs() <= 1e-12 * limit.abs()
                                || (expected - compared).abs() <= 1e-12 * expected.abs();
                            prop_assert!(is_same, "{call} {operator} {limit} at {time}: {expected} and {compared}");
                        }
                    }
                }
            }
        }
    }
}
