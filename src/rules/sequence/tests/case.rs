//! A case of the table: a sequence, samples, and the alerts that come of them.

use std::collections::BTreeMap;

use custos_promql::notation::{Item, items, metric};
use custos_promql::{AnswerValue, Labels, Memory, Options, format_number};

use crate::rules::sequence::{Matched, Sequence, SequenceState, read_sequence};

/// What separates the cases of a file.
const BETWEEN: &str = "----\n";

pub(super) struct Case {
    /// Its first line, which says what it shows.
    pub(super) title: String,
    sequence: Sequence,
    series: Memory,
    times: Vec<i64>,
    /// Whether it is also judged when something is due.
    on_samples: bool,
    pub(super) expected: String,
}

/// The cases of a file.
pub(super) fn cases(text: &str) -> Vec<Case> {
    text.split(BETWEEN).map(case).collect()
}

/// `# TITLE`, the sequence, `== STEP [every TIME]`, series, `== alerts`, alerts.
fn case(text: &str) -> Case {
    let title = text.lines().next().unwrap().strip_prefix("# ").unwrap_or_else(|| panic!("{text}"));
    let mut parts = text.split("== ");
    let sequence = read_sequence(parts.next().unwrap()).unwrap_or_else(|error| panic!("{title}: {error}"));
    let (how, series) = parts.next().unwrap().split_once('\n').unwrap();
    let mut how = how.split_whitespace();
    let step_ms = length_ms(how.next().unwrap());
    let mut memory = Memory::default();
    let (mut times, mut steps) = (Vec::new(), 0);
    for line in series.lines().filter(|line| !line.trim().is_empty()) {
        let (labels, values) = metric(line).unwrap();
        let values = items(values.trim()).unwrap();
        memory.extend(&labels, 0, step_ms, &values);
        steps = steps.max(values.len());
        let given = values.iter().enumerate().filter(|(_, item)| **item != Item::Missing);
        times.extend(given.map(|(index, _)| index as i64 * step_ms));
    }
    let every_ms = how.next().map(|every| {
        assert_eq!(every, "every", "{title}");
        length_ms(how.next().unwrap())
    });
    if let Some(every_ms) = every_ms {
        times =
            (0..).map(|round| round * every_ms).take_while(|time| *time < steps as i64 * step_ms).collect();
    }
    times.sort_unstable();
    times.dedup();
    let expected = parts.next().unwrap().strip_prefix("alerts\n").unwrap().to_owned();
    Case {
        title: title.to_owned(),
        sequence,
        series: memory,
        times,
        on_samples: every_ms.is_none(),
        expected,
    }
}

fn length_ms(text: &str) -> i64 {
    (custos_promql::parse_duration(text).unwrap() * 1e3) as i64
}

impl Case {
    /// The alerts, one line for each that begins, changes or is over.
    pub(super) fn run(&self) -> String {
        let mut state = SequenceState::default();
        let mut there: BTreeMap<Labels, String> = BTreeMap::new();
        let mut out = String::new();
        for at_ms in &self.times {
            // What is due before that.
            while let Some(due_ms) = state.next_deadline_ms(&self.sequence).filter(|due_ms| due_ms < at_ms) {
                if !self.on_samples {
                    break;
                }
                self.judge(&mut state, due_ms, &mut there, &mut out);
            }
            self.judge(&mut state, *at_ms, &mut there, &mut out);
        }
        out
    }

    fn judge(
        &self,
        state: &mut SequenceState,
        at_ms: i64,
        there: &mut BTreeMap<Labels, String>,
        out: &mut String,
    ) {
        let returned = self.returned(at_ms);
        let alerts = state.take(&self.sequence, at_ms, &returned).unwrap();
        if alerts.is_empty() && state.under_way(&self.sequence) == 0 {
            assert_eq!(*state, SequenceState::settled(at_ms, &returned), "{}", self.title);
        }
        let now: BTreeMap<Labels, String> =
            alerts.iter().map(|alert| (alert.labels.clone(), shown(alert))).collect();
        for labels in there.keys().filter(|labels| !now.contains_key(labels)) {
            out.push_str(&format!("{} over {}\n", time(at_ms), labels.in_braces()));
        }
        for (labels, text) in now.iter().filter(|(labels, text)| there.get(*labels) != Some(text)) {
            out.push_str(&format!("{} alert {} {text}\n", time(at_ms), labels.in_braces()));
        }
        *there = now;
    }

    fn returned(&self, at_ms: i64) -> Vec<Vec<(Labels, f64)>> {
        let elements = |condition: &crate::rules::sequence::Condition| {
            let (query, expr) = (&condition.query, &condition.expr);
            let answer =
                custos_promql::instant(query, expr, &self.series, at_ms, &Options::default()).unwrap();
            let AnswerValue::Vector(elements) = answer.value else { panic!("{query}") };
            elements.into_iter().map(|(labels, point)| (labels, point.value)).collect()
        };
        self.sequence.conditions.iter().map(elements).collect()
    }
}

/// The value, and the steps with their times.
fn shown(alert: &Matched) -> String {
    let steps = alert.happened.steps().iter().map(|step| format!(" {}@{}", step.name, time(step.at_ms)));
    format!("{}:{}", format_number(alert.value), steps.collect::<String>())
}

fn time(ms: i64) -> String {
    format!("{}s", format_number(ms as f64 / 1e3))
}
