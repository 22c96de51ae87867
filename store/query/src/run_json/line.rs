//! A run as a line of JSON, and back: one encoder for everything that shows, exports or sends runs.
//!
//! A line has all that is needed to restore the run as it was. The order of the keys is part of the format; new ones
//! come last. Numbers come back exactly.

use std::borrow::Cow;
use std::io::{self, Write};

use custos_store::{Metric, Provenance, Reason, Run, Standing};
use serde::{Deserialize, Serialize};

use super::instance::{ConsolidationLine, InstanceLine, instances, provenance};
use super::metric::MetricLine;
use super::number::Milliseconds;
use super::state::{bad, state};
use crate::error::Result;
use crate::json::write_json_line;

/// A run as it stands in a line.
#[derive(Debug, Serialize, Deserialize)]
pub struct RunJson<'a> {
    check: Cow<'a, str>,
    time_ms: i64,
    state: Cow<'a, str>,
    #[serde(default = "exited")]
    reason: Cow<'a, str>,
    exit_code: Option<u8>,
    #[serde(default)]
    duration_ms: Milliseconds,
    #[serde(default)]
    text: Cow<'a, str>,
    #[serde(default)]
    long_text: Cow<'a, str>,
    #[serde(default)]
    metrics: Vec<MetricLine<'a>>,
    /// That of the check, if absent.
    plugin_state: Option<Cow<'a, str>>,
    signal: Option<u8>,
    lateness_ms: Option<Milliseconds>,
    cpu_ms: Option<Milliseconds>,
    max_rss_bytes: Option<u64>,
    #[serde(default)]
    stderr: Cow<'a, str>,
    #[serde(default)]
    origin: Cow<'a, str>,
    #[serde(default)]
    judgement: Cow<'a, str>,
    #[serde(default)]
    hard: bool,
    #[serde(default)]
    attempt: u32,
    #[serde(default)]
    missed_slots: u32,
    /// That of the check, if absent.
    hard_state: Option<Cow<'a, str>>,
    #[serde(default)]
    since_ms: i64,
    #[serde(default)]
    flapping: bool,
    #[serde(default)]
    flap_history: u64,
    // Absent where a run is as most are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    instances: Vec<InstanceLine<'a>>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    partial: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    provenance: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    consolidation: Option<ConsolidationLine<'a>>,
}

fn exited() -> Cow<'static, str> {
    Reason::Exited.name().into()
}

impl<'a> RunJson<'a> {
    /// A run with all of its metrics.
    pub fn new(check: &'a str, run: &'a Run) -> RunJson<'a> {
        RunJson::with(check, run, run.metrics.iter())
    }

    /// A run with these of its metrics.
    pub fn with(check: &'a str, run: &'a Run, metrics: impl Iterator<Item = &'a Metric>) -> RunJson<'a> {
        RunJson {
            check: check.into(),
            time_ms: run.time_ms,
            state: run.state.name().into(),
            reason: run.reason.name().into(),
            exit_code: run.exit_code,
            duration_ms: Milliseconds(run.duration_us),
            text: (&run.text).into(),
            long_text: (&run.long_text).into(),
            metrics: metrics.map(MetricLine::new).collect(),
            plugin_state: Some(run.plugin_state.name().into()),
            signal: run.signal,
            lateness_ms: run.lateness_us.map(Milliseconds),
            cpu_ms: run.cpu_us.map(Milliseconds),
            max_rss_bytes: run.max_rss_bytes,
            stderr: (&run.stderr).into(),
            origin: (&run.origin).into(),
            judgement: (&run.judgement).into(),
            hard: run.standing.hard,
            attempt: run.standing.attempt,
            missed_slots: run.missed_slots,
            hard_state: Some(run.standing.hard_state.name().into()),
            since_ms: run.standing.since_ms,
            flapping: run.standing.flapping,
            flap_history: run.standing.flap_history,
            instances: run.instances.iter().map(|instance| InstanceLine::new(instance)).collect(),
            partial: run.partial,
            provenance: (run.provenance != Provenance::default()).then(|| run.provenance.name().into()),
            consolidation: match run.provenance {
                Provenance::Consolidated { span_ms, function } => {
                    Some(ConsolidationLine { span_ms, function: function.name().into() })
                }
                _ => None,
            },
        }
    }

    /// Writes the line, with a newline at its end.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        write_json_line(self, out)
    }

    /// Reads a line: the check and the run. Only `check`, `time_ms` and `state` are required.
    ///
    /// # Errors
    /// [`Error::Line`](crate::Error::Line) says what is wrong with it.
    pub fn parse(line: &str) -> Result<(String, Run)> {
        let line: RunJson<'_> = serde_json::from_str(line).map_err(|error| bad(error.to_string()))?;
        line.into_run()
    }

    /// The check and the run that a line says.
    ///
    /// # Errors
    /// [`Error::Line`](crate::Error::Line) says what is wrong with it.
    pub fn into_run(self) -> Result<(String, Run)> {
        let line = self;
        let own_state = state(&line.state)?;
        let or_own = |name: Option<Cow<'_, str>>| name.map_or(Ok(own_state), |name| state(&name));
        let reason = Reason::ALL.into_iter().find(|reason| reason.name() == line.reason);
        let run = Run {
            time_ms: line.time_ms,
            duration_us: line.duration_ms.0,
            lateness_us: line.lateness_ms.map(|time| time.0),
            cpu_us: line.cpu_ms.map(|time| time.0),
            max_rss_bytes: line.max_rss_bytes,
            state: own_state,
            plugin_state: or_own(line.plugin_state)?,
            reason: reason.ok_or_else(|| bad(format!("{:?} is no reason", line.reason)))?,
            exit_code: line.exit_code,
            signal: line.signal,
            missed_slots: line.missed_slots,
            standing: Standing {
                hard: line.hard,
                attempt: line.attempt,
                hard_state: or_own(line.hard_state)?,
                since_ms: line.since_ms,
                flapping: line.flapping,
                flap_history: line.flap_history,
            },
            text: line.text.into(),
            long_text: line.long_text.into(),
            stderr: line.stderr.into(),
            origin: line.origin.into(),
            judgement: line.judgement.into(),
            metrics: line.metrics.into_iter().map(MetricLine::into_metric).collect(),
            instances: instances(line.instances)?,
            partial: line.partial,
            provenance: provenance(line.provenance, line.consolidation)?,
            imported: false,
        };
        Ok((line.check.into(), run))
    }
}

#[cfg(test)]
mod tests {
    use custos_store::{Bounds, Consolidation, Instance, Instances, State, Value};

    use super::*;

    fn line(run: &Run) -> String {
        let mut out = Vec::new();
        RunJson::new("disk", run).write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_run_comes_back_whole() {
        let metric = |value: Option<Value>| Metric {
            label: "/".to_owned(),
            labels: vec![("a".to_owned(), "b".to_owned())],
            value,
            unit: "B".to_owned(),
            printed_unit: "MB".to_owned(),
            warn: Some(Bounds { start: f64::NEG_INFINITY, end: 5e300, inside: true }),
            crit: None,
            min: Some(0.1 + 0.2),
            max: Some(f64::MIN_POSITIVE),
        };
        let run = Run {
            time_ms: i64::MIN,
            duration_us: 1_234_567,
            lateness_us: Some(1),
            cpu_us: Some(0),
            state: State::Critical,
            plugin_state: State::Ok,
            reason: Reason::Signal,
            signal: Some(9),
            standing: Standing { hard: true, attempt: 3, since_ms: -1, ..Standing::default() },
            text: "ü \u{1b} \"".to_owned(),
            metrics: vec![metric(Some(Value::from(i64::MAX))), metric(None), metric(Some(Value::from(1e19)))],
            instances: Instances::new([
                Instance::new(Vec::new()),
                Instance {
                    labels: vec![("ifName".to_owned(), "eth0 \"ü\"".to_owned())],
                    state: State::Warning,
                    since_ms: i64::MAX,
                    pending_since_ms: Some(-1),
                    seen_ms: Some(7),
                    value: Some(Value::from(i64::MAX - 1)),
                    text: "down\n".to_owned(),
                },
            ])
            .unwrap(),
            partial: true,
            provenance: Provenance::Consolidated { span_ms: 300_000, function: Consolidation::Maximum },
            ..Run::default()
        };
        let text = line(&run);
        let (check, back) = RunJson::parse(&text).unwrap();
        assert_eq!((check.as_str(), &back), ("disk", &run));
        assert_eq!(line(&back), text);
        for provenance in
            [Provenance::Scheduled, Provenance::Asked, Provenance::Submitted, Provenance::Watched]
        {
            let run = Run { provenance, ..Run::default() };
            assert_eq!(line(&run).contains("provenance"), provenance != Provenance::Scheduled);
            assert_eq!(RunJson::parse(&line(&run)).unwrap().1, run);
        }
    }

    #[test]
    fn values_that_are_not_finite_come_back_as_they_were() {
        for (value, written) in
            [(f64::NAN, "\"NaN\""), (f64::INFINITY, "\"+Inf\""), (f64::NEG_INFINITY, "\"-Inf\"")]
        {
            let metrics = vec![Metric::new("x", Value::from(value))];
            let text = line(&Run { metrics, ..Run::default() });
            assert!(text.contains(&format!("\"value\":{written}")), "{text}");
            let back = RunJson::parse(&text).unwrap().1.metrics[0].value.unwrap().to_f64();
            assert_eq!(back.to_bits(), value.to_bits());
        }
        let word = r#"{"check":"x","time_ms":5,"state":"OK","metrics":[{"label":"a","value":"12"}]}"#;
        assert!(RunJson::parse(word).unwrap_err().to_string().contains("no number"));
    }

    #[test]
    fn nothing_in_a_line_does_anything_to_a_terminal() {
        let run = Run {
            text: "a\u{9b}2Jb\u{7f}".to_owned(),
            long_text: "\u{202e}txt.exe\u{2028}".to_owned(),
            metrics: vec![Metric::new("\u{85}\u{2066}", None)],
            ..Run::default()
        };
        let text = line(&run);
        assert!(text.contains(r#""text":"a\u009b2Jb\u007f""#), "{text}");
        assert!(!text.trim_end().contains(crate::is_unsafe), "{text}");
        assert_eq!(RunJson::parse(&text).unwrap().1, run);
    }

    #[test]
    fn the_least_line_and_what_is_wrong_with_others() {
        let (check, run) = RunJson::parse(r#"{"check":"x","time_ms":5,"state":"WARNING"}"#).unwrap();
        assert_eq!((check.as_str(), run.time_ms, run.plugin_state), ("x", 5, State::Warning));
        let wrong = |line: &str| RunJson::parse(line).unwrap_err().to_string();
        assert!(wrong(r#"{"check":"x","time_ms":5,"state":"FINE"}"#).contains("FINE"));
        assert!(wrong(r#"{"check":"x","state":"OK"}"#).contains("time_ms"));
        let with = |more: &str| wrong(&format!(r#"{{"check":"x","time_ms":5,"state":"OK",{more}}}"#));
        assert!(with(r#""provenance":"dreamt""#).contains("dreamt"));
        assert!(with(r#""provenance":"consolidated""#).contains("consolidation"));
        assert!(with(r#""consolidation":{"span_ms":1,"function":"mode"}"#).contains("mode"));
        let labels: Vec<String> = (0..100).map(|n| format!(r#""l{n}":"v""#)).collect();
        let instance = format!(r#"{{"labels":{{{}}},"state":"OK","since_ms":0}}"#, labels.join(","));
        assert!(with(&format!(r#""instances":[{instance}]"#)).contains("100 labels"));
    }
}
