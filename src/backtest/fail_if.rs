//! A condition on the totals of a backtest: `alerts > 3/week`.

use super::interval::Backtest;
use super::totals::Totals;

/// A condition on a backtest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FailIf {
    of: Of,
    comparison: Comparison,
    limit: f64,
    /// A length of observed time that the limit is for (ms); none for all of it.
    per_ms: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    Alerts,
    Hours,
    Flaps,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Equal,
}

/// The form, for messages.
const FORM: &str = "expected `alerts`, `hours` or `flaps`, then >, >=, <, <= or ==, then a number, and perhaps /hour, \
                    /day, /week or /month: 'alerts > 3/week'";

impl std::str::FromStr for FailIf {
    type Err = String;

    fn from_str(text: &str) -> Result<FailIf, String> {
        read(text).ok_or_else(|| format!("{text:?} is no condition: {FORM}"))
    }
}

fn read(text: &str) -> Option<FailIf> {
    let at = text.find(['<', '>', '='])?;
    let of = match text[..at].trim() {
        "alerts" => Of::Alerts,
        "hours" => Of::Hours,
        "flaps" => Of::Flaps,
        _ => return None,
    };
    let rest = &text[at..];
    let forms = [
        (">=", Comparison::GreaterEqual),
        ("<=", Comparison::LessEqual),
        ("==", Comparison::Equal),
        (">", Comparison::Greater),
        ("<", Comparison::Less),
    ];
    let (rest, comparison) =
        forms.into_iter().find_map(|(sign, comparison)| Some((rest.strip_prefix(sign)?, comparison)))?;
    let (number, per) = match rest.split_once('/') {
        Some((number, per)) => (number, Some(per.trim())),
        None => (rest, None),
    };
    let day_ms = 86_400_000;
    let per_ms = match per {
        None => None,
        Some("hour") => Some(day_ms / 24),
        Some("day") => Some(day_ms),
        Some("week") => Some(7 * day_ms),
        Some("month") => Some(30 * day_ms),
        Some(_) => return None,
    };
    let limit = number.trim().parse().ok().filter(|limit: &f64| limit.is_finite())?;
    Some(FailIf { of, comparison, limit, per_ms })
}

impl FailIf {
    /// Whether it holds, and the number that was found: by the length that the limit is for, of the observed time. None if
    /// nothing was observed, as it cannot be told then.
    pub fn holds(&self, backtest: &Backtest, totals: &Totals) -> Option<(bool, f64)> {
        let observed_ms = backtest.observed_ms();
        if observed_ms == 0 {
            return None;
        }
        let all = match self.of {
            Of::Alerts => totals.alerts as f64,
            Of::Hours => totals.firing_ms as f64 / 3_600_000.0,
            Of::Flaps => totals.flaps as f64,
        };
        let found = self.per_ms.map_or(all, |per_ms| all * per_ms as f64 / observed_ms as f64);
        let holds = match self.comparison {
            Comparison::Less => found < self.limit,
            Comparison::LessEqual => found <= self.limit,
            Comparison::Greater => found > self.limit,
            Comparison::GreaterEqual => found >= self.limit,
            Comparison::Equal => found == self.limit,
        };
        Some((holds, found))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backtest::Span;

    #[test]
    fn a_limit_may_be_for_a_length_of_observed_time() {
        let day_ms = 86_400_000;
        let backtest = Backtest {
            span: Some(Span { since_ms: 0, until_ms: 28 * day_ms }),
            not_observed: vec![Span { since_ms: day_ms, until_ms: 15 * day_ms }],
            ..Backtest::default()
        };
        let totals = Totals { alerts: 7, firing_ms: 5_400_000, flaps: 1, ..Totals::default() };
        for (text, expected) in [
            ("alerts > 3/week", (true, 3.5)),
            ("alerts>4 / week", (false, 3.5)),
            ("alerts == 7", (true, 7.0)),
            ("hours >= 1.5", (true, 1.5)),
            ("flaps<1", (false, 1.0)),
            ("alerts <= 0.5/day", (true, 0.5)),
            ("alerts > 14/month", (true, 15.0)),
            ("alerts < 1/hour", (true, 7.0 / 336.0)),
        ] {
            assert_eq!(text.parse::<FailIf>().unwrap().holds(&backtest, &totals), Some(expected), "{text}");
        }
        for text in ["alerts > 0/week", "alerts < 1"] {
            let condition: FailIf = text.parse().unwrap();
            assert_eq!(condition.holds(&Backtest::default(), &totals), None, "{text}");
        }
        for wrong in
            ["alerts", "alerts > x", "alerts > 3/year", "hits > 3", "alerts => 3", "alerts > NaN", ""]
        {
            assert!(wrong.parse::<FailIf>().is_err(), "{wrong}");
        }
    }
}
