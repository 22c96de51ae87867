//! How bad an alert became.

use custos_promql::{Expr, Operator, ValueType};

use crate::rules::definition::Judge;

/// The worst value of an alert, and when it was so first (ms since the epoch).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Peak {
    /// The value.
    pub value: f64,
    /// When.
    pub at_ms: i64,
}

/// An alert that is over, or was dropped while it was pending, and how bad it had become.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    /// As it was last.
    pub alert: crate::rules::alert::Alert,
    /// How bad it became.
    pub peak: Peak,
}

/// Which values are worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worse {
    /// Those that are higher.
    Higher,
    /// Those that are lower.
    Lower,
}

impl Worse {
    /// Of what a rule judges by: the lower ones if its expression asks for values below something.
    pub fn of(judge: &Judge) -> Worse {
        match judge {
            Judge::Query { expr, .. } => Worse::of_expr(expr),
            Judge::Sequence(_) => Worse::Higher,
        }
    }

    fn of_expr(expr: &Expr) -> Worse {
        let Expr::Binary(binary) = expr.unwrapped() else { return Worse::Higher };
        let is_below = matches!(binary.operator, Operator::Less | Operator::LessEqual);
        let is_above = matches!(binary.operator, Operator::Greater | Operator::GreaterEqual);
        // A comparison keeps the value of the vector, on whichever side it is.
        let is_right = binary.left.value_type() == ValueType::Scalar;
        match (is_below, is_above) {
            (true, _) if !is_right => Worse::Lower,
            (_, true) if is_right => Worse::Lower,
            _ if matches!(binary.operator, Operator::And | Operator::Unless) => Worse::of_expr(&binary.left),
            _ => Worse::Higher,
        }
    }

    /// Whether one value is worse than another. NaN is worse than nothing only.
    pub fn is_worse(self, value: f64, than: f64) -> bool {
        match self {
            Worse::Higher => value > than || than.is_nan() && !value.is_nan(),
            Worse::Lower => value < than || than.is_nan() && !value.is_nan(),
        }
    }
}
