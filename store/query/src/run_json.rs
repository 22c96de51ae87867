//! A run as a line of JSON, and back: one encoder for everything that shows, exports or sends runs.
//!
//! A line has all that is needed to restore the run as it was. The order of the keys is part of the format; new ones
//! come last. Numbers come back exactly.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};

use custos_store::{
    Bounds, Consolidation, Instance, Instances, Metric, Provenance, Reason, Run, Standing, State, Value,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{Error, Result};

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

/// One of the things that a check judges at once.
#[derive(Debug, Serialize, Deserialize)]
struct InstanceLine<'a> {
    labels: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
    state: Cow<'a, str>,
    since_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pending_since_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seen_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<Number>,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    text: Cow<'a, str>,
}

/// Of what a consolidated value was made.
#[derive(Debug, Serialize, Deserialize)]
struct ConsolidationLine<'a> {
    span_ms: u64,
    function: Cow<'a, str>,
}

#[derive(Debug, Serialize, Deserialize)]
struct MetricLine<'a> {
    label: Cow<'a, str>,
    value: Option<Number>,
    #[serde(default)]
    unit: Cow<'a, str>,
    warn: Option<RangeLine>,
    crit: Option<RangeLine>,
    min: Option<Number>,
    max: Option<Number>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    printed_unit: Cow<'a, str>,
}

/// An infinite end is null.
#[derive(Debug, Serialize, Deserialize)]
struct RangeLine {
    start: Option<Number>,
    end: Option<Number>,
    #[serde(default)]
    inside: bool,
}

fn exited() -> Cow<'static, str> {
    Reason::Exited.name().into()
}

/// A number that is written without a fraction where it has none, so that large counters stay exact.
#[derive(Clone, Copy, Debug)]
struct Number(Value);

impl Number {
    fn of(float: f64) -> Number {
        Number(Value::from(float))
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self.0 {
            Value::Integer(value) => serializer.serialize_i64(value),
            // The range in which every float with no fraction is an i64.
            Value::Float(value) if value.trunc() == value && value.abs() < 9.2e18 => {
                serializer.serialize_i64(value as i64)
            }
            Value::Float(value) => serializer.serialize_f64(value),
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Number, D::Error> {
        let number = serde_json::Number::deserialize(deserializer)?;
        let value = match number.as_i64() {
            Some(integer) => Value::from(integer),
            None => Value::from(
                number.as_f64().ok_or_else(|| serde::de::Error::custom("no number that can be kept"))?,
            ),
        };
        Ok(Number(value))
    }
}

/// Microseconds, written as milliseconds with a fraction.
#[derive(Clone, Copy, Debug, Default)]
struct Milliseconds(u64);

impl Serialize for Milliseconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        Number::of(self.0 as f64 / 1000.0).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Milliseconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Milliseconds, D::Error> {
        let milliseconds = f64::deserialize(deserializer)?;
        if milliseconds >= 0.0 {
            Ok(Milliseconds((milliseconds * 1000.0).round() as u64))
        } else {
            Err(serde::de::Error::custom("a negative duration"))
        }
    }
}

fn bad(what: impl Into<String>) -> Error {
    Error::Line { what: what.into() }
}

fn state(name: &str) -> Result<State> {
    let found = State::ALL.into_iter().find(|state| state.name() == name);
    found.ok_or_else(|| bad(format!("{name:?} is no state")))
}

fn bounds(line: RangeLine) -> Bounds {
    let end = |number: Option<Number>, infinite| number.map_or(infinite, |number| number.0.to_f64());
    Bounds {
        start: end(line.start, f64::NEG_INFINITY),
        end: end(line.end, f64::INFINITY),
        inside: line.inside,
    }
}

impl RangeLine {
    fn new(bounds: Bounds) -> RangeLine {
        let finite = |value: f64| value.is_finite().then(|| Number::of(value));
        RangeLine { start: finite(bounds.start), end: finite(bounds.end), inside: bounds.inside }
    }
}

impl<'a> MetricLine<'a> {
    fn new(metric: &'a Metric) -> MetricLine<'a> {
        let labels = metric.labels.iter().map(|(name, value)| (name.into(), value.into()));
        MetricLine {
            label: (&metric.label).into(),
            value: metric.value.map(Number),
            unit: (&metric.unit).into(),
            warn: metric.warn.map(RangeLine::new),
            crit: metric.crit.map(RangeLine::new),
            min: metric.min.map(Number::of),
            max: metric.max.map(Number::of),
            labels: labels.collect(),
            printed_unit: (&metric.printed_unit).into(),
        }
    }

    fn into_metric(self) -> Metric {
        let labels = self.labels.into_iter().map(|(name, value)| (name.into(), value.into()));
        Metric {
            label: self.label.into(),
            labels: labels.collect(),
            value: self.value.map(|number| number.0),
            unit: self.unit.into(),
            printed_unit: self.printed_unit.into(),
            warn: self.warn.map(bounds),
            crit: self.crit.map(bounds),
            min: self.min.map(|number| number.0.to_f64()),
            max: self.max.map(|number| number.0.to_f64()),
        }
    }
}

impl<'a> InstanceLine<'a> {
    fn new(instance: &'a Instance) -> InstanceLine<'a> {
        let labels = instance.labels.iter().map(|(name, value)| (name.into(), value.into()));
        InstanceLine {
            labels: labels.collect(),
            state: instance.state.name().into(),
            since_ms: instance.since_ms,
            pending_since_ms: instance.pending_since_ms,
            seen_ms: instance.seen_ms,
            value: instance.value.map(Number),
            text: (&instance.text).into(),
        }
    }

    fn into_instance(self) -> Result<Instance> {
        let labels = self.labels.into_iter().map(|(name, value)| (name.into(), value.into()));
        Ok(Instance {
            labels: labels.collect(),
            state: state(&self.state)?,
            since_ms: self.since_ms,
            pending_since_ms: self.pending_since_ms,
            seen_ms: self.seen_ms,
            value: self.value.map(|number| number.0),
            text: self.text.into(),
        })
    }
}

fn instances(lines: Vec<InstanceLine<'_>>) -> Result<Instances> {
    let all = lines.into_iter().map(InstanceLine::into_instance).collect::<Result<Vec<_>>>()?;
    Instances::new(all).map_err(|error| bad(format!("failed to {error}")))
}

fn provenance(
    name: Option<Cow<'_, str>>,
    consolidation: Option<ConsolidationLine<'_>>,
) -> Result<Provenance> {
    if let Some(line) = consolidation {
        let function = Consolidation::ALL.into_iter().find(|function| function.name() == line.function);
        let function = function.ok_or_else(|| bad(format!("{:?} is no consolidation", line.function)))?;
        return Ok(Provenance::Consolidated { span_ms: line.span_ms, function });
    }
    let Some(name) = name else { return Ok(Provenance::default()) };
    let all = [Provenance::Scheduled, Provenance::Asked, Provenance::Submitted, Provenance::Watched];
    let found = all.into_iter().find(|provenance| provenance.name() == name);
    found.ok_or_else(|| bad(format!("{name:?} is no provenance, or lacks its consolidation")))
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
        serde_json::to_writer(&mut *out, self)?;
        out.write_all(b"\n")
    }

    /// Reads a line: the check and the run. Only `check`, `time_ms` and `state` are required.
    ///
    /// # Errors
    /// [`Error::Line`] says what is wrong with it.
    pub fn parse(line: &str) -> Result<(String, Run)> {
        let line: RunJson<'_> = serde_json::from_str(line).map_err(|error| bad(error.to_string()))?;
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
        };
        Ok((line.check.into(), run))
    }
}

#[cfg(test)]
mod tests {
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
