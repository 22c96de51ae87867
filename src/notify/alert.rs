//! The alerts of a check: what of its last run somebody may have to be told.
//!
//! A check without instances is one alert, by its name. Of a check with instances each that is not OK is one, by its labels, and
//! of a rule each element that fires.

use std::collections::BTreeMap;

use custos_query::verdict_text;
use custos_store::{Run, State};

use super::notification::NotifiedCheck;
use crate::rules::{ALERT_NAME, ActiveAlert, Told, VALUE};

/// Labels by name.
pub(super) type LabelSet = BTreeMap<String, String>;

/// By what an alert is the same as before.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct AlertId {
    /// The name of its check.
    pub(super) check: String,
    /// The labels of its instance, as one text.
    pub(super) of: String,
}

impl AlertId {
    /// For people.
    pub(super) fn name(&self) -> String {
        if self.of.is_empty() { self.check.clone() } else { format!("{}{{{}}}", self.check, self.of) }
    }
}

/// An alert that the notifier follows: it fires, or it is over and somebody has yet to be told.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Alert {
    pub(super) labels: LabelSet,
    pub(super) annotations: LabelSet,
    /// Its state; once it is over, the last one.
    pub(super) state: State,
    /// Since when it fires (ms since the epoch).
    pub(super) started_ms: i64,
    /// Since when it is over (ms since the epoch).
    pub(super) ended_ms: Option<i64>,
    /// When it last became something else to tell of (ms since the epoch): no two such moments are the same.
    pub(super) changed_ms: i64,
    /// Its check, as of the last run.
    pub(super) check: NotifiedCheck,
    /// Bytes that it takes in a note at most, as reckoned when it began.
    pub(super) noted_len: usize,
}

/// Something that fires, as of one run.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Firing {
    /// The labels of the instance, as one text.
    pub(super) of: String,
    pub(super) labels: LabelSet,
    pub(super) annotations: LabelSet,
    pub(super) state: State,
    /// Since when (ms since the epoch).
    pub(super) since_ms: i64,
    /// The metric that it is about, as `CHECK:METRIC`; none if that is the one that decided the run.
    pub(super) metric: Option<String>,
    /// What is said of it by itself, see [`NotifiedCheck::own`].
    pub(super) own: String,
}

/// What fires of a check by its run, which is judged. A soft state is waited for.
pub(super) fn of_run(host: &str, check: &str, run: &Run) -> Vec<Firing> {
    if !run.standing.hard || run.state == State::Ok {
        return Vec::new();
    }
    let problems = run.instances.iter().filter(|instance| instance.state != State::Ok);
    let mut all: Vec<Firing> = problems
        .map(|instance| {
            let own: LabelSet = instance.labels.iter().cloned().collect();
            let annotations = text(&instance.text);
            let of = as_one_text(&own);
            Firing {
                of,
                labels: own,
                annotations,
                state: instance.state,
                since_ms: instance.since_ms,
                metric: None,
                own: String::new(),
            }
        })
        .collect();
    let worst = all.iter().fold(State::Ok, |worst, firing| worst.worst(firing.state));
    if all.is_empty() || run.state.severity() > worst.severity() {
        all.push(Firing::of_check(run));
    }
    all.iter_mut().for_each(|firing| firing.name(host, check, true));
    all
}

/// What fires of a rule, by the run of its check and what is told of it. `line` is what one of its alerts says. The check itself is
/// an alert where none of its alerts accounts for its state.
pub(super) fn of_rule(
    host: &str,
    check: &str,
    run: &Run,
    told: &Told<'_>,
    line: &dyn Fn(&ActiveAlert) -> String,
) -> Vec<Firing> {
    let set = |labels: &custos_promql::Labels| -> LabelSet {
        labels.iter().map(|label| (label.name.to_string(), label.value.to_string())).collect()
    };
    let mut all: Vec<Firing> = told
        .alerts
        .iter()
        .map(|alert| {
            let labels = set(&alert.labels);
            Firing {
                of: as_one_text(&labels),
                metric: Some(series(check, &labels)),
                labels,
                annotations: set(&alert.annotations),
                own: line(alert),
                state: alert.state,
                since_ms: alert.firing_since_ms.unwrap_or(alert.active_since_ms),
            }
        })
        .collect();
    all.iter_mut().for_each(|firing| firing.name(host, check, false));
    if told.itself {
        let mut itself = Firing::of_check(run);
        itself.name(host, check, true);
        all.push(itself);
    }
    all
}

/// The series that an alert of a rule is about: the one whose labels it has, or else its value by the rule.
fn series(rule: &str, labels: &LabelSet) -> String {
    let of_metric = labels.get("check").zip(labels.get("metric"));
    let named = match of_metric {
        Some((check, metric)) => format!("{check}:{metric}"),
        None => format!("{rule}:{VALUE}"),
    };
    // The value of a rule has the labels of the alert; another check's series may lack those that the rule gives.
    let own = labels.iter().filter(|(name, _)| of_metric.is_none() && *name != ALERT_NAME);
    let own: Vec<String> = own.map(|(name, value)| format!("{name}=\"{}\"", as_pattern(value))).collect();
    if own.is_empty() { named } else { format!("{named}{{{}}}", own.join(",")) }
}

/// A value as a pattern that fits it alone, within quotes.
fn as_pattern(value: &str) -> String {
    let mut pattern = String::with_capacity(value.len());
    for character in value.chars() {
        match character {
            '"' => pattern.push_str("\\\""),
            '\\' => pattern.push('?'),
            '*' | '?' | '[' | ']' | '{' | '}' => pattern.extend(['[', character, ']']),
            _ => pattern.push(character),
        }
    }
    pattern
}

impl Firing {
    /// A check itself.
    fn of_check(run: &Run) -> Firing {
        Firing {
            of: String::new(),
            labels: LabelSet::new(),
            annotations: text(&verdict_text(run.state, &run.judgement, &run.text)),
            state: run.state,
            since_ms: run.standing.since_ms,
            metric: None,
            own: String::new(),
        }
    }

    /// Adds the labels that every alert has. Those that it has by itself stay, unless they are the agent's `own` to give.
    fn name(&mut self, host: &str, check: &str, own: bool) {
        let mut labels = std::mem::take(&mut self.labels);
        if own {
            labels.retain(|name, _| !NAMING.contains(&name.as_str()));
        }
        self.labels = named_labels(labels, host, check, Some(self.state));
    }
}

/// The labels that every alert has.
const NAMING: [&str; 4] = ["alertname", "host", "check", "severity"];

/// Labels with those that every alert has, unless they are there; without its state, if it has none yet.
pub(super) fn named_labels(mut labels: LabelSet, host: &str, check: &str, state: Option<State>) -> LabelSet {
    let severity = state.map(|state| state.name().to_ascii_lowercase());
    let values = [Some(check), Some(host), Some(check), severity.as_deref()];
    for (name, value) in NAMING.into_iter().zip(values) {
        if let Some(value) = value {
            labels.entry(name.to_owned()).or_insert_with(|| value.to_owned());
        }
    }
    labels
}

fn text(text: &str) -> LabelSet {
    let summary = (!text.is_empty()).then(|| ("summary".to_owned(), text.to_owned()));
    summary.into_iter().collect()
}

/// Labels as one text, different for any two sets.
fn as_one_text(labels: &LabelSet) -> String {
    let written: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    written.join(",")
}

#[cfg(test)]
mod tests {
    use custos_store::{Instance, Instances, Standing};

    use super::*;
    use crate::rules::{NOT_JUDGED, Stage, told};

    fn run(state: State, hard: bool) -> Run {
        Run {
            state,
            text: "text".into(),
            standing: Standing { hard, since_ms: 7, ..Standing::default() },
            ..Run::default()
        }
    }

    #[test]
    fn a_check_without_instances_is_one_alert_once_it_is_hard() {
        assert_eq!(of_run("h", "c", &run(State::Critical, false)), []);
        assert_eq!(of_run("h", "c", &run(State::Ok, true)), []);
        let [firing] = &of_run("h", "c", &run(State::Critical, true))[..] else { panic!() };
        assert_eq!((firing.of.as_str(), firing.state, firing.since_ms), ("", State::Critical, 7));
        let labels: Vec<_> = firing.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(labels, ["alertname=c", "check=c", "host=h", "severity=critical"]);
        assert_eq!(firing.annotations["summary"], "text");
    }

    #[test]
    fn an_alert_of_a_rule_is_about_the_series_whose_labels_it_has() {
        let set = |labels: &[(&str, &str)]| {
            labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        assert_eq!(series("hot", &set(&[("check", "disk"), ("metric", "/data")])), "disk:/data");
        assert_eq!(series("hot", &set(&[("check", "disk")])), "hot:value{check=\"disk\"}");
        assert_eq!(series("hot", &set(&[("alertname", "hot"), ("b", "[x]")])), "hot:value{b=\"[[]x[]]\"}");
        assert_eq!(series("hot", &set(&[])), "hot:value");
    }

    #[test]
    fn an_alert_of_a_rule_keeps_its_own_labels() {
        let alert = |labels: &[(&str, &str)], state| ActiveAlert {
            labels: custos_promql::Labels::new(labels.iter().copied()),
            annotations: custos_promql::Labels::default(),
            value: 1.0,
            state,
            stage: Stage::Firing,
            active_since_ms: 3,
            firing_since_ms: Some(5),
            kept_since_ms: None,
        };
        let alerts = [
            alert(&[("alertname", "Bad"), ("check", "db"), ("host", "other")], State::Critical),
            alert(&[("alertname", "Bad"), ("severity", "info")], State::Ok),
        ];
        let named = |run: &Run, tells_ok| -> Vec<String> {
            let firing = of_rule("h", "rule", run, &told(run, &alerts, tells_ok), &|_| "own".to_owned());
            let line = |labels: &LabelSet| {
                labels.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
            };
            firing.iter().map(|firing| line(&firing.labels)).collect()
        };
        let (db, info) = (
            "alertname=Bad check=db host=other severity=critical",
            "alertname=Bad check=rule host=h severity=info",
        );
        assert_eq!(named(&run(State::Critical, true), true), [db, info]);
        assert_eq!(named(&run(State::Critical, true), false), [db]);
        assert_eq!(named(&run(State::Critical, false), true), [info]);
        assert_eq!(named(&run(State::Ok, true), true), [info]);
        let failed = Run { text: format!("{NOT_JUDGED}no"), ..run(State::Unknown, true) };
        let itself = "alertname=rule check=rule host=h severity=unknown";
        assert_eq!(named(&failed, false), [db, itself]);
        let warning = run(State::Warning, true);
        assert_eq!(of_rule("h", "rule", &warning, &told(&warning, &[], false), &|_| String::new()).len(), 1);
    }

    #[test]
    fn each_instance_that_is_not_ok_is_an_alert_and_so_is_what_is_worse_than_all() {
        let instance = |name: &str, state| Instance {
            state,
            since_ms: 3,
            ..Instance::new(vec![("port".into(), name.into())])
        };
        let instances =
            [instance("1", State::Warning), instance("2", State::Ok), instance("3", State::Warning)];
        let mut run = run(State::Warning, true);
        run.instances = Instances::new(instances).unwrap();
        let of = |run: &Run| of_run("h", "c", run).into_iter().map(|firing| firing.of).collect::<Vec<_>>();
        assert_eq!(of(&run), ["port=\"1\"", "port=\"3\""]);
        run.state = State::Critical;
        assert_eq!(of(&run), ["port=\"1\"", "port=\"3\"", ""]);
    }
}
