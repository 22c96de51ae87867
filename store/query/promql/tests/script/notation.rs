//! Lengths of time as scripts write them, and queries at a fixed time.

use custos_promql::{Expr, Span, TimeShift, parse_duration};

/// `5m`, `1h30m` or seconds, in milliseconds.
pub(super) fn duration_ms(text: &str) -> Result<i64, String> {
    let (sign, size) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let seconds = parse_duration(size).ok_or_else(|| format!("{text:?} is no duration"))?;
    Ok(sign * (seconds * 1e3).round() as i64)
}

/// The query with all its selectors and subqueries at a time, but those that have one.
pub(super) fn fixed_at(expr: &Expr, query: &str, at_ms: i64) -> String {
    let mut marks = Vec::new();
    places(expr, &mut marks);
    marks.sort_by_key(|span| std::cmp::Reverse(span.end));
    let mut out = query.to_owned();
    for span in marks {
        out.insert_str(span.end as usize, &format!(" @ {:.3}", at_ms as f64 / 1e3));
    }
    out
}

fn places(expr: &Expr, marks: &mut Vec<Span>) {
    let mut mark = |time: &TimeShift, span: Span| {
        if time.at.is_none() {
            marks.push(span);
        }
    };
    match expr {
        Expr::Selector(selector) => mark(&selector.time, selector.span),
        Expr::Range(range) => mark(&range.selector.time, range.span),
        // What is within moves with it.
        Expr::Subquery(subquery) => mark(&subquery.time, subquery.span),
        _ => expr.children().into_iter().for_each(|child| places(child, marks)),
    }
}
