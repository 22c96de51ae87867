//! The agent's check of itself: whether every run is stored and every check runs in time.

use std::sync::Arc;

use custos_store::{Metric, Reason, Run, State, Value};

use super::load::Figures;
use crate::clock::Moment;
use crate::part::{Finding, Part};
use crate::text::human;

/// The health of the agent's parts; its workload it knows itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Health {
    /// When the agent was started, in ms since the epoch.
    pub started_ms: i64,
    /// The health of each part.
    pub parts: Vec<Part>,
}

/// The agent's workload.
#[derive(Clone, Debug, Default)]
pub(super) struct Work {
    /// Plugins that are running, or whatever else takes a slot.
    pub(super) running: usize,
    /// Checks and requests that wait for a slot.
    pub(super) waiting: usize,
    /// Checks without a definition that were forgotten because requests named too many of them.
    pub(super) forgotten: u64,
    /// Scheduled runs a second.
    pub(super) wanted_per_s: f64,
    /// Slots of the last minute that were run or missed.
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
             average and {} at most; {} missed in the last minute, as too many checks were running",
            self.wanted_per_s,
            late(late_mean_s),
            late(late_max_s),
            human::counted_were(no_room, "slot"),
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
    /// Reports this health as a run of the agent's own check.
    pub(super) fn to_run(&self, work: &Work, now: Moment) -> Run {
        let (state, text) = self.verdict(work, now);
        let metric = |label: &str, value: Value, unit: &str| Metric {
            unit: unit.to_owned(),
            printed_unit: unit.to_owned(),
            ..Metric::new(label, value)
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
        ];
        if work.forgotten > 0 {
            metrics.push(gauge("checks_forgotten", work.forgotten, "c"));
        }
        let counters = self.parts.iter().flat_map(|part| &part.counters);
        metrics.extend(
            counters
                .map(|counter| gauge(&counter.metric, counter.value, if counter.total { "c" } else { "" })),
        );
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
        let mut findings: Vec<Finding> =
            self.parts.iter().flat_map(|part| part.findings.iter().cloned()).collect();
        if work.figures.is_overload() {
            findings.push(Finding::Warning(work.overload()));
        }
        if findings.is_empty() {
            // The first report stands for some time; milliseconds would say nothing by then.
            let up = match now.wall_ms.saturating_sub(self.started_ms) {
                ..1000 => "just started".to_owned(),
                up_ms => format!("up {}", human::duration_ms(up_ms)),
            };
            let summaries = self.parts.iter().filter_map(|part| part.summary.clone());
            let all: Vec<String> = std::iter::once(up).chain(summaries).collect();
            return (State::Ok, all.join(", "));
        }
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.state().severity()));
        let texts: Vec<&str> = findings.iter().map(Finding::text).collect();
        (findings[0].state(), texts.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(health: &Health) -> (State, String) {
        health.verdict(&Work::default(), Moment { mono_us: 0, wall_ms: 60_000 })
    }

    #[test]
    fn the_worst_that_any_part_reports_comes_first() {
        let mut reload = Part::new("reload");
        reload.warning("the configuration was not reloaded: 2 mistakes");
        let health = Health { parts: vec![reload.clone()], started_ms: 0 };
        assert_eq!(verdict(&health), (State::Warning, reload.findings[0].text().to_owned()));
        let mut store = Part::new("store");
        store.critical("runs are not stored");
        let health = Health { parts: vec![reload, store], started_ms: 0 };
        let both = "runs are not stored; the configuration was not reloaded: 2 mistakes";
        assert_eq!(verdict(&health), (State::Critical, both.to_owned()));
    }

    #[test]
    fn each_counter_of_each_part_is_a_metric() {
        let store = Part { summary: Some("7 runs stored".into()), ..Part::new("store") };
        let nrpe = Part::new("NRPE").with_totals("nrpe", [("requests", 3)]).with_level("nrpe_waiting", 1);
        let health = Health { parts: vec![store, nrpe], started_ms: 0 };
        assert_eq!(verdict(&health), (State::Ok, "up 1m, 7 runs stored".to_owned()));
        let run = health.to_run(&Work::default(), Moment::default());
        assert!(run.text.starts_with("just started, "), "{}", run.text);
        let found = |label: &str| run.metrics.iter().find(|m| m.label == label).unwrap();
        assert_eq!(
            (found("nrpe_requests").value, found("nrpe_requests").unit.as_str()),
            (Some(3.into()), "c")
        );
        assert_eq!((found("nrpe_waiting").value, found("nrpe_waiting").unit.as_str()), (Some(1.into()), ""));
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
             at most; 512 slots were missed in the last minute, as too many checks were running; the most seconds of run time each \
             second take backup 4.93, files 0.90"
        );
        assert!(run.metrics.iter().any(|m| m.label == "lateness_max" && m.value == Some(Value::from(12.0))));
    }
}
