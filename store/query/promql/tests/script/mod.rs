//! Runs scripts in the format of Prometheus' own tests: `load` gives series, `eval` a query and what it comes to.
//!
//! Each instant query is also run as a range query of several steps, and with `@` at other times: the answers have to be
//! the same.

mod compare;
mod expected;
mod memory;
mod notation;

use custos_promql::{Answer, Expr, Options, instant, parse, range};

use compare::{Outcome, compare};
use expected::{Expected, When};
use memory::Memory;

/// What came of a script.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// Queries that came to what was expected.
    pub(crate) passed: usize,
    /// Queries of native histograms, which are not run.
    pub(crate) skipped: usize,
    /// What was wrong, each with its line.
    pub(crate) failures: Vec<String>,
}

/// Runs a script.
pub(crate) fn run(script: &str) -> Report {
    let mut report = Report::default();
    let mut memory = Memory::default();
    let lines: Vec<&str> = script.lines().collect();
    let mut at = 0;
    while at < lines.len() {
        let number = at + 1;
        let line = without_comment(lines[at]);
        at += 1;
        if line.trim().is_empty() {
            continue;
        }
        let start = at;
        while at < lines.len() && is_continued(lines[at]) {
            at += 1;
        }
        let block: Vec<&str> = lines[start..at]
            .iter()
            .map(|line| without_comment(line).trim())
            .filter(|line| !line.is_empty())
            .collect();
        let done = match line.split_whitespace().next() {
            Some("clear") => {
                memory = Memory::default();
                Ok(())
            }
            Some("load" | "load_with_nhcb") => load(&mut memory, line, &block),
            Some("eval" | "eval_fail" | "eval_warn" | "eval_info" | "eval_ordered") => {
                evaluate(&memory, line, &block, &mut report)
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
    if line.trim_start().starts_with('#') { "" } else { line }
}

fn is_continued(line: &str) -> bool {
    line.starts_with([' ', '\t']) || line.trim().is_empty() && !line.is_empty()
}

fn load(memory: &mut Memory, line: &str, block: &[&str]) -> Result<(), String> {
    let step = line.split_whitespace().nth(1).ok_or("load needs a step")?;
    let step_ms = notation::duration_ms(step)?;
    for series in block {
        memory.load(series, step_ms)?;
    }
    Ok(())
}

fn evaluate(memory: &Memory, line: &str, block: &[&str], report: &mut Report) -> Result<(), String> {
    let expected = Expected::read(line, block)?;
    if expected.has_histograms || memory.has_histogram(&expected.query) {
        report.skipped += 1;
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

/// An answer, or why there is none.
fn ask(query: &str, answer: impl Fn(&str, &Expr) -> custos_promql::Result<Answer>) -> Result<Answer, String> {
    let expr = parse(query).map_err(|error| error.one_line(query))?;
    answer(query, &expr).map_err(|error| error.one_line(query))
}
