//! Series and values as scripts write them, and queries at a fixed time.

use custos_promql::{Expr, Labels, MatchOperator, Span, TimeShift, parse_duration, parse_selector};

/// `5m`, `1h30m` or seconds, in milliseconds.
pub(super) fn duration_ms(text: &str) -> Result<i64, String> {
    let (sign, size) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let seconds = parse_duration(size).ok_or_else(|| format!("{text:?} is no duration"))?;
    Ok(sign * (seconds * 1e3).round() as i64)
}

/// The metric at the start of a line, and what follows it.
pub(super) fn metric(line: &str) -> Result<(Labels, &str), String> {
    let mut quote = None;
    let mut escaped = false;
    let mut depth = 0;
    let mut end = line.len();
    for (index, c) in line.char_indices() {
        match (quote, c) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), _) if open == c => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'' | '`') => quote = Some(c),
            (None, '{') => depth += 1,
            (None, '}') => depth -= 1,
            (None, c) if c.is_whitespace() && depth == 0 => {
                end = index;
                break;
            }
            (None, _) => {}
        }
    }
    let (text, rest) = line.split_at(end);
    let selector = parse_selector(text).map_err(|error| format!("{text}: {}", error.one_line(text)))?;
    if selector.matchers.iter().any(|matcher| matcher.operator() != MatchOperator::Equal) {
        return Err(format!("{text} is no metric"));
    }
    Ok((Labels::new(selector.matchers.iter().map(|matcher| (matcher.name(), matcher.value()))), rest))
}

/// A value of a sequence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Item {
    Value(f64),
    Missing,
    Stale,
}

/// `1+2x5 _x3 stale 7`: values one after the other.
pub(super) fn items(text: &str) -> Result<Vec<Item>, String> {
    let mut items = Vec::new();
    for word in text.split_whitespace() {
        let (value, times) = match word.rsplit_once('x') {
            Some((value, times)) if !value.is_empty() && times.bytes().all(|byte| byte.is_ascii_digit()) => {
                (value, Some(times.parse::<usize>().map_err(|error| error.to_string())?))
            }
            _ => (word, None),
        };
        match value {
            "_" => items.extend(vec![Item::Missing; times.unwrap_or(1)]),
            "stale" => items.push(Item::Stale),
            _ => {
                let (start, step) = progression(value)?;
                let count = times.map_or(1, |times| times + 1);
                let mut next = start;
                for _ in 0..count {
                    items.push(Item::Value(next));
                    next += step;
                }
            }
        }
    }
    Ok(items)
}

/// `1+2`, `1-2`, `1`: a start and by how much it grows.
fn progression(text: &str) -> Result<(f64, f64), String> {
    let sign = text
        .char_indices()
        .skip(1)
        .find(|(index, c)| matches!(c, '+' | '-') && !text[..*index].ends_with(['e', 'E']))
        .map(|(index, _)| index);
    let number = |text: &str| {
        let text = text.strip_prefix('+').unwrap_or(text);
        match text.to_ascii_lowercase().as_str() {
            "inf" => Ok(f64::INFINITY),
            "-inf" => Ok(f64::NEG_INFINITY),
            "nan" | "-nan" => Ok(f64::NAN),
            _ => match i64::from_str_radix(text.trim_start_matches("0x"), 16) {
                Ok(hex) if text.starts_with("0x") => Ok(hex as f64),
                _ => text.parse().map_err(|_| format!("{text:?} is no value")),
            },
        }
    };
    match sign {
        Some(at) => Ok((number(&text[..at])?, number(&text[at..])?)),
        None => Ok((number(text)?, 0.0)),
    }
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
