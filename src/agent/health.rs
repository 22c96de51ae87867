//! The agent's check of itself: is everything stored, does everything run in time.

use std::sync::Arc;

use custos_store::{Metric, Reason, Run, State, Value};

use super::load::Figures;
use crate::clock::Moment;
use crate::text::human;

/// How the parts of the agent are doing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Health {
    /// The store.
    pub store: StoreHealth,
    /// Counters of the NRPE listener, by name, if there is one.
    pub nrpe: Vec<(&'static str, u64)>,
    /// Why the NRPE listener is not there although it is configured.
    pub nrpe_error: Option<String>,
    /// What became of requests to SNMP devices, by name, if any was asked.
    pub polls: Vec<(&'static str, u64)>,
    /// What became of traps, by name, if somebody listens for them.
    pub traps: Vec<(&'static str, u64)>,
    /// Traps that were lost since this was told last.
    pub traps_lost: u64,
    /// Why traps are not received although they should be.
    pub traps_error: Option<String>,
    /// Why plugins cannot be started at all.
    pub executor_error: Option<String>,
    /// Why the last reload was refused; the configuration before it is in force.
    pub reload_error: Option<String>,
    /// When the agent was started, in ms since the epoch.
    pub started_ms: i64,
}

/// How the store is doing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StoreHealth {
    /// Why runs are not being stored, and since when (ms since the epoch).
    pub refusing: Option<(String, i64)>,
    /// Free space is low, in bytes.
    pub low_space: Option<u64>,
    /// What went wrong in the background while tidying up.
    pub maintenance_error: Option<String>,
    /// Runs stored since the start.
    pub stored_runs: u64,
    /// Runs that wait in memory to be stored.
    pub waiting_runs: u64,
    /// Runs that were dropped because too many waited.
    pub dropped_runs: u64,
}

/// What the agent has to do, and what it does.
#[derive(Clone, Debug, Default)]
pub(super) struct Work {
    /// Plugins that are running, or whatever else takes a slot.
    pub(super) running: usize,
    /// Checks and requests that wait for a slot.
    pub(super) waiting: usize,
    /// Checks that were forgotten because too many were asked for that nobody defined.
    pub(super) forgotten: u64,
    /// Runs a second that the schedule wants.
    pub(super) wanted_per_s: f64,
    /// What was run in the last minute, and what was not.
    pub(super) figures: Figures,
    /// The checks that take the most time, each with the seconds that its plugin runs each second, if there is an
    /// overload.
    pub(super) costly: Vec<(Arc<str>, f64)>,
}

impl Work {
    /// By how much the machine does not keep up, and why.
    fn overload(&self) -> String {
        let Figures { runs_per_s, late_mean_s, late_max_s, no_room } = self.figures;
        let late = |seconds: f64| human::duration_ms((seconds * 1000.0) as i64);
        let mut text = format!(
            "the machine does not keep up: {runs_per_s:.1} of {:.1} checks a second are run, {} late on the \
             average and {} at most; {no_room} slots were missed for want of a place in the last minute",
            self.wanted_per_s,
            late(late_mean_s),
            late(late_max_s),
        );
        if !self.costly.is_empty() {
            let named: Vec<String> =
                self.costly.iter().map(|(check, cost)| format!("{check} {cost:.2}")).collect();
            text.push_str(&format!("; the most seconds of run time each second take {}", named.join(", ")));
        }
        text
    }
}

impl Health {
    /// The run that says so.
    pub(super) fn to_run(&self, work: &Work, now: Moment) -> Run {
        let (state, text) = self.verdict(work, now);
        let metric = |label: &str, value: Value, unit: &str| Metric {
            label: label.to_owned(),
            labels: Vec::new(),
            value: Some(value),
            unit: unit.to_owned(),
            printed_unit: unit.to_owned(),
            warn: None,
            crit: None,
            min: None,
            max: None,
        };
        let gauge = |label: &str, value: u64, unit: &str| {
            metric(label, Value::from(i64::try_from(value).unwrap_or(i64::MAX)), unit)
        };
        let mut metrics = vec![
            gauge("plugins_running", work.running as u64, ""),
            gauge("plugins_waiting", work.waiting as u64, ""),
            metric("checks_wanted_per_second", Value::from(work.wanted_per_s), ""),
            metric("checks_run_per_second", Value::from(work.figures.runs_per_s), ""),
            metric("lateness_mean", Value::from(work.figures.late_mean_s), "s"),
            metric("lateness_max", Value::from(work.figures.late_max_s), "s"),
            gauge("slots_missed_for_room", work.figures.no_room, ""),
            gauge("runs_stored", self.store.stored_runs, "c"),
            gauge("runs_waiting", self.store.waiting_runs, ""),
            gauge("runs_dropped", self.store.dropped_runs, "c"),
        ];
        if work.forgotten > 0 {
            metrics.push(gauge("checks_forgotten", work.forgotten, "c"));
        }
        metrics.extend(self.nrpe.iter().map(|(name, count)| gauge(&format!("nrpe_{name}"), *count, "c")));
        metrics.extend(self.polls.iter().map(|(name, count)| gauge(&format!("snmp_{name}"), *count, "c")));
        metrics.extend(self.traps.iter().map(|(name, count)| gauge(&format!("traps_{name}"), *count, "c")));
        Run {
            time_ms: now.wall_ms,
            state,
            plugin_state: state,
            reason: Reason::Exited,
            exit_code: Some(state.code()),
            text,
            metrics,
            ..Run::default()
        }
    }

    fn verdict(&self, work: &Work, now: Moment) -> (State, String) {
        let mut findings: Vec<(State, String)> = Vec::new();
        if let Some((why, since_ms)) = &self.store.refusing {
            let since = human::duration_ms(now.wall_ms.saturating_sub(*since_ms).max(0));
            let (waiting, dropped) = (self.store.waiting_runs, self.store.dropped_runs);
            findings.push((
                State::Critical,
                format!("runs are not stored since {since}: {why}; {waiting} wait, {dropped} were dropped"),
            ));
        } else if self.store.dropped_runs > 0 {
            findings.push((State::Warning, format!("{} runs were dropped", self.store.dropped_runs)));
        }
        if let Some(why) = &self.executor_error {
            findings.push((State::Critical, format!("plugins cannot be started: {why}")));
        }
        if let Some(why) = &self.nrpe_error {
            findings.push((State::Critical, format!("NRPE is not served: {why}")));
        }
        if let Some(why) = &self.traps_error {
            findings.push((State::Critical, format!("traps are not received: {why}")));
        }
        if self.traps_lost > 0 {
            let lost = self.traps_lost;
            findings.push((State::Warning, format!("{lost} traps were lost before they could be read")));
        }
        if work.figures.is_overload() {
            findings.push((State::Warning, work.overload()));
        }
        if let Some(free_bytes) = self.store.low_space {
            let free = human::bytes(free_bytes);
            findings.push((State::Warning, format!("the disk of the store has only {free} left")));
        }
        if let Some(why) = &self.store.maintenance_error {
            findings.push((State::Warning, format!("the store cannot be tidied up: {why}")));
        }
        if let Some(why) = &self.reload_error {
            findings.push((State::Warning, format!("the configuration was not reloaded: {why}")));
        }
        let state = findings.iter().fold(State::Ok, |worst, finding| worst.worst(finding.0));
        if findings.is_empty() {
            let up = human::duration_ms(now.wall_ms.saturating_sub(self.started_ms).max(0));
            return (state, format!("up {up}, {} runs stored", self.store.stored_runs));
        }
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.0.severity()));
        (state, findings.into_iter().map(|finding| finding.1).collect::<Vec<_>>().join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(health: &Health) -> (State, String) {
        health.verdict(&Work::default(), Moment { mono_us: 0, wall_ms: 60_000 })
    }

    #[test]
    fn a_store_that_refuses_is_critical_and_says_what_waits() {
        let refusing = Some(("failed to append: No space left on device".to_owned(), 0));
        let store =
            StoreHealth { refusing, waiting_runs: 7, low_space: Some(1000), ..StoreHealth::default() };
        let (state, text) = verdict(&Health { store, ..Health::default() });
        assert_eq!(state, State::Critical);
        assert!(text.starts_with("runs are not stored since 1m: failed to append"), "{text}");
        assert!(text.contains("7 wait, 0 were dropped"), "{text}");
    }

    #[test]
    fn an_overload_is_a_warning_with_its_figures_and_causes() {
        let figures = Figures { runs_per_s: 41.23, late_mean_s: 1.5, late_max_s: 12.0, no_room: 512 };
        let costly = vec![(Arc::from("backup"), 4.934), (Arc::from("files"), 0.9)];
        let work = Work { wanted_per_s: 100.0, figures, costly, ..Work::default() };
        let run = Health::default().to_run(&work, Moment::default());
        assert_eq!(run.state, State::Warning);
        assert_eq!(
            run.text,
            "the machine does not keep up: 41.2 of 100.0 checks a second are run, 1.5s late on the average and 12s \
             at most; 512 slots were missed for want of a place in the last minute; the most seconds of run time each \
             second take backup 4.93, files 0.90"
        );
        assert!(run.metrics.iter().any(|m| m.label == "lateness_max" && m.value == Some(Value::from(12.0))));
    }

    #[test]
    fn a_refused_reload_is_a_warning() {
        let health = Health { reload_error: Some("2 mistakes".into()), ..Health::default() };
        assert_eq!(verdict(&health).0, State::Warning);
        assert_eq!(verdict(&Health::default()).0, State::Ok);
    }
}
