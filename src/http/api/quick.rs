//! Which requests are so little work that it is less to answer them than to hand them to another thread: what they cost is
//! bounded by what is known of the store already.

use custos_promql::{Expr, METRIC_NAME, MatchOperator, Matcher, parse, parse_selector};
use custos_query::StoreSource;
use custos_store::Snapshot;

use crate::http::params::Params;
use crate::limits::{HTTP_QUICK_SAMPLES_MAX, HTTP_QUICK_SERIES_MAX};

/// Whether a request for this path, of few bytes, takes no longer than some hundreds of microseconds.
pub(in crate::http) fn is_quick(path: &str, params: &Params, snapshot: &Snapshot) -> bool {
    match path {
        "/api/v1/query" => is_quick_query(params, snapshot),
        "/api/v1/labels" | "/api/v1/series" => is_quick_list(params, snapshot),
        "/api/v1/status/buildinfo" => true,
        path => path.starts_with("/api/v1/label/") && is_quick_list(params, snapshot),
    }
}

/// Whether regular expressions of a text are ones that are compiled at once: none repeats a number of times, nor has classes
/// by name. The first brace is that of their selector.
fn has_plain_patterns(text: &str) -> bool {
    let is_plain = text.matches('{').nth(1).is_none() && !text.contains('\\');
    is_plain || !(text.contains("=~") || text.contains("!~"))
}

fn is_quick_query(params: &Params, snapshot: &Snapshot) -> bool {
    let text = params.get("query");
    if params.has("lookback_delta") || !has_plain_patterns(text) {
        return false;
    }
    let Ok(expr) = parse(text) else { return true };
    let mut left = HTTP_QUICK_SAMPLES_MAX;
    spend(&expr, &StoreSource::new(snapshot), &mut left).is_some()
}

/// Takes from what may be read what an expression reads at one time; none if that is too little, or not known.
fn spend(expr: &Expr, source: &StoreSource<'_>, left: &mut u64) -> Option<()> {
    match expr {
        Expr::Number(_) => Some(()),
        Expr::Paren(paren) => spend(&paren.expr, source, left),
        Expr::Unary(unary) => spend(&unary.expr, source, left),
        Expr::Aggregation(aggregation) => spend(&aggregation.expr, source, left),
        Expr::Binary(binary) => {
            spend(&binary.left, source, left)?;
            spend(&binary.right, source, left)
        }
        Expr::Selector(selector) => {
            let known = source.known(&selector.matchers, HTTP_QUICK_SERIES_MAX)?;
            *left = left.checked_sub(known.samples)?;
            Some(())
        }
        Expr::Text(_) | Expr::Range(_) | Expr::Subquery(_) | Expr::Call(_) => None,
    }
}

fn is_quick_list(params: &Params, snapshot: &Snapshot) -> bool {
    let source = StoreSource::new(snapshot);
    let mut left = HTTP_QUICK_SERIES_MAX;
    let mut spend = |matchers: &[Matcher]| {
        let known = source.known(matchers, left)?;
        left = left.checked_sub(known.looked_through)?;
        Some(())
    };
    let mut texts = params.all("match[]").peekable();
    if texts.peek().is_none() {
        return Matcher::new(METRIC_NAME, MatchOperator::NotEqual, "")
            .is_ok_and(|any| spend(&[any]).is_some());
    }
    texts.all(|text| {
        has_plain_patterns(text)
            && parse_selector(text).is_ok_and(|selector| spend(&selector.matchers).is_some())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_that_may_take_long_to_compile_are_not_plain() {
        for (text, plain) in [
            ("up", true),
            ("up{a=\"x\\\\y{9}\"}", true),
            ("{a=~\".+\"}", true),
            ("{a=~\"x|y\"}", true),
            ("{a=~\"(x{99}){99}\"}", false),
            ("{a!~\"\\\\pL\"}", false),
            ("{a=~\"x\"} + {b=\"y\"}", false),
        ] {
            assert_eq!(has_plain_patterns(text), plain, "{text}");
        }
    }
}
