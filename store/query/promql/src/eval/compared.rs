//! An expression that is compared with a number, so that those who compare the same with several share what it comes to.

use super::at::TimedRow;
use super::binary::keep_where;
use crate::ast::{Expr, Operator};
use crate::source::is_ended;
use crate::value_type::ValueType;

/// A vector that is compared with a number, of which the values are kept for which that holds.
#[derive(Clone, Copy, Debug)]
pub struct Compared<'e> {
    /// The vector.
    pub vector: &'e Expr,
    /// How it is compared, as if it stood on the left.
    pub operator: Operator,
    /// With what.
    pub number: f64,
}

impl<'e> Compared<'e> {
    /// An expression as that, if it is one: the number may stand on either side.
    pub fn of(expr: &'e Expr) -> Option<Compared<'e>> {
        let Expr::Binary(binary) = expr.unwrapped() else { return None };
        let (vector, number, operator) = match (&binary.left, binary.right.unwrapped()) {
            (vector, Expr::Number(number)) => (vector, number.value, binary.operator),
            (left, _) => match left.unwrapped() {
                Expr::Number(number) => (&binary.right, number.value, mirrored(binary.operator)),
                _ => return None,
            },
        };
        let is_filter = binary.operator.is_comparison() && !binary.returns_bool;
        (is_filter && vector.value_type() == ValueType::Vector).then_some(Compared {
            vector,
            operator,
            number,
        })
    }

    /// What the whole expression comes to where the vector comes to these rows.
    pub fn keep(&self, rows: &[TimedRow]) -> Vec<TimedRow> {
        let kept = |row: &TimedRow| {
            let mut values = row.values.clone();
            keep_where(self.operator, &mut values, &[self.number], false);
            let is_empty = values.iter().all(|value| is_ended(*value));
            (!is_empty).then(|| TimedRow { labels: row.labels.clone(), values })
        };
        rows.iter().filter_map(kept).collect()
    }
}

/// The operator by which the right side is compared with the left one.
fn mirrored(operator: Operator) -> Operator {
    match operator {
        Operator::Less => Operator::Greater,
        Operator::LessEqual => Operator::GreaterEqual,
        Operator::Greater => Operator::Less,
        Operator::GreaterEqual => Operator::LessEqual,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::{Options, at};
    use crate::labels::Labels;
    use crate::memory::Memory;
    use crate::parse::parse;

    #[test]
    fn what_is_kept_is_what_the_whole_expression_comes_to() {
        let mut memory = Memory::default();
        for (name, values) in [("a", [1.0, 5.0, f64::NAN, 7.0]), ("b", [9.0, 9.0, 0.0, -1.0])] {
            let labels = Labels::new([("__name__", "m"), ("x", name)]);
            for (step, value) in (0..).zip(values) {
                memory.insert(&labels, step * 1000, value);
            }
        }
        let times = [0, 1000, 2000, 3000, 4000];
        let rows = |expr: &Expr| {
            let mut found = Vec::new();
            at(expr, &memory, &times, &Options::default(), &mut |_, rows| {
                found.extend(rows.unwrap());
                true
            })
            .unwrap();
            found
        };
        let bits = |rows: Vec<TimedRow>| -> Vec<(String, Vec<u64>)> {
            rows.into_iter()
                .map(|row| (row.labels.in_braces(), row.values.iter().map(|value| value.to_bits()).collect()))
                .collect()
        };
        for query in [
            "m > 4",
            "m != 5",
            "(m) == (9)",
            "m >= 5",
            "m < 5",
            "m <= 1",
            "avg_over_time(m[2s]) > 6",
            "m > 100",
            "-m < 0",
        ] {
            let expr = parse(query).unwrap();
            let compared = Compared::of(&expr).unwrap();
            assert_eq!(bits(compared.keep(&rows(compared.vector))), bits(rows(&expr)), "{query}");
        }
        for query in ["m", "m > bool 4", "m > m", "m + 4", "time() > bool 4"] {
            assert!(Compared::of(&parse(query).unwrap()).is_none(), "{query}");
        }
    }
}
