//! The differences that are meant, each with the rule by which it is recognised.
//!
//! They stand in `docs/promql-differences.md` with their reasons.

use crate::answer::{Answer, Sameness, compare, same_values};
use crate::ask::Asked;
use crate::engines::Engines;
use crate::rewriting::{DATES, bounded, calls, quotients, split_arguments, whole_calls, without_at};

/// A difference that is meant.
struct Difference {
    /// What differs, as a heading of the page says it.
    name: &'static str,
    rule: Rule,
}

/// How a difference is recognised.
enum Rule {
    /// By what Prometheus refuses, and Custos answers.
    Refused(&'static str),
    /// The query without that to which the difference is due, or nothing if it has none: its answers are the same.
    Without(fn(&str) -> Option<String>),
    /// The query in other words, which Prometheus answers as Custos answers the query itself.
    Reworded(fn(&str) -> Option<String>),
    /// By a call of one of these, whose values are the same, and which chooses among equal ones.
    OtherSeries(&'static [&'static str]),
    /// By a call of one of these, whose argument has other last digits.
    LastDigits(&'static [&'static str]),
}

/// All of them.
static DIFFERENCES: [Difference; 16] = [
    Difference {
        name: "names are dropped last",
        rule: Rule::Refused("vector cannot contain metrics with the same labelset"),
    },
    Difference {
        name: "labels may have any name",
        rule: Rule::Refused("invalid destination label name in label_"),
    },
    Difference {
        name: "atan2 drops the name",
        rule: Rule::Without(|query| query.contains(" atan2 ").then(|| query.replace(" atan2 ", " + "))),
    },
    Difference {
        name: "parts of times beyond the calendar",
        rule: Rule::Without(|query| bounded(query, &DATES, "-1e10", "1e10")),
    },
    Difference {
        name: "the variance of one value that is not finite",
        rule: Rule::Without(|query| bounded(query, &["stddev", "stdvar"], "-Inf", "Inf")),
    },
    Difference {
        name: "logarithms of the smallest numbers",
        rule: Rule::Without(|query| bounded(query, &["ln"], "2.3e-308", "Inf")),
    },
    Difference {
        name: "predict_linear of a fixed range",
        rule: Rule::Without(|query| query.contains("predict_linear(").then(|| without_at(query)).flatten()),
    },
    Difference {
        name: "timestamp of a selector with @ and offset",
        rule: Rule::Without(|query| {
            (query.contains("timestamp(") && query.contains(" offset ")).then(|| without_at(query)).flatten()
        }),
    },
    Difference {
        name: "a parameter that changes over a fixed vector",
        rule: Rule::Without(|query| {
            let is_fixed = query.contains("vector(");
            // `vector` of what changes is not fixed, though it comes to the same.
            let moving = || is_fixed.then(|| query.replace("vector(", "vector(0 * time() + "));
            query.contains("(scalar(").then(|| without_at(query).or_else(moving)).flatten()
        }),
    },
    Difference { name: "which of equal values are picked", rule: Rule::OtherSeries(&["topk", "bottomk"]) },
    Difference { name: "means are sums by counts", rule: Rule::Reworded(quotients) },
    Difference {
        name: "last digits that decide",
        rule: Rule::LastDigits(&[
            "count_values",
            "round",
            "floor",
            "ceil",
            "topk",
            "bottomk",
            "sin",
            "cos",
            "tan",
        ]),
    },
    Difference {
        name: "remainders of what has other last digits",
        rule: Rule::Without(|query| {
            (query.contains(" % ") && is_inexact(query)).then(|| query.replace(" % ", " + "))
        }),
    },
    Difference {
        name: "differences of what has other last digits",
        rule: Rule::Without(|query| {
            (query.contains(" - ") && is_inexact(query)).then(|| query.replace(" - ", " + "))
        }),
    },
    Difference {
        name: "pairs that a comparison drops",
        rule: Rule::Without(|query| {
            let compares = COMPARISONS.iter().any(|operator| query.contains(operator));
            compares.then(|| COMPARISONS.iter().fold(query.to_owned(), |all, one| all.replace(one, " + ")))
        }),
    },
    Difference {
        name: "values as a label by which series are grouped",
        rule: Rule::Without(|query| {
            let is_so =
                query.contains("count_values") && query.contains("by (") && query.contains("(\"job\"");
            is_so.then(|| query.replace("(\"job\"", "(\"other\""))
        }),
    },
];

/// The difference that two answers have, if it is one that is meant.
pub(crate) fn meant(engines: &Engines, asked: &Asked, tolerance: f64) -> Option<&'static str> {
    let mut query = asked.query.clone();
    let again = |query: &str| Asked::of(engines, query, asked.when);
    let same = |asked: &Asked| compare(&asked.theirs, &asked.ours, tolerance, false);
    for difference in &DIFFERENCES {
        let is_it = match difference.rule {
            Rule::Refused(text) if fails_with(&asked.theirs, text) => {
                return matches!(asked.ours, Answer::Came { .. }).then_some(difference.name);
            }
            Rule::Refused(_) => false,
            Rule::Reworded(reworded) => reworded(&query).is_some_and(|other| {
                compare(&again(&other).theirs, &again(&query).ours, tolerance, false).is_ok()
            }),
            // The order in which 2.42 meets them may be another each time.
            Rule::OtherSeries(names) => {
                let whole = whole_calls(&query, names);
                calls(&query, names).into_iter().zip(whole).any(|(part, call)| {
                    let call = again(&call);
                    let argument = split_arguments(&query[part]).pop().map(again);
                    same_values(&call.theirs, &call.ours, tolerance)
                        && argument.is_some_and(|argument| argument.ours.has_equal_values())
                })
            }
            Rule::LastDigits(names) => calls(&query, names).into_iter().any(|part| {
                let arguments = split_arguments(&query[part]);
                arguments.iter().any(|argument| same(&again(argument)) == Ok(Sameness::Values))
            }),
            // Those before are left out, too: a query may have several.
            Rule::Without(without) => without(&query).is_some_and(|other| {
                query = other;
                same(&again(&query)).is_ok()
            }),
        };
        if is_it {
            return Some(difference.name);
        }
    }
    None
}

/// Operators that keep some pairs.
const COMPARISONS: [&str; 6] = [" == ", " != ", " >= ", " <= ", " > ", " < "];

/// Whether something in a query has other last digits from one library or order of terms to the next.
fn is_inexact(query: &str) -> bool {
    ["std", "exp", "log", "ln(", " ^ ", "odd", "sin", "cos", "tan", "avg", "predict_linear", "deriv"]
        .iter()
        .any(|part| query.contains(part))
}

fn fails_with(answer: &Answer, text: &str) -> bool {
    matches!(answer, Answer::Failed { message, .. } if message.contains(text))
}

#[test]
fn each_is_told_on_the_page() {
    let page = include_str!("../../docs/promql-differences.md");
    for difference in &DIFFERENCES {
        assert!(page.contains(&format!("| {} |", difference.name)), "{}", difference.name);
    }
}
