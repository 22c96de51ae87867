//! The queries of the compliance suite, as the suite asks them: over a span, compared to 1e-5.

use crate::answer::{Answer, compare};
use crate::ask::{Asked, When};
use crate::data::END;
use crate::demo;
use crate::differences::meant;
use crate::engines::Engines;
use crate::templates::queries;

/// How far values may be apart, relative to them.
const TOLERANCE: f64 = 1e-5;

#[test]
fn the_queries_of_the_compliance_suite_come_to_the_same() {
    let queries = queries();
    assert_eq!(queries.len(), 539);
    let engines = Engines::over(&demo::series());
    // Three seconds beside the steps of its subqueries, which would have one more in a range that is closed.
    let end = END as f64 - 57.0;
    let (mut failures, mut listed, mut wrong) = (0, Vec::new(), Vec::new());
    for query in &queries {
        let asked = Asked::of(&engines, query, When::Range(end - 600.0, end, 10));
        failures += u32::from(matches!(asked.theirs, Answer::Failed { .. }));
        if let Err(what) = compare(&asked.theirs, &asked.ours, TOLERANCE, false) {
            match meant(&engines, &asked, TOLERANCE) {
                Some(name) => listed.push((query, name)),
                None => wrong.push(format!("{query}: {what}")),
            }
        }
    }
    println!("{} queries, {failures} of which fail; listed differences: {listed:?}", queries.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!((failures, listed.len()), (5, 2), "{listed:?}");
}
