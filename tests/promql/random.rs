//! Random expressions over random data.

use std::collections::BTreeMap;

use crate::answer::{Sameness, compare};
use crate::ask::{Asked, When};
use crate::data::{self, END, START};
use crate::differences::meant;
use crate::engines::Engines;
use crate::grammar::Grammar;

/// How far values may be apart, relative to them.
const TOLERANCE: f64 = 1e-9;
/// Expressions of the run that is part of all tests.
const FEW: u64 = 600;
/// So much is shown of an answer.
const SHOWN_CHARS: usize = 400;
/// So many differences are shown.
const SHOWN: usize = 40;

/// What came of all comparisons.
#[derive(Default)]
struct Tally {
    same: BTreeMap<String, u64>,
    listed: BTreeMap<&'static str, u64>,
    wrong: Vec<String>,
    values: usize,
}

impl Tally {
    fn take(&mut self, engines: &Engines, asked: &Asked) {
        let is_ordered = asked.query.starts_with("sort");
        match compare(&asked.theirs, &asked.ours, TOLERANCE, is_ordered) {
            Ok(sameness) => {
                *self.same.entry(format!("{sameness:?}")).or_default() += 1;
                if sameness != Sameness::Failure {
                    self.values += asked.theirs.len();
                }
            }
            Err(what) => match meant(engines, asked, TOLERANCE) {
                Some(name) => *self.listed.entry(name).or_default() += 1,
                None => self.wrong.push(shown(asked, &what)),
            },
        }
    }
}

fn shown(asked: &Asked, what: &str) -> String {
    let short =
        |answer: &dyn std::fmt::Debug| format!("{answer:?}").chars().take(SHOWN_CHARS).collect::<String>();
    format!(
        "{} {:?}\n    differ in {what}\n    Prometheus: {}\n    Custos:     {}",
        asked.query,
        asked.when,
        short(&asked.theirs),
        short(&asked.ours)
    )
}

/// A time half a second after a whole one, in or near the data.
fn time(grammar: &mut Grammar) -> f64 {
    (START - 600 + grammar.below((END - START + 1_200) as u64) as i64) as f64 + 0.5
}

fn span(grammar: &mut Grammar) -> When {
    let start = time(grammar);
    let step = [7, 15, 60, 61, 300][grammar.below(5) as usize];
    let steps = if grammar.chance(5) { 0 } else { 1 + grammar.below(40) as u32 };
    When::Range(start, start + f64::from(steps * step), step)
}

/// `CUSTOS_PROMQL_QUERY` asks one query over the data of the seed, and shows both answers.
fn ask_one(engines: &Engines, query: &str) {
    for when in
        [When::Instant(END as f64 - 600.5), When::Range(START as f64 - 300.5, END as f64 + 600.5, 300)]
    {
        let asked = Asked::of(engines, query, when);
        println!(
            "{}",
            shown(&asked, &format!("{:?}", compare(&asked.theirs, &asked.ours, TOLERANCE, false)))
        );
    }
}

#[test]
fn random_expressions_come_to_the_same() {
    let number = |name: &str| std::env::var(name).ok().map(|number| number.parse().unwrap());
    let seed = number("CUSTOS_PROMQL_SEED").unwrap_or(1);
    let count = number("CUSTOS_PROMQL_COUNT").unwrap_or(FEW);
    println!("CUSTOS_PROMQL_SEED={seed}");
    let engines = Engines::over(&data::mixed(seed));
    if let Ok(query) = std::env::var("CUSTOS_PROMQL_QUERY") {
        return ask_one(&engines, &query);
    }
    let mut grammar = Grammar::new(seed);
    let mut tally = Tally::default();
    for _ in 0..count {
        let query = grammar.query();
        let at = When::Instant(time(&mut grammar));
        tally.take(&engines, &Asked::of(&engines, &query, at));
        tally.take(&engines, &Asked::of(&engines, &query, span(&mut grammar)));
    }
    println!("{count} expressions, each once and over a span: {} values", tally.values);
    println!("the same: {:?}\nlisted differences: {:?}", tally.same, tally.listed);
    tally.wrong.iter().take(SHOWN).for_each(|wrong| println!("{wrong}"));
    assert!(tally.wrong.is_empty(), "{} differences of seed {seed}", tally.wrong.len());
    // Queries that select nothing or fail would prove nothing.
    assert!(tally.values as u64 > count * 20, "{} values", tally.values);
}
