//! What an import would take in, as a table: by check its metrics, how many runs there are and of which time.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use custos_store::Run;

use crate::cli::read::{Failure, now};
use crate::cli::style::printable;
use crate::limits::{IMPORT_TABLE_CHECKS_MAX, IMPORT_TABLE_METRICS_MAX};
use crate::text::human::counted;
use crate::text::local_time::local_time;

/// What would be taken in.
#[derive(Default)]
pub(super) struct Table {
    checks: BTreeMap<String, Row>,
    /// Runs of checks that there was no room for.
    more_runs: u64,
}

struct Row {
    metrics: BTreeSet<String>,
    more_metrics: bool,
    runs: u64,
    first_ms: i64,
    last_ms: i64,
}

impl Table {
    pub(super) fn add(&mut self, check: &str, run: &Run) {
        if !self.checks.contains_key(check) && self.checks.len() == IMPORT_TABLE_CHECKS_MAX {
            self.more_runs += 1;
            return;
        }
        let row = self.checks.entry(check.to_owned()).or_insert_with(|| Row {
            metrics: BTreeSet::new(),
            more_metrics: false,
            runs: 0,
            first_ms: run.time_ms,
            last_ms: run.time_ms,
        });
        row.runs += 1;
        row.first_ms = row.first_ms.min(run.time_ms);
        row.last_ms = row.last_ms.max(run.time_ms);
        for metric in &run.metrics {
            if row.metrics.contains(&metric.label) {
                continue;
            }
            match row.metrics.len() < IMPORT_TABLE_METRICS_MAX {
                true => drop(row.metrics.insert(metric.label.clone())),
                false => row.more_metrics = true,
            }
        }
    }

    pub(super) fn show(&self, out: &mut dyn Write) -> Result<(), Failure> {
        let zone = now().time_zone().clone();
        for (check, row) in &self.checks {
            let (first, last) = (local_time(row.first_ms, &zone), local_time(row.last_ms, &zone));
            writeln!(out, "{}: {}, {first} to {last}", printable(check), counted(row.runs, "run"))?;
            if !row.metrics.is_empty() {
                let mut metrics: Vec<&str> = row.metrics.iter().map(String::as_str).collect();
                if row.more_metrics {
                    metrics.push("and more");
                }
                writeln!(out, "    {}", printable(&metrics.join(", ")))?;
            }
        }
        if self.more_runs > 0 {
            writeln!(out, "{} of further checks", counted(self.more_runs, "run"))?;
        }
        Ok(())
    }
}
