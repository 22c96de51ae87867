//! A check as a notification tells of it, by one run.

use custos_query::{threshold_lines, verdict_text};
use custos_store::{Run, State};

use super::notification::NotifiedCheck;
use crate::observe::perfdata;

/// What is said of a check that is no longer defined.
const GONE: &str = "the check is no longer defined: nothing is known of it any more";

/// The check of this name, which becomes hard by so many attempts, by its run.
pub(super) fn checked(name: &str, max_attempts: u32, previous: State, run: &Run) -> NotifiedCheck {
    NotifiedCheck {
        name: name.to_owned(),
        state: run.state,
        hard: run.standing.hard,
        attempt: run.standing.attempt,
        max_attempts,
        previous_state: previous,
        since_ms: run.standing.since_ms,
        run_ms: run.time_ms,
        duration_us: run.duration_us,
        lateness_us: run.lateness_us.unwrap_or(0),
        text: run.text.as_str().into(),
        verdict: verdict_text(run.state, &run.judgement, &run.text).into(),
        own: "".into(),
        long_text: run.long_text.as_str().into(),
        judgement: threshold_lines(&run.judgement).join("; ").into(),
        perfdata: perfdata(run).into(),
        metric: decisive(run).map(|label| format!("{name}:{label}")),
        gone: false,
    }
}

/// The same check once it is no longer defined.
pub(super) fn gone(before: &NotifiedCheck, now_ms: i64) -> NotifiedCheck {
    NotifiedCheck {
        name: before.name.clone(),
        state: State::Unknown,
        hard: true,
        attempt: before.max_attempts.max(1),
        max_attempts: before.max_attempts.max(1),
        previous_state: before.state,
        since_ms: now_ms,
        run_ms: now_ms,
        text: GONE.into(),
        verdict: GONE.into(),
        metric: before.metric.clone(),
        gone: true,
        ..NotifiedCheck::default()
    }
}

/// The metric that the worst line of the thresholds names.
fn decisive(run: &Run) -> Option<&str> {
    let line = *threshold_lines(&run.judgement).first()?;
    let told = line.split_once(": ")?.1;
    let named = run.metrics.iter().filter(|metric| told.starts_with(metric.label.as_str()));
    named.map(|metric| metric.label.as_str()).max_by_key(|label| label.len())
}

#[cfg(test)]
mod tests {
    use custos_store::Metric;

    use super::*;

    #[test]
    fn the_metric_is_the_one_that_the_worst_threshold_names() {
        let metrics =
            ["load", "load1", "other"].map(|label| Metric::new(label, custos_store::Value::from(5i64)));
        let judgement =
            "WARNING: other is 5, warning range 4\nCRITICAL: load1 is 5, critical range 2".to_owned();
        let run = Run {
            state: State::Critical,
            metrics: metrics.into(),
            judgement,
            text: "LOAD OK".into(),
            ..Run::default()
        };
        let checked = checked("c", 3, State::Ok, &run);
        assert_eq!(checked.metric.as_deref(), Some("c:load1"));
        assert_eq!(
            &*checked.judgement,
            "CRITICAL: load1 is 5, critical range 2; WARNING: other is 5, warning range 4"
        );
        assert_eq!(
            &*checked.verdict,
            "CRITICAL: load1 is 5, critical range 2; WARNING: other is 5, warning range 4 - LOAD OK"
        );
        assert_eq!(&*checked.perfdata, "'load'=5 'load1'=5 'other'=5");
        let silent = Run { judgement: "output: 5 bytes kept".to_owned(), ..run };
        assert_eq!(super::checked("c", 3, State::Ok, &silent).metric, None);
    }
}
