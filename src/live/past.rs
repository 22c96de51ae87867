//! What whoever watches begins with: the last runs of the checks, as the store has them.

use std::ops::Range;
use std::sync::Arc;

use custos_query::{NewestRuns, Pick, ReadContext, watched_check, watched_name};
use custos_store::Snapshot;

use super::line::LiveLine;
use crate::limits::{WATCH_PAST_MAX_BYTES, WATCH_PAST_RUNS_MAX};

/// The lines of the last runs of these checks within a span (ms since the epoch), with those that were made while somebody
/// watched, the newest last. What cannot be read is left out: there is more to come.
pub fn past(store: &Snapshot, checks: &[String], span: Range<i64>) -> Vec<Arc<str>> {
    let checks: Vec<String> = checks.iter().flat_map(|check| [check.clone(), watched_name(check)]).collect();
    let newest = NewestRuns { checks: &checks, span, limit: WATCH_PAST_RUNS_MAX, pick: &|_| Pick::Take };
    let mut on_damage = |error: &custos_store::Error| tracing::debug!("failed to read the past: {error}");
    let runs = newest.read(store, &mut ReadContext::new(&mut on_damage)).unwrap_or_default();
    let mut bytes = 0;
    let name = |check: &str| watched_check(check).unwrap_or(check).to_owned();
    let lines = runs.iter().rev().map(|listed| LiveLine::of_run(&name(&listed.check), &listed.run));
    let mut lines: Vec<Arc<str>> = lines
        .take_while(|line| {
            bytes += line.len();
            bytes <= WATCH_PAST_MAX_BYTES
        })
        .collect();
    lines.reverse();
    lines
}

#[cfg(test)]
mod tests {
    use custos_store::{Options, Reader, Run, Writer};

    use super::*;

    #[test]
    fn the_newest_runs_come_under_the_name_of_their_check() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(dir.path(), Options::default()).unwrap();
        let run = |time_ms, text: &str| Run { time_ms, text: text.to_owned(), ..Run::default() };
        for second in 0..3 {
            writer.append(&[("load", &run(second * 1000, "own"))]).unwrap();
            writer.append(&[("load@watched", &run(second * 1000 + 500, "watched"))]).unwrap();
        }
        for number in 0..3 {
            writer.append(&[("big", &run(number, &"x".repeat(WATCH_PAST_MAX_BYTES * 2 / 5)))]).unwrap();
        }
        writer.append(&[("other", &run(0, "other"))]).unwrap();
        let reader = Reader::open(dir.path()).unwrap();
        let snapshot = reader.snapshot();
        let texts = |check: &str| -> Vec<(String, i64)> {
            let read = |line: Arc<str>| {
                let LiveLine::Run(run) = serde_json::from_str(&line).unwrap() else { panic!("{line}") };
                let (check, run) = run.into_run().unwrap();
                (check, run.time_ms)
            };
            past(&snapshot, &[check.to_owned()], 0..2500).into_iter().map(read).collect()
        };
        let of = |time_ms| ("load".to_owned(), time_ms);
        assert_eq!(texts("load"), [0, 500, 1000, 1500, 2000].map(of));
        assert_eq!(texts("big").len(), 2, "what is long is fewer");
        assert!(texts("none").is_empty());
    }
}
