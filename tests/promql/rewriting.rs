//! Queries in parts and in other words, as `grammar.rs` writes them.

use std::ops::Range;

/// Functions of a time.
pub(crate) const DATES: [&str; 8] =
    ["minute", "hour", "day_of_week", "day_of_month", "day_of_year", "days_in_month", "month", "year"];

/// Where the arguments of these functions or aggregations stand, by where they begin.
pub(crate) fn calls(query: &str, names: &[&str]) -> Vec<Range<usize>> {
    named_calls(query, names).into_iter().map(|(_, arguments)| arguments).collect()
}

/// The same with where the name begins.
fn named_calls(query: &str, names: &[&str]) -> Vec<(usize, Range<usize>)> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = Vec::new();
    for name in names {
        for (at, _) in query.match_indices(name) {
            let rest = &query[at + name.len()..];
            if rest.starts_with(is_word) || query[..at].ends_with(is_word) {
                continue;
            }
            let Some(mut open) = after_parenthesis(query, at + name.len()) else { continue };
            if rest.starts_with(" by") || rest.starts_with(" without") {
                let behind =
                    closing(&query[open..]).and_then(|labels| after_parenthesis(query, open + labels));
                let Some(behind) = behind else { continue };
                open = behind;
            }
            if let Some(length) = closing(&query[open..]).filter(|length| *length > 0) {
                found.push((at, open..open + length));
            }
        }
    }
    found.sort_by_key(|(_, range)| range.start);
    found
}

fn after_parenthesis(query: &str, from: usize) -> Option<usize> {
    query[from..].find('(').map(|at| from + at + 1)
}

/// Calls of these, from the name to the end of what they are grouped by.
pub(crate) fn whole_calls(query: &str, names: &[&str]) -> Vec<String> {
    let whole = |(at, arguments): (usize, Range<usize>)| {
        let mut end = arguments.end + 1;
        let rest = &query[end..];
        if rest.starts_with(" by (") || rest.starts_with(" without (") {
            end += rest.find(')').unwrap_or_default() + 1;
        }
        query[at..end].to_owned()
    };
    named_calls(query, names).into_iter().map(whole).collect()
}

/// Arguments, each by itself.
pub(crate) fn split_arguments(arguments: &str) -> Vec<&str> {
    let (mut depth, mut quoted, mut start) = (0, false, 0);
    let mut all = Vec::new();
    for (at, c) in arguments.char_indices() {
        quoted ^= c == '"';
        match c {
            _ if quoted => {}
            '(' | '{' | '[' => depth += 1,
            ')' | '}' | ']' => depth -= 1,
            ',' if depth == 0 => {
                all.push(arguments[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    all.push(arguments[start..].trim());
    all
}

/// The query with these functions taken of values between two bounds only, if it has any.
pub(crate) fn bounded(query: &str, names: &[&str], least: &str, most: &str) -> Option<String> {
    let parts = calls(query, names);
    let after = format!(") > {least} < {most}");
    let starts = parts.iter().map(|part| (part.start, "("));
    let ends = parts.iter().map(|part| (part.end, &after[..]));
    let mut places: Vec<(usize, &str)> = starts.chain(ends).collect();
    places.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    let mut out = query.to_owned();
    places.into_iter().for_each(|(at, text)| out.insert_str(at, text));
    (!parts.is_empty()).then_some(out)
}

/// The query with all means over time, or else between series, as quotients, if it has any.
pub(crate) fn quotients(query: &str) -> Option<String> {
    let over_time = named_calls(query, &["avg_over_time"]);
    if let Some((at, arguments)) = over_time.last() {
        let argument = &query[arguments.clone()];
        let quotient = format!("(sum_over_time({argument}) / count_over_time({argument}))");
        let mut out = query.to_owned();
        out.replace_range(*at..arguments.end + 1, &quotient);
        return Some(quotients(&out).unwrap_or(out));
    }
    let means = whole_calls(query, &["avg"]);
    let mean = means.last()?;
    let other = |name: &str| mean.replacen("avg", name, 1);
    let out = query.replacen(mean, &format!("({} / {})", other("sum"), other("count")), 1);
    Some(quotients(&out).unwrap_or(out))
}

/// The query with no time fixed by `@`, if one is.
pub(crate) fn without_at(query: &str) -> Option<String> {
    let mut pieces = query.split(" @ ");
    let mut out = pieces.next()?.to_owned();
    for piece in pieces {
        let rest = piece.strip_prefix("start()").or(piece.strip_prefix("end()"));
        let number = |c: char| c.is_ascii_digit() || c == '.';
        out.push_str(rest.unwrap_or_else(|| piece.trim_start_matches(number)));
    }
    query.contains(" @ ").then_some(out)
}

/// Where the parenthesis closes that was opened before a text.
fn closing(text: &str) -> Option<usize> {
    let (mut depth, mut quoted) = (0, false);
    text.char_indices().find_map(|(at, c)| {
        quoted ^= c == '"';
        match c {
            _ if quoted => {}
            '(' => depth += 1,
            ')' if depth == 0 => return Some(at),
            ')' => depth -= 1,
            _ => {}
        }
        None
    })
}

#[test]
fn queries_are_taken_apart() {
    let query = "sum by (a) (avg(x, \")\") by (b)) + topk by () (1, y{a=\"(\"})";
    assert_eq!(whole_calls(query, &["avg"]), ["avg(x, \")\") by (b)"]);
    assert_eq!(whole_calls(query, &["topk"]), ["topk by () (1, y{a=\"(\"})"]);
    assert_eq!(&query[calls(query, &["topk"])[0].clone()], "1, y{a=\"(\"}");
    assert_eq!(split_arguments("1, y{a=\"(\", b=\"\"}"), ["1", "y{a=\"(\", b=\"\"}"]);
    assert_eq!(quotients("avg(a) by (b)").unwrap(), "(sum(a) by (b) / count(a) by (b))");
    assert_eq!(
        quotients("avg_over_time(avg_over_time(a[1m])[5m:])").unwrap().matches("sum_over_time").count(),
        3
    );
    assert_eq!(bounded("year(a) + year()", &DATES, "1", "2").unwrap(), "year((a) > 1 < 2) + year()");
    assert_eq!(without_at("a @ 5.25 offset 1m + b[1m] @ end()").unwrap(), "a offset 1m + b[1m]");
}
