//! Which spans of a series the store has in finer runs already, from an import of files that reached less far back then.

use custos_store::{Metric, Provenance, Reader, Result};

/// What is known of a series under one name.
pub(super) struct Covered {
    /// Of each run its span and when it began and ended, in ms.
    runs: Vec<(u64, i64, i64)>,
    /// For the last span that was asked about: the stretches that finer runs cover, by time, none touching another.
    stretches: Option<(u64, Vec<(i64, i64)>)>,
}

impl Covered {
    /// Reads what the store has of the series of a metric.
    pub(super) fn read(reader: &Reader, check: &str, metric: Option<&Metric>) -> Result<Covered> {
        let mut runs = Vec::new();
        for run in reader.runs(check, i64::MIN..i64::MAX) {
            let run = run?;
            let Provenance::Consolidated { span_ms, .. } = run.provenance else { continue };
            let is_of =
                |one: &Metric| metric.is_none_or(|of| (&of.label, &of.labels) == (&one.label, &one.labels));
            if run.metrics.iter().any(is_of) {
                let begin_ms = run.time_ms.saturating_sub_unsigned(span_ms);
                runs.push((span_ms, begin_ms, run.time_ms));
            }
        }
        runs.sort_unstable_by_key(|(_, begin_ms, end_ms)| (*begin_ms, *end_ms));
        Ok(Covered { runs, stretches: None })
    }

    /// Whether runs of shorter spans cover all of the span of a run.
    pub(super) fn covers(&mut self, span_ms: u64, end_ms: i64) -> bool {
        if self.runs.is_empty() {
            return false;
        }
        if self.stretches.as_ref().is_none_or(|(known, _)| *known != span_ms) {
            self.stretches = Some((span_ms, joined(&self.runs, span_ms)));
        }
        let Some((_, stretches)) = &self.stretches else { return false };
        let begin_ms = end_ms.saturating_sub_unsigned(span_ms);
        let after = stretches.partition_point(|(begin, _)| *begin <= begin_ms);
        after > 0 && stretches[after - 1].1 >= end_ms
    }
}

fn joined(runs: &[(u64, i64, i64)], span_ms: u64) -> Vec<(i64, i64)> {
    let mut stretches: Vec<(i64, i64)> = Vec::new();
    for (_, begin_ms, end_ms) in runs.iter().filter(|(span, ..)| *span < span_ms) {
        match stretches.last_mut() {
            Some((_, last_ms)) if *begin_ms <= *last_ms => *last_ms = (*last_ms).max(*end_ms),
            _ => stretches.push((*begin_ms, *end_ms)),
        }
    }
    stretches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_finer_runs_cover_wholly_is_covered() {
        let minutes = (1..=10).filter(|minute| *minute != 8);
        let runs = minutes.map(|minute| (60_000, (minute - 1) * 60_000, minute * 60_000)).collect();
        let mut covered = Covered { runs, stretches: None };
        assert!(covered.covers(300_000, 300_000));
        assert!(!covered.covers(300_000, 600_000));
        assert!(!covered.covers(300_000, 200_000));
        assert!(!covered.covers(60_000, 60_000), "one of the same span is not finer");
        assert!(covered.covers(120_000, 600_000));
    }
}
