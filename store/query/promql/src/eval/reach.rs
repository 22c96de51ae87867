//! How far back an expression looks.

use super::options::LOOKBACK_MS;
use crate::ast::{Expr, TimeShift};

/// How far before its time of evaluation an expression looks at most (ms), with so long a look-back of selectors. None if it
/// looks at fixed times, or if that depends on the query.
pub fn reach_ms(expr: &Expr, lookback_ms: Option<i64>) -> Option<i64> {
    let shift = |time: &TimeShift| match (&time.at, &time.offset) {
        (Some(_), _) => None,
        (None, None) => Some(0),
        (None, Some(offset)) => offset.ms(0, 0).ok().map(|ms| ms.max(0)),
    };
    let length = |length: &crate::ast::Length| length.positive_ms(0, 0).ok();
    match expr {
        Expr::Selector(selector) => {
            shift(&selector.time).map(|ms| ms.saturating_add(lookback_ms.unwrap_or(LOOKBACK_MS)))
        }
        Expr::Range(range) => Some(shift(&range.selector.time)?.saturating_add(length(&range.range)?)),
        Expr::Subquery(subquery) => {
            let own = shift(&subquery.time)?.saturating_add(length(&subquery.range)?);
            Some(own.saturating_add(reach_ms(&subquery.expr, lookback_ms)?))
        }
        _ => expr
            .children()
            .into_iter()
            .map(|child| reach_ms(child, lookback_ms))
            .try_fold(0, |most, of| Some(most.max(of?))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse;

    #[test]
    fn the_reach_is_that_of_the_part_that_looks_back_furthest() {
        let reach = |query: &str| reach_ms(&parse(query).unwrap(), None);
        assert_eq!(reach("1"), Some(0));
        assert_eq!(reach("a + rate(b[10m])"), Some(600_000));
        assert_eq!(reach("a offset 1h > 3"), Some(3_900_000));
        assert_eq!(reach("a offset -1h"), Some(300_000));
        assert_eq!(reach("max_over_time(rate(a[1m])[1h:] offset 1m)"), Some(3_720_000));
        assert_eq!(reach("a @ 5"), None);
    }
}
