//! `series`, `labels`, `label/NAME/values`.

use std::collections::HashSet;

use custos_promql::limits::REGEXES_MAX;
use custos_promql::{ErrorKind, Labels, MatchOperator, Matcher, parse_selector};
use custos_query::StoreSource;

use super::json;
use super::request::Request;
use super::times::{limit, time_or};
use crate::http::params::decoded;
use crate::http::reply::{Failure, Notes, Reply, write_texts};
use crate::limits::HTTP_MATCH_SETS_MAX;

/// All series that fulfil one of the conditions.
pub(super) fn series(request: &Request<'_>) -> Result<Reply, Reply> {
    let limit = limit(&request.params)?;
    if request.params.all("match[]").next().is_none() {
        return Err(Reply::failure(Failure::BadData, "no match[] parameter provided"));
    }
    let (mut found, mut notes) = found(request, |what| Reply::invalid("match[]", what))?;
    // The series of a check come sorted, so that runs are merged.
    found.sort();
    found.dedup();
    let labels = limited(found, limit, &mut notes);
    let bytes = labels.iter().map(json::bytes_of_labels).sum();
    Ok(Reply::written(bytes, &notes, |body| json::list(body, &labels, json::write_labels)))
}

/// The names of all labels.
pub(super) fn names(request: &Request<'_>) -> Result<Reply, Reply> {
    let limit = limit(&request.params)?;
    let (found, notes) = found(request, bad_data)?;
    let names = found.iter().flat_map(|labels| labels.iter().map(|label| &*label.name));
    Ok(texts(names, limit, notes))
}

/// All values of a label.
pub(super) fn values(request: &Request<'_>, name: &str) -> Result<Reply, Reply> {
    let name = unescaped(&decoded(name));
    if name.is_empty() {
        return Err(Reply::failure(Failure::BadData, &format!("invalid label name: {name:?}")));
    }
    let limit = limit(&request.params)?;
    let (found, notes) = found(request, bad_data)?;
    let values = found.iter().map(|labels| labels.get(&name)).filter(|value| !value.is_empty());
    Ok(texts(values, limit, notes))
}

fn bad_data(what: &str) -> Reply {
    Reply::failure(Failure::BadData, what)
}

/// The different ones of these, sorted. Mostly there are few.
fn texts<'a>(all: impl Iterator<Item = &'a str>, limit: Option<usize>, mut notes: Notes) -> Reply {
    let different: HashSet<&str> = all.collect();
    let mut texts: Vec<&str> = different.into_iter().collect();
    texts.sort_unstable();
    let texts = limited(texts, limit, &mut notes);
    let bytes = texts.iter().map(|text| text.len() + 3).sum();
    Reply::written(bytes, &notes, |body| write_texts(body, &texts))
}

fn limited<T>(mut items: Vec<T>, limit: Option<usize>, notes: &mut Notes) -> Vec<T> {
    if let Some(limit) = limit.filter(|limit| items.len() > *limit) {
        items.truncate(limit);
        notes.warnings.push("results truncated due to limit".to_owned());
    }
    items
}

/// The conditions of each `match[]`.
pub(super) fn match_sets(
    request: &Request<'_>,
    refuse: impl Fn(&str) -> Reply,
) -> Result<Vec<Vec<Matcher>>, Reply> {
    let mut sets: Vec<Vec<Matcher>> = Vec::new();
    let mut regexes = 0;
    for text in request.params.all("match[]") {
        if sets.len() == HTTP_MATCH_SETS_MAX || regexes > REGEXES_MAX {
            return Err(refuse(&format!(
                "more than {HTTP_MATCH_SETS_MAX} of them, or than {REGEXES_MAX} regular expressions in all"
            )));
        }
        match parse_selector(text) {
            Ok(selector) if selector.selects_all() => {
                return Err(refuse("match[] must contain at least one non-empty matcher"));
            }
            Ok(selector) => {
                regexes += selector.matchers.iter().filter(|matcher| matcher.operator().is_regex()).count();
                sets.push(selector.matchers);
            }
            Err(error) => return Err(refuse(&error.one_line(text))),
        }
    }
    Ok(sets)
}

/// The labels of the series that fulfil one of the conditions of `match[]`, or all if there are none.
fn found(request: &Request<'_>, refuse: impl Fn(&str) -> Reply) -> Result<(Vec<Labels>, Notes), Reply> {
    let from_ms = time_or(&request.params, "start", i64::MIN)?;
    let to_ms = time_or(&request.params, "end", i64::MAX)?;
    let mut sets = match_sets(request, refuse)?;
    if sets.is_empty() {
        sets.extend(Matcher::new("__name__", MatchOperator::NotEqual, "").ok().map(|any| vec![any]));
    }
    let source = StoreSource::new(request.snapshot);
    let mut all = Vec::new();
    for matchers in &sets {
        if let Some(kind) = (request.interrupt)(None) {
            let failure = if kind == ErrorKind::Timeout { Failure::Timeout } else { Failure::Canceled };
            return Err(Reply::failure(failure, "the request is given up"));
        }
        all.extend(source.labels(matchers, from_ms, to_ms));
    }
    let warnings = source.damages().into_iter().map(|what| format!("the store is damaged: {what}")).collect();
    Ok((all, Notes { warnings, infos: Vec::new() }))
}

/// The name of a label as it is in an address: `U__a_2e_b` is `a.b`, two underscores are one, and others are as they are.
fn unescaped(name: &str) -> String {
    let Some(escaped) = name.strip_prefix("U__") else { return name.to_owned() };
    let mut out = String::new();
    let mut rest = escaped;
    while let Some(at) = rest.find('_') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('_') {
            out.push('_');
            rest = after;
            continue;
        }
        let code = rest.find('_').and_then(|end| Some((end, u32::from_str_radix(&rest[..end], 16).ok()?)));
        match code.and_then(|(end, code)| Some((end, char::from_u32(code)?))) {
            Some((end, c)) => {
                out.push(c);
                rest = &rest[end + 1..];
            }
            // What is no escape makes the whole name one that was not escaped.
            None => return name.to_owned(),
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_addresses_are_unescaped() {
        for (escaped, name) in [
            ("job", "job"),
            ("U__a_2e_b", "a.b"),
            ("U__a__b", "a_b"),
            ("U___e4_", "ä"),
            ("U__a_zz_", "U__a_zz_"),
        ] {
            assert_eq!(unescaped(escaped), name);
        }
    }
}
