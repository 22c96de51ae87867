//! Functions that change labels.

use super::args::Args;
use super::merge::merged;
use super::value::Value;
use crate::error::{Error, Result};
use crate::limits::LABEL_BYTES_MAX;
use crate::matcher::METRIC_NAME;
use crate::pattern;

/// `label_replace(v, target, replacement, source, regex)`.
pub(super) fn replace(args: &Args<'_, '_>) -> Result<Value> {
    let (target, replacement, source, regex) = (args.text(1)?, args.text(2)?, args.text(3)?, args.text(4)?);
    let refuse = |what: &str, text: &str| {
        Err(Error::execution(args.call.span, format!("invalid {what} in label_replace(): {text}")))
    };
    let Ok(compiled) = pattern::anchored(&regex) else { return refuse("regular expression", &regex) };
    if target.is_empty() {
        return refuse("destination label name", &target);
    }
    let mut rows = args.vector(0)?;
    for (index, row) in rows.iter_mut().enumerate() {
        args.evaluator.check_at(index)?;
        let value = row.labels.get(&source).to_owned();
        let Some(captures) = compiled.captures(&value) else { continue };
        let expanded = expand(&replacement, &captures);
        args.evaluator.check_label(expanded.len(), args.call.span)?;
        row.labels = row.labels.with(&target, &expanded);
        if target == METRIC_NAME {
            row.drops_name = false;
        }
    }
    merged(rows, args.call.span).map(Value::Vector)
}

/// `$1`, `$name` and `${name}` in a replacement are what their groups caught, `$$` is a dollar; as in Go.
fn expand(replacement: &str, captures: &regex::Captures<'_>) -> String {
    let mut out = String::new();
    let mut rest = replacement;
    // What is too long is refused by whoever asked.
    while let Some(at) = rest.find('$').filter(|_| out.len() <= LABEL_BYTES_MAX) {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
            continue;
        }
        let is_name = |c: char| c.is_alphanumeric() || c == '_';
        let (name, after) = match rest.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            Some((name, after)) if !name.is_empty() && name.chars().all(is_name) => (name, after),
            _ => {
                let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
                rest.split_at(end)
            }
        };
        if name.is_empty() {
            // No name follows: the dollar is itself.
            out.push('$');
            continue;
        }
        let group = match name.parse::<usize>() {
            Ok(number) => captures.get(number),
            Err(_) => captures.name(name),
        };
        out.push_str(group.map_or("", |group| group.as_str()));
        rest = after;
    }
    out.push_str(rest);
    out
}

/// `label_join(v, target, separator, sources…)`.
pub(super) fn join(args: &Args<'_, '_>) -> Result<Value> {
    let (target, separator) = (args.text(1)?, args.text(2)?);
    let sources = (3..args.call.args.len()).map(|index| args.text(index)).collect::<Result<Vec<_>>>()?;
    let refuse = |what: &str| {
        Err(Error::execution(args.call.span, format!("invalid {what} label name in label_join(): ")))
    };
    if sources.iter().any(String::is_empty) {
        return refuse("source");
    }
    if target.is_empty() {
        return refuse("destination");
    }
    let mut rows = args.vector(0)?;
    for (index, row) in rows.iter_mut().enumerate() {
        args.evaluator.check_at(index)?;
        let values: Vec<&str> = sources.iter().map(|source| row.labels.get(source)).collect();
        let bytes: usize = values.iter().map(|value| value.len() + separator.len()).sum();
        args.evaluator.check_label(bytes, args.call.span)?;
        row.labels = row.labels.with(&target, &values.join(&separator));
        if target == METRIC_NAME {
            row.drops_name = false;
        }
    }
    merged(rows, args.call.span).map(Value::Vector)
}
