//! Series and values as Prometheus' test scripts and rule tests write them: `up{job="x"} 1+2x5 _x3 stale 7`.

use crate::labels::Labels;
use crate::matcher::MatchOperator;
use crate::parse::parse_selector;

/// Most values that one line may have.
const VALUES_MAX: usize = 1_000_000;

/// The metric at the start of a line, and what follows it.
///
/// # Errors
/// What is wrong with the metric.
pub fn metric(line: &str) -> Result<(Labels, &str), String> {
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
    if text == "{}" || text.is_empty() {
        return Ok((Labels::default(), rest));
    }
    let selector = parse_selector(text).map_err(|error| format!("{text}: {}", error.one_line(text)))?;
    if selector.matchers.iter().any(|matcher| matcher.operator() != MatchOperator::Equal) {
        return Err(format!("{text} is no metric"));
    }
    Ok((Labels::new(selector.matchers.iter().map(|matcher| (matcher.name(), matcher.value()))), rest))
}

/// A value of a sequence, each one step of time after the one before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Item {
    /// A sample.
    Value(f64),
    /// No sample.
    Missing,
    /// The series ends here.
    Stale,
}

/// `1+2x5 _x3 stale 7`: values one after the other.
///
/// # Errors
/// What is no value, or that there are too many.
pub fn items(text: &str) -> Result<Vec<Item>, String> {
    let mut items = Vec::new();
    for word in text.split_whitespace() {
        let (value, times) = match word.rsplit_once('x') {
            Some((value, times)) if !value.is_empty() && times.bytes().all(|byte| byte.is_ascii_digit()) => {
                (value, Some(times.parse::<usize>().map_err(|error| error.to_string())?))
            }
            _ => (word, None),
        };
        if times.unwrap_or(1).saturating_add(items.len()) > VALUES_MAX {
            return Err(format!("more than {VALUES_MAX} values"));
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_have_steps_gaps_and_ends() {
        let value = Item::Value;
        assert_eq!(
            items("1+2x2 -3 _ 5-1x1").unwrap(),
            [value(1.0), value(3.0), value(5.0), value(-3.0), Item::Missing, value(5.0), value(4.0)]
        );
        assert_eq!(
            items("_x2 stale 7x1").unwrap(),
            [Item::Missing, Item::Missing, Item::Stale, value(7.0), value(7.0)]
        );
        assert_eq!(items("Inf -inf 1e3").unwrap(), [f64::INFINITY, f64::NEG_INFINITY, 1e3].map(value));
        assert!(items("1x99999999999").is_err() && items("1 two").is_err());
    }

    #[test]
    fn a_metric_ends_at_the_first_blank_outside_of_its_labels() {
        let (labels, rest) = metric("up{a=\"b c}\", d='e'} 1 2").unwrap();
        assert_eq!((labels, rest), (Labels::new([("__name__", "up"), ("a", "b c}"), ("d", "e")]), " 1 2"));
        assert_eq!(metric("{} 1").unwrap(), (Labels::default(), " 1"));
        assert!(metric("up{a=~\"b\"} 1").is_err() && metric("up{ 1").is_err());
    }
}
