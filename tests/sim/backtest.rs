//! What a check said while it was live, and what a backtest by the same definition says: the same.

use std::time::Duration;

use custos::backtest::{NormalPast, backtest_check};
use custos::config::{Check, OnMissing, Threshold, UnitRange};
use custos_store::{Bounds, Reason, Run, State};

use crate::definitions::config;
use crate::scenes::check;
use crate::script::Dice;
use crate::stage::{SECOND_US, Stage};

/// A limit on `v` that has to be crossed for some time.
fn limit(warning: f64, critical: f64, pending_for_s: u64) -> Threshold {
    let range = |most: f64| {
        let bounds = Bounds { start: f64::NEG_INFINITY, end: most, inside: false };
        Some(UnitRange { bounds, unit: None, written: most.to_string() })
    };
    Threshold {
        metric: "v".to_owned(),
        matcher: globset::Glob::new("v").unwrap().compile_matcher(),
        warning: range(warning),
        critical: range(critical),
        normal: None,
        pending_for: Duration::from_secs(pending_for_s),
        rate: false,
        on_missing: OnMissing::State(State::Unknown),
    }
}

/// Problems that were confirmed: from when to when, in the record.
fn in_record(runs: &[Run]) -> Vec<(i64, Option<i64>)> {
    let mut problems: Vec<(i64, Option<i64>)> = Vec::new();
    for run in runs.iter().filter(|run| !matches!(run.reason, Reason::Missed | Reason::Skipped)) {
        let is_open = problems.last().is_some_and(|last| last.1.is_none());
        if run.state == State::Ok {
            if let Some(last) = problems.last_mut().filter(|_| is_open) {
                last.1 = Some(run.time_ms);
            }
        } else if run.standing.hard && !is_open {
            problems.push((run.time_ms, None));
        }
    }
    problems
}

#[test]
fn a_backtest_by_the_definition_in_force_says_what_was_recorded() {
    for seed in 1..6 {
        let mut dice = Dice::new(seed);
        let defined = Check {
            retry_interval: Duration::from_secs(3),
            max_check_attempts: 1 + dice.below(3) as u32,
            thresholds: vec![limit(6.0, 8.0, [0, 12, 35][dice.below(3) as usize])],
            ..check("c", 10)
        };
        let mut stage = Stage::new(config([defined.clone()], 4), |_| 200_000);
        for _ in 0..2_000 {
            stage.prints = match dice.below(40) {
                0 => "nothing to measure".to_owned(),
                value => format!("OK | v={}", value % 10),
            };
            // A value stays for a while, so that some are there for long enough.
            stage.live(10 + dice.below(80));
            if dice.below(60) == 0 {
                stage.stand_still(400 * SECOND_US);
            }
        }
        let runs: Vec<Run> = stage.runs.iter().map(|(_, run)| run.clone()).collect();
        let expected = in_record(&runs);
        assert!(expected.len() > 20, "seed {seed}: {} problems", expected.len());
        assert!(runs.iter().any(|run| run.reason == Reason::Missed), "seed {seed}");
        let found = backtest_check(&defined, runs.into_iter(), None, NormalPast::default());
        let alerts: Vec<_> = found.intervals.iter().map(|alert| (alert.since_ms, alert.until_ms)).collect();
        assert_eq!(alerts, expected, "seed {seed}");
        assert!(!found.not_observed.is_empty(), "seed {seed}");
    }
}
