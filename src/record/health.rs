//! The health of the store.

use std::collections::BTreeMap;

use crate::clock::Moment;
use crate::limits::{RECORD_REPLACED_SHOWN, RUNS_AHEAD_MIN};
use crate::part::Part;
use crate::text::human;

/// The health of the store, as the recorder knows it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StoreHealth {
    /// Why runs are not being stored, and since when (ms since the epoch).
    pub refusing: Option<(String, i64)>,
    /// Whether that is because the store is another's: somebody else writes to it, or this user may not.
    pub anothers: bool,
    /// Notes that could not be written since they were handed over last, by name, each with the reason.
    pub lost_notes: BTreeMap<String, String>,
    /// Free space is low, in bytes.
    pub low_space: Option<u64>,
    /// What went wrong in the background while sealing and merging.
    pub maintenance_error: Option<String>,
    /// The store was taken away while it was being written; recording goes on in what was there then.
    pub replaced: Option<Replaced>,
    /// The latest time of a stored run, in ms since the epoch. A clock that was ahead leaves some in the future.
    pub latest_ms: Option<i64>,
    /// Runs stored since the start.
    pub stored_runs: u64,
    /// Runs that wait in memory to be stored.
    pub waiting_runs: u64,
    /// Runs that were dropped because too many waited.
    pub dropped_runs: u64,
}

/// The store was taken away while it was being written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Replaced {
    /// What the recorder noticed.
    pub why: String,
    /// When, in ms since the epoch.
    pub at_ms: i64,
    /// Runs of the lost store that the one that is there now did not have and was given.
    pub rescued_runs: u64,
}

impl StoreHealth {
    /// The store as a part of the agent.
    pub fn part(&self, now: Moment) -> Part {
        let mut part = Part::new("store")
            .with_totals("runs", [("stored", self.stored_runs)])
            .with_level("runs_waiting", self.waiting_runs)
            .with_totals("runs", [("dropped", self.dropped_runs)]);
        part.summary = Some(format!("{} stored", human::counted(self.stored_runs, "run")));
        if let Some((why, since_ms)) = &self.refusing {
            let since = human::duration_ms(now.wall_ms.saturating_sub(*since_ms).max(0));
            let (waiting, dropped) = (self.waiting_runs, self.dropped_runs);
            part.critical(format!(
                "runs have not been stored for {since}: {why}; waiting: {waiting}, dropped: {dropped}"
            ));
        } else if self.dropped_runs > 0 {
            part.warning(format!("{} dropped", human::counted_were(self.dropped_runs, "run")));
        }
        if let Some(why) = self.lost_notes.values().next() {
            let others = match self.lost_notes.len() {
                1 => String::new(),
                count => format!(", and {} likewise", human::counted(count as u64 - 1, "other")),
            };
            part.warning(format!("a restart forgets what the agent noted: failed to {why}{others}"));
        }
        if let Some(replaced) = &self.replaced {
            let ago_ms = now.wall_ms.saturating_sub(replaced.at_ms).max(0);
            if ago_ms < RECORD_REPLACED_SHOWN.as_millis() as i64 {
                let (ago, why) = (human::duration_ms(ago_ms), &replaced.why);
                let rescued = human::counted_were(replaced.rescued_runs, "run");
                part.warning(format!(
                    "{ago} ago: failed to {why}; {rescued} saved from it into what is there now"
                ));
            }
        }
        let ahead_ms = self.latest_ms.map_or(0, |latest_ms| latest_ms.saturating_sub(now.wall_ms));
        if ahead_ms >= RUNS_AHEAD_MIN.as_millis() as i64 {
            let ahead = human::duration_ms(ahead_ms);
            part.warning(format!("runs have times up to {ahead} ahead: the clock was wrong then, or is now"));
        }
        if let Some(free_bytes) = self.low_space {
            part.warning(format!("the disk of the store has only {} left", human::bytes(free_bytes)));
        }
        if let Some(why) = &self.maintenance_error {
            part.warning(format!("the store cannot be tidied up: {why}"));
        }
        part
    }
}

#[cfg(test)]
mod tests {
    use custos_store::State;

    use super::*;

    #[test]
    fn a_store_that_refuses_is_critical_and_says_what_waits() {
        let refusing = Some(("failed to append: No space left on device".to_owned(), 0));
        let store =
            StoreHealth { refusing, waiting_runs: 7, low_space: Some(1000), ..StoreHealth::default() };
        let part = store.part(Moment { mono_us: 0, wall_ms: 60_000 });
        assert_eq!(part.state(), State::Critical);
        let text = part.findings[0].text();
        assert!(text.starts_with("runs have not been stored for 1m: failed to append"), "{text}");
        assert!(text.contains("waiting: 7, dropped: 0"), "{text}");
        assert!(part.findings[1].text().starts_with("the disk of the store has only "));
    }

    #[test]
    fn runs_ahead_of_the_clock_are_named() {
        let ahead = |latest_ms| {
            let store = StoreHealth { latest_ms, ..StoreHealth::default() };
            let part = store.part(Moment { mono_us: 0, wall_ms: 1_000_000 });
            part.findings.first().map(|finding| (finding.state(), finding.text().to_owned()))
        };
        assert_eq!(ahead(None), None);
        assert_eq!(ahead(Some(1_030_000)), None);
        let (state, text) = ahead(Some(1_000_000 + 7_200_000)).unwrap();
        assert_eq!(state, State::Warning);
        assert_eq!(text, "runs have times up to 2h ahead: the clock was wrong then, or is now");
        assert_eq!(ahead(Some(i64::MIN)), None);
    }

    #[test]
    fn its_counters_keep_the_names_of_the_metrics_that_graphs_go_by() {
        let part = StoreHealth { stored_runs: 5, ..StoreHealth::default() }.part(Moment::default());
        let metrics: Vec<(&str, bool)> =
            part.counters.iter().map(|counter| (counter.metric.as_str(), counter.total)).collect();
        assert_eq!(metrics, [("runs_stored", true), ("runs_waiting", false), ("runs_dropped", true)]);
        assert_eq!(part.summary.as_deref(), Some("5 runs stored"));
        assert_eq!(part.state(), State::Ok);
    }
}
