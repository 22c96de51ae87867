//! An expression as text, which reads as the same expression again. Spacing is that of Prometheus.

use std::fmt::{self, Write};

use crate::ast::{
    At, Binary, Expr, Group, Grouping, Length, LengthKind, LengthOperator, Matching, Operator, Selector,
    TimeShift,
};
use crate::matcher::{METRIC_NAME, MatchOperator, quoted, write_name};
use crate::number::plain_number;

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expr::Number(number) if number.is_duration => write_seconds(f, number.value),
            Expr::Number(number) => f.write_str(&plain_number(number.value)),
            Expr::Text(text) => f.write_str(&quoted(&text.value)),
            Expr::Selector(selector) => {
                write_series(f, selector)?;
                write_time(f, &selector.time)
            }
            Expr::Range(range) => {
                write_series(f, &range.selector)?;
                write!(f, "[{}]", range.range)?;
                write_time(f, &range.selector.time)
            }
            Expr::Subquery(subquery) => {
                write!(f, "{}[{}:", subquery.expr, subquery.range)?;
                if let Some(step) = &subquery.step {
                    write!(f, "{step}")?;
                }
                f.write_char(']')?;
                write_time(f, &subquery.time)
            }
            Expr::Call(call) => {
                write!(f, "{}(", call.function.name)?;
                write_list(f, &call.args, |f, arg| write!(f, "{arg}"))?;
                f.write_char(')')
            }
            Expr::Aggregation(aggregation) => {
                f.write_str(aggregation.operator.name())?;
                write_grouping(f, &aggregation.grouping)?;
                f.write_char('(')?;
                if let Some(param) = &aggregation.param {
                    write!(f, "{param}, ")?;
                }
                write!(f, "{})", aggregation.expr)
            }
            Expr::Binary(binary) => write_binary(f, binary),
            Expr::Unary(unary) => write!(f, "{}{}", if unary.negative { '-' } else { '+' }, unary.expr),
            Expr::Paren(paren) => write!(f, "({})", paren.expr),
        }
    }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.in_parens {
            f.write_char('(')?;
        }
        match &self.kind {
            LengthKind::Seconds(seconds, _) => write_seconds(f, *seconds)?,
            LengthKind::Step => f.write_str("step()")?,
            LengthKind::Range => f.write_str("range()")?,
            LengthKind::Negative(length) => write!(f, "-{length}")?,
            LengthKind::Binary(operator, left, right) => match operator {
                LengthOperator::MinOf => write!(f, "min_of({left}, {right})")?,
                LengthOperator::MaxOf => write!(f, "max_of({left}, {right})")?,
                LengthOperator::Add => write!(f, "{left} + {right}")?,
                LengthOperator::Sub => write!(f, "{left} - {right}")?,
                LengthOperator::Mul => write!(f, "{left} * {right}")?,
                LengthOperator::Div => write!(f, "{left} / {right}")?,
                LengthOperator::Mod => write!(f, "{left} % {right}")?,
                LengthOperator::Pow => write!(f, "{left} ^ {right}")?,
            },
        }
        if self.in_parens {
            f.write_char(')')?;
        }
        Ok(())
    }
}

/// `1h30m`; days, weeks and years only where they come out even.
fn write_seconds(f: &mut fmt::Formatter<'_>, seconds: f64) -> fmt::Result {
    let mut ms = (seconds.abs() * 1e3).round() as u64;
    if seconds < 0.0 {
        f.write_char('-')?;
    }
    if ms == 0 {
        return f.write_str("0s");
    }
    let units = [
        ("y", 365 * 86_400_000, true),
        ("w", 7 * 86_400_000, true),
        ("d", 86_400_000, true),
        ("h", 3_600_000, false),
        ("m", 60_000, false),
        ("s", 1_000, false),
        ("ms", 1, false),
    ];
    for (unit, length, only_even) in units {
        if ms / length > 0 && (!only_even || ms.is_multiple_of(length)) {
            write!(f, "{}{unit}", ms / length)?;
            ms %= length;
        }
    }
    Ok(())
}

fn write_list<T>(
    f: &mut fmt::Formatter<'_>,
    items: &[T],
    write: impl Fn(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            f.write_str(", ")?;
        }
        write(f, item)?;
    }
    Ok(())
}

fn write_labels(f: &mut fmt::Formatter<'_>, labels: &[String]) -> fmt::Result {
    f.write_char('(')?;
    write_list(f, labels, |f, label| write_name(f, label))?;
    f.write_char(')')
}

fn write_grouping(f: &mut fmt::Formatter<'_>, grouping: &Grouping) -> fmt::Result {
    if !grouping.without && grouping.labels.is_empty() {
        return Ok(());
    }
    f.write_str(if grouping.without { " without " } else { " by " })?;
    write_labels(f, &grouping.labels)?;
    f.write_char(' ')
}

/// The metric and the conditions, sorted; the condition that the name is makes it only once.
fn write_series(f: &mut fmt::Formatter<'_>, selector: &Selector) -> fmt::Result {
    let name = selector.name.as_deref().unwrap_or("");
    f.write_str(name)?;
    let is_name = |matcher: &&crate::matcher::Matcher| {
        matcher.name() == METRIC_NAME
            && matcher.operator() == MatchOperator::Equal
            && !name.is_empty()
            && matcher.value() == name
    };
    let mut shown: Vec<String> =
        selector.matchers.iter().filter(|matcher| !is_name(matcher)).map(ToString::to_string).collect();
    shown.sort_unstable();
    match (shown.is_empty(), name.is_empty()) {
        (true, false) => Ok(()),
        _ => write!(f, "{{{}}}", shown.join(",")),
    }
}

fn write_time(f: &mut fmt::Formatter<'_>, time: &TimeShift) -> fmt::Result {
    match time.at {
        None => {}
        Some(At::Time(ms)) => write!(f, " @ {:.3}", ms as f64 / 1e3)?,
        Some(At::Start) => f.write_str(" @ start()")?,
        Some(At::End) => f.write_str(" @ end()")?,
    }
    match &time.offset {
        None => Ok(()),
        Some(offset) => write!(f, " offset {offset}"),
    }
}

fn write_binary(f: &mut fmt::Formatter<'_>, binary: &Binary) -> fmt::Result {
    match &binary.left {
        // With its sign it would be read as the sign of the power.
        Expr::Number(number) if binary.operator == Operator::Pow && number.value == f64::INFINITY => {
            f.write_str("Inf")?
        }
        left => write!(f, "{left}")?,
    }
    write!(f, " {}", binary.operator.text())?;
    if binary.returns_bool {
        f.write_str(" bool")?;
    }
    write_matching(f, &binary.matching)?;
    write!(f, " {}", binary.right)
}

fn write_matching(f: &mut fmt::Formatter<'_>, matching: &Matching) -> fmt::Result {
    let grouped = matching.group != Group::OneToOne;
    if matching.on || !matching.labels.is_empty() || grouped {
        f.write_str(if matching.on { " on " } else { " ignoring " })?;
        write_labels(f, &matching.labels)?;
    }
    if grouped {
        f.write_str(if matching.group == Group::Left { " group_left " } else { " group_right " })?;
        write_labels(f, &matching.include)?;
    }
    let bits = |fill: Option<f64>| fill.map(f64::to_bits);
    match (matching.fill_left, matching.fill_right) {
        (Some(left), right) if bits(right) == Some(left.to_bits()) => write_fill(f, "fill", left),
        (left, right) => {
            if let Some(left) = left {
                write_fill(f, "fill_left", left)?;
            }
            right.map_or(Ok(()), |right| write_fill(f, "fill_right", right))
        }
    }
}

fn write_fill(f: &mut fmt::Formatter<'_>, word: &str, value: f64) -> fmt::Result {
    write!(f, " {word} ({})", plain_number(value))
}

#[cfg(test)]
mod tests {
    use crate::parse;

    #[test]
    fn what_is_printed_is_read_as_the_same() {
        for query in ["1 % Inf ^ x", "+Inf ^ 2", "-Inf ^ 2", "Inf + Inf", "2 ^ -Inf", "(Inf) ^ Inf"] {
            let printed = parse(query).unwrap().to_string();
            assert_eq!(parse(&printed).unwrap().to_string(), printed, "{query}");
        }
        assert_eq!(parse("1 % Inf ^ x").unwrap().to_string(), "1 % Inf ^ x");
    }
}
