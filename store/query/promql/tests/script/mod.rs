//! Runs scripts in the format of Prometheus' own tests: `load` gives series, `eval` a query and what it comes to.
//!
//! Each instant query is also run as a range query of several steps, and with `@` at other times: the answers have to be
//! the same.

mod compare;
mod expected;
mod memory;
mod notation;

use std::collections::BTreeMap;

use custos_promql::{Answer, Expr, Options, instant, parse, range};

use compare::{Outcome, compare};
use expected::{Expected, When};
use memory::Memory;

/// What came of a script.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// Queries that came to what was expected.
    pub(crate) passed: usize,
    /// Queries of what is not stored, which Custos refuses by name: how many for each reason.
    pub(crate) skipped: BTreeMap<String, usize>,
    /// What was wrong, each with its line.
    pub(crate) failures: Vec<String>,
}

/// Runs a script.
pub(crate) fn run(script: &str) -> Report {
    let mut report = Report::default();
    let mut memory = Memory::default();
    let lines: Vec<&str> = script.lines().map(without_comment).collect();
    let mut at = 0;
    while at < lines.len() {
        let (number, line) = (at + 1, lines[at]);
        at += 1;
        if line.is_empty() {
            continue;
        }
        // A command goes on to the next line that is empty, or has but a comment.
        let end = lines[at..].iter().position(|line| line.is_empty()).map_or(lines.len(), |lines| at + lines);
        let block = &lines[at..end];
        at = end;
        let command = line.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
        let done = match command.as_str() {
            "clear" => {
                memory = Memory::default();
                // It takes no lines of its own.
                at = number;
                Ok(())
            }
            "load" => load(&mut memory, line, block, false),
            "load_with_nhcb" => load(&mut memory, line, block, true),
            "eval" | "eval_fail" | "eval_warn" | "eval_info" | "eval_ordered" => {
                evaluate(&memory, line, block, &mut report)
            }
            _ => Err(format!("unknown command {line:?}")),
        };
        if let Err(what) = done {
            report.failures.push(format!("line {number}: {line}\n    {what}"));
        }
    }
    report
}

fn without_comment(line: &str) -> &str {
    let line = line.trim();
    if line.starts_with('#') { "" } else { line }
}

/// Loads series; those of classic histograms also stand for native ones, if the command says so.
fn load(memory: &mut Memory, line: &str, block: &[&str], with_native: bool) -> Result<(), String> {
    let step = line.split_whitespace().nth(1).ok_or("load needs a step")?;
    let step_ms = notation::duration_ms(step)?;
    for series in block {
        memory.load(series, step_ms, with_native)?;
    }
    Ok(())
}

fn evaluate(memory: &Memory, line: &str, block: &[&str], report: &mut Report) -> Result<(), String> {
    let expected = Expected::read(line, block)?;
    if let Some(reason) = refusal(memory, &expected) {
        *report.skipped.entry(reason).or_default() += 1;
        return Ok(());
    }
    let mut wrong = Vec::new();
    let mut check = |how: &str, outcome: Result<(), String>| {
        if let Err(what) = outcome {
            wrong.push(format!("{how}: {what}"));
        }
    };
    match expected.when {
        When::Range(start, end, step) => {
            let outcome = ask(&expected.query, |query, expr| {
                range(query, expr, memory, (start, end, step), &Options::default())
            });
            check("range", compare(&expected, Outcome::Whole(&outcome)));
        }
        When::Instant(at) => {
            let outcome =
                ask(&expected.query, |query, expr| instant(query, expr, memory, at, &Options::default()));
            check("instant", compare(&expected, Outcome::Whole(&outcome)));
            if !expected.is_matrix() {
                // As the second step of a range, whose first and last have to change nothing.
                let span = (at - 60_000, at + 60_000, 60_000);
                let outcome =
                    ask(&expected.query, |query, expr| range(query, expr, memory, span, &Options::default()));
                if expected.may_run_as_range() {
                    check("as a step of a range", compare(&expected, Outcome::Step(&outcome, at)));
                }
                if let (Ok(expr), true) = (parse(&expected.query), expected.may_be_fixed()) {
                    let fixed = notation::fixed_at(&expr, &expected.query, at);
                    for other in [at - 600_000, at - 1, at + 1, at + 600_000, at + 86_400_000] {
                        let outcome = ask(&fixed, |query, expr| {
                            instant(query, expr, memory, other, &Options::default())
                        });
                        check(
                            &format!("{fixed} at {other}"),
                            compare(&expected, Outcome::Elsewhere(&outcome)),
                        );
                    }
                }
            }
        }
    }
    if wrong.is_empty() {
        report.passed += 1;
        return Ok(());
    }
    wrong.truncate(2);
    Err(wrong.join("\n    "))
}

/// Why a query is not run, if it is of what is not stored.
fn refusal(memory: &Memory, expected: &Expected) -> Option<String> {
    if expected.has_histograms || memory.has_histogram(&expected.query) {
        return Some("native histograms are not stored".to_owned());
    }
    let message = parse(&expected.query).err()?.message;
    let is_refused = ["which are not stored", "which is not stored", "is experimental and not supported"]
        .iter()
        .any(|reason| message.ends_with(reason));
    (expected.fails.is_none() && is_refused).then_some(message)
}

/// An answer, or why there is none.
fn ask(query: &str, answer: impl Fn(&str, &Expr) -> custos_promql::Result<Answer>) -> Result<Answer, String> {
    let expr = parse(query).map_err(|error| error.one_line(query))?;
    answer(query, &expr).map_err(|error| error.one_line(query))
}
