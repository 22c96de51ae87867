//! Sequences as they are read: whole, with every mistake.

use std::sync::Arc;
use std::time::Duration;

use super::keys::{ALL, BY, NAME, NOT, RECOVERY, SEQUENCE, STEP, STEP_WITHIN, STEPS, TIMES, UNTIL, WITHIN};
use super::model::{Recovery, Sequence, Step, StepKind};
use super::read_condition::Conditions;
use crate::document::Mistakes;
use crate::document::diagnostic::Findings;
use crate::document::fields::{Fields, one_or_more, refuse, text};
use crate::document::place::{Place, SourceFile};
use crate::document::yaml::{self, Content, Node};
use crate::limits::{SEQUENCE_ALL_MAX, SEQUENCE_STEPS_MAX};
use crate::text::human::counted;

/// Reads a sequence that stands by itself, as a mapping of YAML.
///
/// # Errors
/// All that is wrong with it.
pub fn read_sequence(text: &str) -> Result<Sequence, Mistakes> {
    let file = SourceFile::new("sequence".into(), text.to_owned());
    let mut findings = Findings::default();
    let root = yaml::parse(&file, &mut findings);
    if root.is_none() && findings.len() == 0 {
        findings.error(&Place::whole(&file), "the text is empty; expected a mapping with `steps`");
    }
    let read = root.and_then(|root| sequence(&root, "its own", &mut findings));
    let mistakes = findings.into_mistakes(&[]);
    match read {
        Some(sequence) if !mistakes.has_errors() => Ok(sequence),
        _ => Err(mistakes),
    }
}

/// Reads a sequence; `owner` says whose it is, for messages: `` check `hot` ``.
pub(crate) fn sequence(node: &Node, owner: &str, findings: &mut Findings) -> Option<Sequence> {
    let mistakes = findings.len();
    let fields = Fields::of(node, &format!("the sequence of {owner}"), &SEQUENCE, findings)?;
    let by = fields.get(&BY).map(|node| labels(node, findings)).unwrap_or_default();
    let within_ms = fields.read(&WITHIN, findings).map(in_ms);
    let recovery = fields.value(&RECOVERY, findings).unwrap_or(Recovery::Last);
    let of = format!("the sequence of {owner}");
    let list = fields.need(&STEPS, &node.place, &of, "a list of steps", findings)?;
    let mut reader =
        Reader { conditions: Conditions::default(), steps: Vec::new(), guards: Vec::new(), within_ms };
    match &list.content {
        Content::List(items) if !items.is_empty() && items.len() <= SEQUENCE_STEPS_MAX => {
            items.iter().enumerate().for_each(|(index, node)| reader.step(index, node, findings));
            if let Some(guard) = reader.guards.first() {
                findings.error(
                    &items[guard.item].place,
                    "a `not` without `within` holds until the next step, and there is none; expected `within`",
                );
            }
        }
        Content::List(items) if !items.is_empty() => {
            findings.error(
                &list.place,
                format!("found {} steps, expected at most {SEQUENCE_STEPS_MAX}", items.len()),
            );
        }
        _ => refuse(list, "a list of steps", findings),
    }
    let until = fields.get(&UNTIL).and_then(|node| reader.conditions.condition(node, findings));
    let Reader { conditions, steps, .. } = reader;
    let (conditions, checks) = conditions.into_lists();
    let sequence = Sequence { by, within_ms, conditions, steps, until, recovery, checks };
    (findings.len() == mistakes).then_some(sequence)
}

fn labels(node: &Node, findings: &mut Findings) -> Vec<String> {
    let names = one_or_more(node).iter().filter_map(|node| text(node, "the name of a label", findings));
    let mut names: Vec<String> = names.map(str::to_owned).collect();
    names.sort();
    names.dedup();
    names
}

fn in_ms(length: Duration) -> i64 {
    i64::try_from(length.as_millis()).unwrap_or(i64::MAX)
}

/// A `not` without `within`.
struct Guard {
    condition: usize,
    /// Which item of the list it is.
    item: usize,
}

struct Reader {
    conditions: Conditions,
    steps: Vec<Step>,
    /// Those that the next step will have.
    guards: Vec<Guard>,
    within_ms: Option<i64>,
}

impl Reader {
    fn step(&mut self, index: usize, node: &Node, findings: &mut Findings) {
        let Some(fields) = Fields::of(node, "a step", &STEP, findings) else { return };
        let name = self.name(index, &fields, findings);
        let within_ms = fields.read(&STEP_WITHIN, findings).map(in_ms);
        let times = fields.value(&TIMES, findings).unwrap_or(1);
        let kind = match (fields.get(&ALL), fields.get(&NOT)) {
            (Some(all), None) => self.all(all, &fields, findings),
            (None, Some(not)) => self.not(not, &fields, findings),
            (Some(all), Some(_)) => {
                findings.error(&all.place, "found `all` and `not` in one step, expected one of them");
                None
            }
            (None, None) => self
                .conditions
                .of_fields(&fields, node, findings)
                .map(|condition| StepKind::Times { condition, times: usize::try_from(times).unwrap_or(1) }),
        };
        let Some(kind) = kind else { return };
        match (&kind, within_ms) {
            (StepKind::Not(_), _) if index == 0 => {
                findings.error(&node.place, "a sequence cannot begin with `not`: nothing says from when on");
            }
            (StepKind::Not(condition), None) => {
                return self.guards.push(Guard { condition: *condition, item: index });
            }
            _ => {}
        }
        self.is_bounded(&kind, within_ms, node, findings);
        let guards = std::mem::take(&mut self.guards).into_iter().map(|guard| guard.condition).collect();
        self.steps.push(Step { name, within_ms, kind, guards });
    }

    /// Reports a step for which a match would wait for ever.
    fn is_bounded(&self, kind: &StepKind, within_ms: Option<i64>, node: &Node, findings: &mut Findings) {
        let is_one_moment = self.steps.is_empty() && matches!(kind, StepKind::Times { times: 1, .. });
        if within_ms.is_none() && self.within_ms.is_none() && !is_one_moment {
            let message =
                "nothing says how long this may take; expected `within` in the step or in the sequence";
            findings.error(&node.place, message);
        }
    }

    fn name(&self, index: usize, fields: &Fields<'_>, findings: &mut Findings) -> Arc<str> {
        let own = fields.get(&NAME).and_then(|node| Some((node, text(node, "a name", findings)?)));
        let Some((node, name)) = own else { return format!("step{}", index + 1).into() };
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if !name.chars().all(is_plain) || name.starts_with(|c: char| c.is_ascii_digit()) {
            refuse(node, "a name of letters, digits and `_`", findings);
        } else if self.steps.iter().any(|step| *step.name == *name) {
            findings.error(&node.place, format!("two steps have the name `{name}`"));
        }
        name.into()
    }

    fn all(&mut self, node: &Node, fields: &Fields<'_>, findings: &mut Findings) -> Option<StepKind> {
        self.alone("all", fields, findings);
        let Content::List(items) = &node.content else {
            refuse(node, "a list of conditions", findings);
            return None;
        };
        if !(2..=SEQUENCE_ALL_MAX).contains(&items.len()) {
            let found = counted(items.len() as u64, "condition");
            findings.error(&node.place, format!("found {found}, expected from 2 to {SEQUENCE_ALL_MAX}"));
            return None;
        }
        let conditions = items.iter().filter_map(|item| self.conditions.condition(item, findings));
        Some(StepKind::All(conditions.collect()))
    }

    fn not(&mut self, node: &Node, fields: &Fields<'_>, findings: &mut Findings) -> Option<StepKind> {
        self.alone("not", fields, findings);
        self.conditions.condition(node, findings).map(StepKind::Not)
    }

    /// Reports keys that a step of this kind has no use for.
    fn alone(&self, kind: &str, fields: &Fields<'_>, findings: &mut Findings) {
        for key in Conditions::keys().into_iter().chain([&TIMES as _]) {
            if let Some(entry) = fields.entry(key) {
                findings.error(&entry.key_place, format!("a step with `{kind}` has no `{}`", key.name()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::read_sequence;

    #[test]
    fn a_text_without_a_sequence_is_a_mistake() {
        for (text, mistake) in [
            ("", "sequence: the text is empty; expected a mapping with `steps`"),
            ("# steps: [{ query: a }]\n", "sequence: the text is empty; expected a mapping with `steps`"),
            ("~", "sequence:1:1: found nothing for the sequence of its own, expected a mapping"),
        ] {
            assert_eq!(
                read_sequence(text).unwrap_err().to_string().lines().next(),
                Some(mistake),
                "{text:?}"
            );
        }
    }
}
