//! Functions and operators of single values.

use crate::ast::Operator;
use crate::functions::Math;
use crate::source::ENDED;

/// A function of a value.
pub(super) fn math(function: Math) -> fn(f64) -> f64 {
    match function {
        Math::Abs => f64::abs,
        Math::Acos => f64::acos,
        Math::Acosh => f64::acosh,
        Math::Asin => f64::asin,
        Math::Asinh => asinh,
        Math::Atan => f64::atan,
        Math::Atanh => f64::atanh,
        Math::Ceil => f64::ceil,
        Math::Cos => f64::cos,
        Math::Cosh => f64::cosh,
        Math::Deg => |value| value * 180.0 / std::f64::consts::PI,
        Math::Exp => f64::exp,
        Math::Floor => f64::floor,
        Math::Ln => f64::ln,
        Math::Log10 => f64::log10,
        Math::Log2 => f64::log2,
        Math::Rad => |value| value * std::f64::consts::PI / 180.0,
        Math::Sgn => |value| match value {
            _ if value < 0.0 => -1.0,
            _ if value > 0.0 => 1.0,
            _ => value,
        },
        Math::Sin => f64::sin,
        Math::Sinh => f64::sinh,
        Math::Sqrt => f64::sqrt,
        Math::Tan => f64::tan,
        Math::Tanh => f64::tanh,
    }
}

/// The inverse of the hyperbolic sine. That of the standard library calls `hypot`, for which glibc 2.35 made a new version: a
/// program with it would not start on older systems.
fn asinh(value: f64) -> f64 {
    let size = value.abs();
    let result = if size > LARGE {
        size.ln() + std::f64::consts::LN_2
    } else {
        let square = size * size;
        (size + square / (1.0 + (square + 1.0).sqrt())).ln_1p()
    };
    result.copysign(value)
}

/// From here on a square is so large that one more makes no difference, and it may overflow.
const LARGE: f64 = 1e150;

/// To the nearest multiple; halves go up.
pub(super) fn round(value: f64, to: f64) -> f64 {
    let inverse = 1.0 / to;
    (value * inverse + 0.5).floor() / inverse
}

/// The least and the greatest value that are let through; NaN goes through, and bounds that are NaN make it NaN.
pub(super) fn clamp(value: f64, least: f64, most: f64) -> f64 {
    go_max(least, go_min(most, value))
}

/// The greater one; NaN if one is.
pub(super) fn go_max(one: f64, other: f64) -> f64 {
    match () {
        () if one.is_infinite() && one > 0.0 || other.is_infinite() && other > 0.0 => f64::INFINITY,
        () if one.is_nan() || other.is_nan() => f64::NAN,
        () => one.max(other),
    }
}

/// The lesser one; NaN if one is.
pub(super) fn go_min(one: f64, other: f64) -> f64 {
    match () {
        () if one.is_infinite() && one < 0.0 || other.is_infinite() && other < 0.0 => f64::NEG_INFINITY,
        () if one.is_nan() || other.is_nan() => f64::NAN,
        () => one.min(other),
    }
}

/// An operator that computes.
pub(super) fn arithmetic(operator: Operator) -> Option<fn(f64, f64) -> f64> {
    Some(match operator {
        Operator::Add => |left, right| left + right,
        Operator::Sub => |left, right| left - right,
        Operator::Mul => |left, right| left * right,
        Operator::Div => |left, right| left / right,
        Operator::Mod => |left, right| left % right,
        Operator::Pow => f64::powf,
        Operator::Atan2 => f64::atan2,
        _ => return None,
    })
}

/// An operator that compares.
pub(super) fn comparison(operator: Operator) -> Option<fn(f64, f64) -> bool> {
    Some(match operator {
        Operator::Equal => |left, right| left == right,
        Operator::NotEqual => |left, right| left != right,
        Operator::Less => |left, right| left < right,
        Operator::LessEqual => |left, right| left <= right,
        Operator::Greater => |left, right| left > right,
        Operator::GreaterEqual => |left, right| left >= right,
        _ => return None,
    })
}

/// What an operator makes of two elements: [`ENDED`] if a comparison drops them.
pub(super) fn element(operator: Operator, returns_bool: bool, left: f64, right: f64) -> f64 {
    match (arithmetic(operator), comparison(operator)) {
        (Some(compute), _) => compute(left, right),
        (None, Some(compare)) if returns_bool => f64::from(u8::from(compare(left, right))),
        (None, Some(compare)) if compare(left, right) => left,
        _ => ENDED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asinh_is_what_the_standard_library_says() {
        for value in [0.0, -0.0, 1e-300, 1e-9, 0.1, -0.5, 1.0, 3.7, -1e6, 1e149, 1e151, f64::INFINITY] {
            let (one, other) = (asinh(value), value.asinh());
            assert!(one == other || (one / other - 1.0).abs() < 1e-15, "{value}: {one}, {other}");
            assert_eq!(one.is_sign_negative(), value.is_sign_negative());
        }
        assert_eq!(asinh(f64::MAX), f64::MAX.ln() + std::f64::consts::LN_2);
        assert!(asinh(f64::NAN).is_nan());
    }
}
